//! What a server does beside its work: it says that it is still there, keeps its clock with the
//! others', notes when it is quiet, and forgets answers whose time is over.

use std::time::{Duration, Instant};

use domain::idempotency::KEPT_WITHOUT_KEY;
use domain::time::Span;
use store::Store;
use store::records::Alive;
use tokio::task::JoinHandle;

use crate::clock::{Clock as _, ShopClock};
use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How often a server says that it is still there.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// After so long without a spend, every answer has been delivered or is remembered.
const QUIET: Duration = Duration::from_secs(5);

/// Spends this shortly before an unclean end may not have been answered.
pub const UNCLEAN_WINDOW: Span = Span::from_millis_const(5_000);

/// How long a jump of the clock waits for other servers to take note. One that has not been heard
/// of for so long is not there any more.
const OTHERS_TAKE_NOTE: Duration = Duration::from_secs(6);

/// Notes that a server starts, with its clock set.
pub(crate) fn start(store: &dyn Store, clock: &ShopClock) -> store::Result<()> {
    beat(store, clock)?;
    let remembered = store.note_start(clock.now(), UNCLEAN_WINDOW, KEPT_WITHOUT_KEY)?;
    tell(remembered);
    Ok(())
}

/// Says that the server is still there, and goes by the clock that it is told.
fn beat(store: &dyn Store, clock: &ShopClock) -> store::Result<Alive> {
    let (asked, before) = (clock.true_time(), clock.ahead());
    let alive = store.note_alive(before, clock.now(), UNCLEAN_WINDOW, KEPT_WITHOUT_KEY)?;
    if let Some(shared) = alive.server_time {
        let way = clock.true_time().since(asked);
        clock.follow(shared, asked + Span::from_millis(way.millis() / 2));
    }
    clock.move_ahead(alive.clock_offset);
    Ok(alive)
}

/// Tells the operator of spends whose answers are given again.
fn tell(remembered: u32) {
    if remembered > 0 {
        tracing::warn!(
            spends = remembered,
            "A server has ended uncleanly: the answers to {remembered} spends are given again if asked"
        );
    }
}

impl Engine {
    /// Keeps the server up, for ever, on a task of its own. Every server does.
    pub fn run_upkeep(&self) -> JoinHandle<()> {
        let engine = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                let before = engine.inner.clock.ahead();
                if let Ok(alive) = engine.note_alive().await {
                    if before < engine.inner.clock.ahead() {
                        // Whoever has moved the clock waits for the next beat, which says that it
                        // was noticed here.
                        engine.inner.followers.wait().await;
                    }
                    tell(alive.remembered);
                    engine.tidy().await;
                }
            }
        })
    }

    /// Says that this server is still there, and goes by the clock that it is told.
    pub(crate) async fn note_alive(&self) -> Result<Alive, Fault> {
        let clock = self.inner.clock.clone();
        let noted = self.read_slow(move |store| beat(store, &clock)).await;
        noted.map_err(|error| told(&error, "saying that this server is there"))
    }

    /// Waits until all servers go by a clock that was moved.
    pub(crate) async fn wait_for_others(&self) -> Result<(), Fault> {
        let since = Instant::now();
        while !self.note_alive().await?.together {
            if since.elapsed() > OTHERS_TAKE_NOTE {
                tracing::warn!("Another server has not taken note that the clock was moved");
                return Ok(());
            }
            tokio::time::sleep(HEARTBEAT / 10).await;
        }
        Ok(())
    }

    /// Notes when it is quiet, and forgets answers whose time is over.
    async fn tidy(&self) {
        let quiet = {
            let mut last = self.lock_last_spend();
            let quiet = last.is_some_and(|at| at.elapsed() >= QUIET);
            if quiet {
                *last = None;
            }
            quiet
        };
        if quiet {
            let now = self.now();
            let tidied = self.read_slow(move |store| {
                store.note_quiet()?;
                while store.forget(now, 1_000)? == 1_000 {}
                Ok(())
            });
            if let Err(error) = tidied.await {
                told(&error, "tidying");
                self.lock_last_spend().get_or_insert_with(Instant::now);
            }
        }
    }
}
