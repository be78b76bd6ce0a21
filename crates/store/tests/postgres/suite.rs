//! The PostgreSQL store is run through the suite that every store must pass, and plays scripts like
//! the in-memory one.

use e2e::postgres::Postgres;
use e2e::postgres::pooler::Pooler;
use proptest::prelude::*;
use store::Store;
use store::conformance::{self, compare};
use store::memory::MemoryStore;
use store::postgres::PostgresStore;
use tempfile::TempDir;

use crate::{databases, scripts};

/// Makes stores in a database and with a folder of their own each.
#[derive(Default)]
struct Maker {
    folders: Vec<TempDir>,
    sandbox: bool,
    pooler: Option<Pooler>,
}

impl Maker {
    fn make(&mut self) -> Box<dyn Store> {
        let folder = TempDir::new().unwrap();
        let url = databases::new();
        let url = match &self.pooler {
            Some(pooler) => pooler.url(&url) + "?pooler=transaction",
            None => url,
        };
        let options = databases::options(&url, folder.path(), self.sandbox);
        self.folders.push(folder);
        Box::new(PostgresStore::open(&options).unwrap())
    }
}

#[test]
fn it_does_as_every_store_must() {
    let mut maker = Maker::default();
    conformance::run(&mut || maker.make());
}

/// What one transaction leaves behind on a connection, another would find there.
#[test]
fn it_does_so_behind_a_pooler() {
    let pooler = Pooler::before(Postgres::shared().address(), 5);
    let mut maker = Maker { pooler: Some(pooler), ..Maker::default() };
    conformance::run(&mut || maker.make());
}

#[test]
fn its_sandbox_does_too() {
    let mut maker = Maker { sandbox: true, ..Maker::default() };
    conformance::rows::an_installation_keeps_its_nature(&mut || maker.make());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn it_keeps_the_same_books_as_the_model(script in scripts::scripts(40)) {
        let mut maker = Maker::default();
        let model = || Box::new(MemoryStore::new(false)) as Box<dyn Store>;
        compare::compare(&mut model.clone(), &mut || maker.make(), &script);
        compare::compare(&mut || maker.make(), &mut model.clone(), &script);
    }

    #[test]
    fn one_jump_is_many(script in scripts::scripts(15)) {
        let mut maker = Maker::default();
        compare::one_jump_is_many(&mut || maker.make(), &script);
    }
}
