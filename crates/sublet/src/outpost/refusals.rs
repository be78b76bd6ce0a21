//! What this gateway has refused, on its way to each server of the shop: whichever is asked about a
//! lease knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use feed::refusal::{LEASES_MOST, Noted, Told};
use gateway::Gateway;
use rustls::ClientConfig;

use super::control::{Control, Shop};
use crate::nodes::http::REFUSALS;

/// How often it is looked whether something was refused, and how long is waited before it is tried
/// again to tell it.
const EVERY: Duration = Duration::from_secs(1);

/// A server that was told nothing for so long is asked whether it still remembers what it was told.
const ASK: Duration = Duration::from_secs(5);

/// Tells one server of the shop what is refused, until it is dropped.
struct Telling {
    gateway: Arc<Gateway>,
    shop: Shop,
    /// The number up to which it was told.
    told: u64,
    /// The memory that it was told to.
    memory: String,
}

/// What tells each server of the shop.
pub(super) fn tell_all(
    gateway: &Arc<Gateway>,
    controls: &[Control],
    config: &Arc<ClientConfig>,
) -> Vec<impl Future<Output = ()> + Send + use<>> {
    let of = |control: &Control| Telling {
        gateway: Arc::clone(gateway),
        shop: Shop::new(vec![control.clone()], Arc::clone(config)),
        told: 0,
        memory: String::new(),
    };
    controls.iter().map(|control| of(control).tell()).collect()
}

impl Telling {
    async fn tell(mut self) {
        let mut asked: Option<Instant> = None;
        loop {
            let (leases, upto) = self.gateway.refusals_after(self.told, LEASES_MOST);
            let is_more = leases.len() == LEASES_MOST;
            let is_due = asked.is_none_or(|asked| asked.elapsed() >= ASK);
            if leases.is_empty() && !is_due {
                tokio::time::sleep(EVERY).await;
                continue;
            }
            match self.shop.ask::<Noted>(REFUSALS, &Told { leases }).await {
                Ok(noted) if noted.memory == self.memory => self.told = upto,
                // Another server, or the same one after its restart: it knows nothing else. What it
                // was told just now is told once more, if something had been told before.
                Ok(noted) => {
                    self.told = if self.told == 0 { upto } else { 0 };
                    self.memory = noted.memory;
                }
                Err(why) => {
                    tracing::debug!("What was refused was not told: {why}");
                    tokio::time::sleep(EVERY).await;
                    continue;
                }
            }
            asked = Some(Instant::now());
            if !is_more {
                tokio::time::sleep(EVERY).await;
            }
        }
    }
}
