//! What an extension would meet, seen at one moment and before it is wholly worded: periods are
//! named by what is on sale, so the catalogue is looked at together with the leases.

use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::extend::Extend;
use domain::lease::Lease;
use domain::proxy::Proxy;
use domain::time::Time;
use domain::world::World;

use store::Store;

use crate::engine::{Engine, Quoted};
use crate::fault::{Fault, told};
use crate::reads::FEW;

/// What was seen.
#[derive(Debug)]
pub struct Prospect {
    world: World,
    now: Time,
}

impl Prospect {
    /// The catalogue in force.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.world.catalogue()
    }

    /// The leases that would be extended, in the order in which they were named; none if there is a
    /// problem with them.
    pub fn leases(&self, extend: &Extend) -> Vec<&Lease> {
        extend.leases(&self.world, self.now).unwrap_or_default()
    }

    /// What it would cost.
    pub fn quote(&self, extend: &Extend) -> Quoted {
        let balance = self.world.wallet(extend.customer).map(|wallet| wallet.balance);
        Quoted { result: extend.quote(&self.world, self.now), balance }
    }
}

impl Engine {
    /// Looks at what an extension would meet, whatever its period is.
    pub fn prospect(&self, extend: &Extend) -> Result<Prospect, Fault> {
        let now = self.now();
        let world = self.read(|store| store.load(&extend.needs(), now))?;
        Ok(Prospect { world, now })
    }

    /// The same, with the leases as they are shown, by id.
    pub async fn shown_prospect(&self, extend: &Extend) -> Result<(Prospect, Vec<Proxy>), Fault> {
        let (now, customer, needs) = (self.now(), extend.customer, extend.needs());
        let few = needs.orders.is_empty() && needs.leases.len() <= FEW;
        let look = move |store: &dyn Store| store.load_shown(&needs, customer, now);
        let (world, proxies) = if few {
            self.read(look)?
        } else {
            let seen = self.read_slow(look).await;
            seen.map_err(|error| told(&error, "looking at an extension"))?
        };
        Ok((Prospect { world, now }, proxies))
    }
}
