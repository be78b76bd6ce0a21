//! The gateway as the APIs ask for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use api::{Carried, CheckWish, Checked, NotChecked, Refusals};
use domain::ids::LeaseId;
use domain::time::Time;
use gateway::Gateway;
use tokio::sync::Semaphore;

use super::lease;
use crate::check::{self, Echoes, Target, Wish};

/// How many proxies are checked at a time.
const AT_A_TIME: usize = 8;

/// The gateway as the APIs ask for it.
pub(super) struct Face {
    gateway: Arc<Gateway>,
    asked: Asked,
    places: Semaphore,
}

/// Who is asked which address he sees.
pub(super) enum Asked {
    /// Whoever the operator says.
    Somebody(Target),
    /// We ourselves, on loopback.
    Us(Echoes),
    /// Nobody that we know of.
    Nobody,
}

impl std::fmt::Debug for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Face")
    }
}

impl Face {
    pub(super) fn new(gateway: Arc<Gateway>, asked: Asked) -> Face {
        Face { gateway, asked, places: Semaphore::new(AT_A_TIME) }
    }

    async fn check(&self, wish: CheckWish) -> Result<Vec<Checked>, NotChecked> {
        let target = match &self.asked {
            Asked::Somebody(target) => target.clone(),
            Asked::Us(echoes) => echoes.target(Some(wish.exit)),
            Asked::Nobody => return Err(NotChecked::NobodyToAsk),
        };
        let _place = self.places.try_acquire().map_err(|_| NotChecked::Busy)?;
        let CheckWish { lease, endpoint, protocol, access, exit, port } = wish;
        let began = self.newest(lease);
        let mut wish = Wish::of_lease(&endpoint, protocol, &access, exit);
        wish.doors.retain(|door| port.is_none_or(|port| port == door.port));
        let mut checked = Vec::new();
        for found in check::check(&wish, &target).await {
            // SOCKS has fewer words for a refusal than the gateway that makes it.
            let is_terse = found.reason.as_ref().is_some_and(|why| why.starts_with("socks_reply_"));
            let newest = self.newest(lease).filter(|newest| Some(newest) != began.as_ref());
            let told = newest.filter(|_| is_terse).map(|newest| newest.reason);
            checked.push(Checked {
                protocol: found.protocol,
                port: found.port,
                reason: told.or(found.reason),
                exit: found.exit,
                connect_ms: found.connect_ms,
                first_byte_ms: found.first_byte_ms,
                trusted: found.trusted,
            });
        }
        Ok(checked)
    }

    fn newest(&self, id: LeaseId) -> Option<feed::refusal::Refused> {
        self.gateway.refusals(lease::id(id)).last.into_iter().next()
    }
}

impl Carried for Face {
    fn refusals(&self, id: LeaseId) -> Refusals {
        let feed::refusal::Refusals { counts, last } = self.gateway.refusals(lease::id(id));
        let last = last.into_iter().map(|it| api::Refused {
            at: Time::from_millis(it.at),
            reason: it.reason,
            destination: it.destination,
            source: it.source,
        });
        Refusals { counts, last: last.collect() }
    }

    fn check(
        &self,
        wish: CheckWish,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Checked>, NotChecked>> + Send + '_>> {
        Box::pin(Face::check(self, wish))
    }
}
