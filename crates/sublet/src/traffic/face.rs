//! The traffic of leases as the APIs ask for it, wherever it is carried.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use api::{Carried, CheckWish, Checked, NotChecked, Refusals};
use domain::ids::LeaseId;
use domain::time::{Span, Time};
use engine::engine::Engine;
use feed::refusal::Refused;
use gateway::Gateway;
use tokio::sync::Semaphore;

use super::{Options, lease};
use crate::check::{self, Echoes, Target, Wish};
use crate::nodes::refusals::Told;

/// How many proxies are checked at a time.
const AT_A_TIME: usize = 8;

/// How many refusals of a lease are shown.
const LAST: usize = 20;

/// The clock of a gateway elsewhere may be so far behind.
const BEHIND: Span = Span::from_millis_const(250);

/// How often it is looked whether a gateway elsewhere has told why it has refused something, and
/// after how long.
const TOLD: (u32, Duration) = (20, Duration::from_millis(100));

/// The traffic of leases as the APIs ask for it.
pub(crate) struct Face {
    engine: Engine,
    /// The gateway in this process, if there is one.
    gateway: Option<Arc<Gateway>>,
    /// What others tell here, if they can.
    told: Option<Arc<Told>>,
    asked: Asked,
    places: Semaphore,
}

/// Who is asked which address he sees.
enum Asked {
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
    /// Knows what `gateway` in this process has refused, and what others have `told`, and checks
    /// as `options` say.
    pub(crate) async fn new(
        engine: &Engine,
        options: &Options,
        base_url: Option<&str>,
        gateway: Option<Arc<Gateway>>,
        told: Option<Arc<Told>>,
    ) -> Face {
        let asked = asked(engine, options, base_url).await;
        let (engine, places) = (engine.clone(), Semaphore::new(AT_A_TIME));
        Face { engine, gateway, told, asked, places }
    }

    async fn check(&self, wish: CheckWish) -> Result<Vec<Checked>, NotChecked> {
        let target = match &self.asked {
            Asked::Somebody(target) => target.clone(),
            Asked::Us(echoes) => echoes.target(Some(wish.exit)),
            Asked::Nobody => return Err(NotChecked::NobodyToAsk),
        };
        let _place = self.places.try_acquire().map_err(|_| NotChecked::Busy)?;
        let CheckWish { lease, endpoint, protocol, access, exit, port } = wish;
        let (since, known) = (self.engine.now() - BEHIND, self.newest(lease));
        let mut wish = Wish::of_lease(&endpoint, protocol, &access, exit);
        wish.doors.retain(|door| port.is_none_or(|port| port == door.port));
        let found = check::check(&wish, &target).await;
        // SOCKS has fewer words for a refusal than the gateway that makes it: who may not come in
        // now is told the same as who has the wrong password.
        let is_terse = |it: &check::Checked| {
            let told = |why: &str| why.starts_with("socks_reply_") || why == "credentials_wrong";
            it.protocol == "socks5" && it.reason.as_deref().is_some_and(told)
        };
        let told = match found.iter().any(is_terse) {
            true => self.newer(lease, since, known.as_ref()).await,
            false => None,
        };
        let checked = found.into_iter().map(|found| Checked {
            protocol: found.protocol,
            port: found.port,
            reason: told.clone().filter(|_| is_terse(&found)).or(found.reason),
            exit: found.exit,
            connect_ms: found.connect_ms,
            first_byte_ms: found.first_byte_ms,
            trusted: found.trusted,
        });
        Ok(checked.collect())
    }

    /// Why something was refused `since`, other than what was `known` then; as soon as it is known
    /// here.
    async fn newer(&self, id: LeaseId, since: Time, known: Option<&Refused>) -> Option<String> {
        let looks = if self.told.is_some() { TOLD.0 } else { 1 };
        for look in 0..looks {
            if look > 0 {
                tokio::time::sleep(TOLD.1).await;
            }
            let is_new = |it: &Refused| Some(it) != known && since.millis() <= it.at;
            let newest = self.newest(id).filter(is_new);
            if let Some(newest) = newest {
                return Some(newest.reason);
            }
        }
        None
    }

    fn newest(&self, id: LeaseId) -> Option<Refused> {
        let all = self.all(id).into_iter().flat_map(|refusals| refusals.last);
        all.max_by_key(|it| it.at)
    }

    /// What each gateway has refused to a lease, as far as it is known here.
    fn all(&self, id: LeaseId) -> Vec<feed::refusal::Refusals> {
        let own = self.gateway.iter().map(|gateway| gateway.refusals(lease::id(id)));
        let told = self.told.iter().flat_map(|told| told.of(lease::id(id)));
        own.chain(told).collect()
    }
}

impl Carried for Face {
    fn refusals(&self, id: LeaseId) -> Option<Refusals> {
        let known = self.gateway.is_some() || self.told.is_some();
        known.then(|| together(self.all(id)))
    }

    fn check(
        &self,
        wish: CheckWish,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Checked>, NotChecked>> + Send + '_>> {
        Box::pin(Face::check(self, wish))
    }
}

/// Who is asked which address he sees when a proxy is checked.
async fn asked(engine: &Engine, options: &Options, base_url: Option<&str>) -> Asked {
    if let Some(target) = &options.check_url {
        return Asked::Somebody(target.clone());
    }
    if engine.is_sandbox()
        && let Ok(echoes) = Echoes::start().await
    {
        return Asked::Us(echoes);
    }
    let own = base_url.and_then(|url| format!("{url}/api/ip").parse().ok());
    own.map_or(Asked::Nobody, Asked::Somebody)
}

/// What several gateways have refused to one lease.
fn together(all: Vec<feed::refusal::Refusals>) -> Refusals {
    let (mut counts, mut last) = (BTreeMap::<String, u64>::new(), Vec::new());
    for refusals in all {
        for (reason, count) in refusals.counts {
            let sum = counts.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        last.extend(refusals.last);
    }
    // Those of one gateway stay in their order.
    last.sort_by_key(|it| Reverse(it.at));
    last.truncate(LAST);
    let last = last.into_iter().map(|it| api::Refused {
        at: Time::from_millis(it.at),
        reason: it.reason,
        destination: it.destination,
        source: it.source,
    });
    Refusals { counts: counts.into_iter().collect(), last: last.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_gateways_have_refused_is_one_list_the_newest_first() {
        let refused = |at, reason: &str| Refused {
            at,
            reason: reason.to_owned(),
            destination: None,
            source: "192.0.2.1".parse().unwrap(),
        };
        let of = |counts: &[(&str, u64)], last: Vec<Refused>| feed::refusal::Refusals {
            counts: counts.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect(),
            last,
        };
        let one = of(&[("b", 3), ("a", 1)], vec![refused(9, "b"), refused(5, "a")]);
        let many = (0..30).map(|at| refused(6 - at / 10, "c")).collect();
        let told = together(vec![one, of(&[("c", 30), ("a", 2)], many)]);
        let counts = [("a".to_owned(), 3), ("b".to_owned(), 3), ("c".to_owned(), 30)];
        assert_eq!(told.counts, counts);
        let last: Vec<_> = told.last.iter().map(|it| (it.at.millis(), &*it.reason)).collect();
        assert_eq!(last.len(), 20);
        assert_eq!((last[0], last[1], last[10]), ((9, "b"), (6, "c"), (6, "c")));
        assert_eq!((last[11], last[12]), ((5, "a"), (5, "c")));
    }
}
