//! The shop that is measured, in a database of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use engine::clock::{Clock as _, SystemClock};
use store::Store;
use store::postgres::scratch::{Scratch, Server};
use store::postgres::{Create, Options, PostgresStore};

use crate::bench::data::{self, CATALOGUE, Customer, Shop};

/// A database with a shop in it, and what belongs to it.
pub(super) struct Place {
    database: Scratch,
    key_file: PathBuf,
}

impl Place {
    /// A new, empty database, whose key is in `folder`.
    pub(super) fn new(server: &Server, folder: &Path, name: &str) -> Result<Place> {
        let key_file = folder.join(format!("{name}.key"));
        Ok(Place { database: server.new_database()?, key_file })
    }

    /// Opens it for a server with this name.
    pub(super) fn open(&self, server: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(PostgresStore::open(&Options {
            url: self.database.url(),
            key_file: self.key_file.clone(),
            create: Create::IfMissing { sandbox: true },
            migrate: true,
            readers: 4,
            server: server.to_owned(),
        })?))
    }

    /// Fills it with a customer for each of `leases`, who has so many.
    pub(super) fn fill(&self, leases: &[u32]) -> Result<Shop> {
        let (store, now) = (self.open("one")?, SystemClock.now());
        store.apply_catalogue(CATALOGUE, now)?;
        data::fill(store, leases, now)
    }

    pub(super) fn database(&self) -> &Scratch {
        &self.database
    }
}

/// The same shop with some of its customers, seen by `store`.
pub(super) fn part(shop: &Shop, store: &Arc<dyn Store>, customers: &[Customer]) -> Arc<Shop> {
    Arc::new(Shop { store: store.clone(), customers: customers.to_vec(), at: shop.at })
}
