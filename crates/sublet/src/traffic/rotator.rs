//! Who drives the modems of this process's gateways.
//!
//! Jobs wait in the books; those of its modems are taken from there and told back. A modem that is
//! dialing here is left alone until it has ended, whatever the books say meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::rotation::Outcome;
use engine::engine::Engine;
use engine::rotations::{Job, Rotator as Taker};
use modem::{Driver, Error};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::drivers::{self, Drivers};

/// How long is waited when the books cannot be read or written.
const AGAIN: Duration = Duration::from_secs(1);

/// How often it is tried to tell what has come of a job. After that nobody would believe it.
const TELL: u32 = 30;

/// Who drives modems.
pub(super) struct Rotator {
    taker: Taker,
    /// Which gateways' modems; if none is named, all.
    names: BTreeSet<String>,
    drivers: Drivers,
    /// The modems that are dialing, each on a task that gives its name back.
    dialing: JoinSet<String>,
    busy: BTreeSet<String>,
    /// Whether no more jobs are to be taken.
    rest: watch::Receiver<bool>,
}

impl Rotator {
    /// Drives nothing so far.
    pub(super) fn new(
        engine: &Engine,
        names: BTreeSet<String>,
        secrets: Option<PathBuf>,
        rest: watch::Receiver<bool>,
    ) -> Rotator {
        let (drivers, dialing, busy) = (Drivers::new(secrets), JoinSet::new(), BTreeSet::new());
        Rotator { taker: engine.rotator(), names, drivers, dialing, busy, rest }
    }

    /// Goes on until it is to rest, and then until no modem dials any more.
    pub(super) async fn keep(mut self) {
        while !*self.rest.borrow() {
            tokio::select! {
                told = self.rest.changed() => match told {
                    Ok(()) => continue,
                    Err(_) => break,
                },
                () = self.taker.wait() => {}
                Some(ended) = self.dialing.join_next() => match ended {
                    Ok(name) => drop(self.busy.remove(&name)),
                    Err(error) => {
                        tracing::error!("Driving a modem has panicked: {error}");
                        // Whose it was is not known, so nobody is kept waiting but by the books.
                        if self.dialing.is_empty() {
                            self.busy.clear();
                        }
                    }
                },
            }
            let names = &self.names;
            let here = |name: &str| names.is_empty() || names.contains(name);
            match self.taker.engine().take_rotations(here, &self.busy).await {
                Ok(jobs) => jobs.into_iter().for_each(|job| self.begin(job)),
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
        while self.dialing.join_next().await.is_some() {}
    }

    fn begin(&mut self, job: Job) {
        let name = job.modem.name.clone();
        self.busy.insert(name.clone());
        let driver = self.drivers.get(&job.modem);
        let (engine, dialing) = (self.taker.engine().clone(), self.taker.dialing());
        self.dialing.spawn(async move {
            let outcome = match driver {
                Ok(driver) => dial(&job, driver).await,
                Err(error) => failed(&name, &error),
            };
            tell(&engine, &job, outcome).await;
            drop(dialing);
            name
        });
    }
}

/// Has a modem dial, as often as it may, until its exit is another one.
async fn dial(job: &Job, driver: Arc<dyn Driver>) -> Outcome {
    let (name, deadline) = (&job.modem.name, drivers::duration(job.modem.deadline));
    let mut known = job.exit;
    let mut outcome = None;
    for _ in 0..job.rotation.tries.max(1) {
        let rotated = modem::within(deadline, driver.as_ref(), known).await;
        let now = match rotated {
            Ok(rotated) => Outcome::of(rotated.old.or(known), rotated.new),
            Err(error) => failed(name, &error),
        };
        if let Outcome::Same { ip } = now {
            known = Some(ip);
        }
        let is_done = matches!(now, Outcome::Changed { .. });
        outcome = Some(now);
        if is_done {
            break;
        }
    }
    let outcome = outcome.expect("there was at least one try");
    tracing::info!(modem = name, "Modem {name} has dialed: {}", said(outcome));
    outcome
}

fn failed(name: &str, error: &Error) -> Outcome {
    tracing::warn!(modem = name, "Modem {name} was not rotated: {error}");
    Outcome::Failed(drivers::failure(error))
}

fn said(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Changed { .. } => "another exit",
        Outcome::Same { .. } => "the same exit",
        Outcome::Failed(_) => "it has failed",
    }
}

/// Tells what has come of a job.
async fn tell(engine: &Engine, job: &Job, outcome: Outcome) {
    let (id, claim) = (job.rotation.id, job.rotation.claim);
    for _ in 0..TELL {
        match engine.end_rotation(id, claim, outcome).await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!("Modem {} took too long: others have its job", job.modem.name);
                return;
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
