//! What an extension would meet: its price, and the leases as they are shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::extend::Extend;
use domain::ids::LeaseId;
use domain::proxy::Proxy;
use store::Store;

use crate::engine::{Engine, Quoted};
use crate::fault::{Fault, told};
use crate::reads::FEW;

/// What was seen at one moment.
#[derive(Debug)]
pub struct Prospect {
    /// The catalogue in force.
    pub catalogue: Arc<Catalogue>,
    /// The price.
    pub quoted: Quoted,
    /// What would be extended, in the order in which it was named; nothing if there is a problem
    /// with it.
    pub proxies: Vec<Proxy>,
}

impl Engine {
    /// Looks at what an extension would meet.
    pub async fn prospect(&self, extend: &Extend) -> Result<Prospect, Fault> {
        let (now, customer, needs) = (self.now(), extend.customer, extend.needs());
        let few = needs.orders.is_empty() && needs.leases.len() <= FEW;
        let look = move |store: &dyn Store| store.load_shown(&needs, customer, now);
        let (world, shown) = if few {
            self.read(look)?
        } else {
            let seen = self.read_slow(look).await;
            seen.map_err(|error| told(&error, "looking at an extension"))?
        };
        let balance = world.wallet(customer).map(|wallet| wallet.balance);
        let leases = extend.leases(&world, now).unwrap_or_default();
        let mut shown: BTreeMap<LeaseId, Proxy> =
            shown.into_iter().map(|proxy| (proxy.lease.id, proxy)).collect();
        Ok(Prospect {
            catalogue: world.catalogue().clone(),
            quoted: Quoted { result: extend.quote(&world, now), balance },
            proxies: leases.iter().filter_map(|lease| shown.remove(&lease.id)).collect(),
        })
    }
}
