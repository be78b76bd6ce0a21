//! Who drives the modems of this process's gateways.
//!
//! Jobs wait in the books, which may be here or at a shop elsewhere: those of its modems are taken
//! from there and told back, over a [`Desk`]. A modem that is dialing here is left alone until it has
//! ended, whatever the books say meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::rotation::Outcome;
use engine::rotations::Job;
use modem::{Driver, Error};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::drivers::{self, Drivers};

/// How long is waited when the books cannot be read or written.
const AGAIN: Duration = Duration::from_secs(1);

/// How often it is tried to tell what has come of a job. After that, who drives modems is taken for
/// gone, and nobody would believe it.
const TELL: u32 = 300;

/// How long the end waits for modems that are dialing.
const DIALING: Duration = Duration::from_secs(5);

/// Where jobs come from, and where is told what has come of them.
pub(crate) trait Desk: Send + Sync + 'static {
    /// Waits a moment for jobs, and takes those there are, but not of modems that are `busy`. Once
    /// it has begun it is not dropped half way: what it takes would be lost.
    fn take(&self, busy: &Busy) -> impl Future<Output = Result<Vec<Job>, String>> + Send;

    /// Tells what has come of a job. Says whether it was believed.
    fn tell(
        &self,
        job: &Job,
        outcome: Outcome,
    ) -> impl Future<Output = Result<bool, String>> + Send;
}

/// The modems that are dialing here.
#[derive(Debug, Default)]
pub(crate) struct Busy(Mutex<BTreeSet<String>>);

impl Busy {
    /// Their names.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rotator that runs, on a task of its own.
pub(crate) struct Driving {
    task: JoinHandle<()>,
    /// Has it take no more jobs.
    rests: watch::Sender<bool>,
}

impl Driving {
    /// Drives modems whose jobs are at `desk`. Their secrets are in the files of `secrets`.
    pub(crate) fn start(desk: impl Desk, secrets: Option<PathBuf>) -> Driving {
        let (rests, rest) = watch::channel(false);
        let rotator = Rotator {
            desk: Arc::new(desk),
            drivers: Drivers::new(secrets),
            dialing: JoinSet::new(),
            busy: Arc::default(),
            rest,
        };
        Driving { task: tokio::spawn(rotator.keep()), rests }
    }

    /// Has it take no more jobs; modems that dial go on.
    pub(crate) fn rest(&self) {
        self.rests.send_replace(true);
    }

    /// Ends it, waiting a moment for modems that are dialing. One that dials for longer is left to
    /// it; its job is found abandoned.
    pub(crate) async fn end(mut self) {
        self.rest();
        if tokio::time::timeout(DIALING, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Who drives modems.
struct Rotator<D> {
    desk: Arc<D>,
    drivers: Drivers,
    /// The modems that are dialing, each on a task that gives its name back.
    dialing: JoinSet<String>,
    busy: Arc<Busy>,
    /// Whether no more jobs are to be taken.
    rest: watch::Receiver<bool>,
}

/// Jobs that are being taken.
type Taking = Pin<Box<dyn Future<Output = Result<Vec<Job>, String>> + Send>>;

impl<D: Desk> Rotator<D> {
    /// Goes on until it is to rest, and then until no modem dials any more.
    async fn keep(mut self) {
        let mut taking = self.taking();
        let mut rest = self.rest.clone();
        let mut rests = pin!(rest.wait_for(|rest| *rest));
        loop {
            tokio::select! {
                _ = &mut rests => break,
                Some(ended) = self.dialing.join_next() => match ended {
                    Ok(name) => drop(self.busy.lock().remove(&name)),
                    Err(error) => {
                        tracing::error!("Driving a modem has panicked: {error}");
                        // Whose it was is not known, so nobody is kept waiting but by the books.
                        if self.dialing.is_empty() {
                            self.busy.lock().clear();
                        }
                    }
                },
                taken = &mut taking => {
                    self.begin_all(taken.unwrap_or_default());
                    taking = self.taking();
                }
            }
        }
        self.begin_all(taking.await.unwrap_or_default());
        while self.dialing.join_next().await.is_some() {}
    }

    fn taking(&self) -> Taking {
        let (desk, busy) = (Arc::clone(&self.desk), Arc::clone(&self.busy));
        let mut rest = self.rest.clone();
        Box::pin(async move {
            let taken = desk.take(&busy).await;
            if let Err(why) = &taken {
                tracing::debug!("The jobs of modems cannot be taken: {why}");
                let _ = tokio::time::timeout(AGAIN, rest.wait_for(|rest| *rest)).await;
            }
            taken
        })
    }

    fn begin_all(&mut self, jobs: Vec<Job>) {
        jobs.into_iter().for_each(|job| self.begin(job));
    }

    fn begin(&mut self, job: Job) {
        self.busy.lock().insert(job.modem.clone());
        let driver = self.drivers.get(&job.modem, &job.driver);
        let desk = Arc::clone(&self.desk);
        self.dialing.spawn(async move {
            let outcome = match driver {
                Ok(driver) => dial(&job, driver).await,
                Err(error) => failed(&job.modem, &error),
            };
            tell(desk.as_ref(), &job, outcome).await;
            job.modem
        });
    }
}

/// Has a modem dial, as often as it may, until its exit is another one.
async fn dial(job: &Job, driver: Arc<dyn Driver>) -> Outcome {
    let (name, deadline) = (&job.modem, drivers::duration(job.deadline));
    let mut known = job.exit;
    let mut outcome = None;
    for _ in 0..job.tries.max(1) {
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
async fn tell(desk: &impl Desk, job: &Job, outcome: Outcome) {
    for _ in 0..TELL {
        match desk.tell(job, outcome).await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!("Modem {} took too long: others have its job", job.modem);
                return;
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
