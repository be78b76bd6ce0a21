//! What a gateway's leases use, on its way into the books: counted, kept on disk, and sent until it
//! is taken.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::time::Time;
use feed::usage::{Answer, Report};
use gateway::clock::Clock;
use gateway::spool::{Heard, Spool, Unsynced};
use gateway::{Gateway, Used};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// How often what was used is written down. What has passed in the last quarter of a second is not
/// in it yet, so that a crash loses less than a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long is waited when the books cannot be reached.
const SEND_AGAIN: Duration = Duration::from_secs(1);

/// How often it is looked for what other processes have left behind.
const LOOK: Duration = Duration::from_secs(5);

/// How long the end waits for the books. What they have not taken by then they take after the next
/// start.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Where reports are taken.
pub(crate) trait Books: Send + Sync + 'static {
    /// Has a report taken. A failure says what to tell the operator; whether the report was taken is
    /// then not known.
    fn take(&self, report: &Report) -> impl Future<Output = Result<Answer, String>> + Send;
}

/// Who counts for a gateway.
pub(crate) struct Metering<B> {
    meter: Arc<Meter<B>>,
    counting: JoinHandle<()>,
    sending: JoinHandle<()>,
}

/// What the two who count and send share.
struct Meter<B> {
    books: B,
    clock: Arc<dyn Clock>,
    counts: Arc<api::Traffic>,
    /// Where spools are.
    folder: PathBuf,
    spools: Mutex<Spools>,
    /// Something has been written down.
    more: Notify,
    /// Nothing more is to be counted.
    enough: Notify,
}

struct Spools {
    own: Spool,
    /// What other processes have left behind.
    left: Vec<Spool>,
    /// Whether what was used last could not be written down.
    is_failing: bool,
}

impl<B: Books> Metering<B> {
    /// Counts from now on, with a spool in `folder`. Nobody else may ask the gateway for its usage.
    pub(crate) fn start(
        gateway: Arc<Gateway>,
        folder: &Path,
        clock: Arc<dyn Clock>,
        books: B,
        counts: Arc<api::Traffic>,
    ) -> io::Result<Metering<B>> {
        let (own, left) = Spool::open(folder)?;
        let spools = Mutex::new(Spools { own, left, is_failing: false });
        let (more, enough) = (Notify::new(), Notify::new());
        let meter = Arc::new(Meter {
            books,
            clock,
            counts,
            folder: folder.to_path_buf(),
            spools,
            more,
            enough,
        });
        let counting = tokio::spawn(count(gateway, Arc::clone(&meter)));
        let sending = tokio::spawn(send(Arc::clone(&meter)));
        Ok(Metering { meter, counting, sending })
    }

    /// Counts no more, and gives the gateway back.
    pub(crate) async fn stop(&mut self) {
        self.meter.enough.notify_one();
        // If it has failed, it has given the gateway back too.
        let _ = (&mut self.counting).await;
    }

    /// Writes down what was used at last, and has everything taken, if the books are there.
    pub(crate) async fn end(self, last: Vec<(u64, Used)>) {
        let Metering { meter, sending, .. } = self;
        Arc::clone(&meter).write_down(last).await;
        let empty = async {
            while !meter.spools().is_empty() && !sending.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, empty).await.is_err() {
            tracing::warn!("What leases have used at last is taken after the next start");
        }
        sending.abort();
        // It gives the spools back, so that the next process can open them.
        let _ = sending.await;
    }
}

/// Writes down what is used, again and again, until it is enough.
async fn count<B: Books>(gateway: Arc<Gateway>, meter: Arc<Meter<B>>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => Arc::clone(&meter).write_down(gateway.usage()).await,
            () = meter.enough.notified() => return,
        }
    }
}

/// Sends what was written down, again and again.
async fn send<B: Books>(meter: Arc<Meter<B>>) {
    let (mut is_away, mut looked) = (false, Instant::now());
    loop {
        match meter.send_all().await {
            Ok(()) => {
                is_away = false;
                meter.more.notified().await;
                if looked.elapsed() >= LOOK {
                    looked = Instant::now();
                    Arc::clone(&meter).look().await;
                }
            }
            Err(why) => {
                if !std::mem::replace(&mut is_away, true) {
                    tracing::warn!("What leases have used waits to be taken: {why}");
                }
                tokio::time::sleep(SEND_AGAIN).await;
            }
        }
    }
}

impl<B: Books> Meter<B> {
    fn spools(&self) -> MutexGuard<'_, Spools> {
        self.spools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for what other processes have left behind: one that has handed over to this one goes
    /// on with its tunnels, and may not reach the books any more.
    async fn look(self: Arc<Self>) {
        let looked = tokio::task::spawn_blocking(move || {
            let left = Spool::left(&self.folder);
            match left {
                Ok(left) => self.spools().left.extend(left),
                Err(error) => tracing::warn!("It cannot be looked for usage in folders: {error}"),
            }
        });
        let _ = looked.await;
    }

    /// Writes down what was used until now.
    async fn write_down(self: Arc<Self>, used: Vec<(u64, Used)>) {
        for (_, used) in &used {
            self.counts.flows.fetch_add(used.flows, Ordering::Relaxed);
            self.counts.bytes_up.fetch_add(used.bytes_up, Ordering::Relaxed);
            self.counts.bytes_down.fetch_add(used.bytes_down, Ordering::Relaxed);
        }
        let written = tokio::task::spawn_blocking(move || {
            let now = self.clock.now();
            self.spools().add(now, &used);
            self.more.notify_one();
        });
        let _ = written.await;
    }

    /// Sends whatever there is.
    async fn send_all(self: &Arc<Self>) -> Result<(), String> {
        while let Some((whose, report)) = self.next().await? {
            let answer = self.books.take(&report).await?;
            if answer.unknown > 0 {
                tracing::warn!(
                    lines = answer.unknown,
                    "{} lines of usage name leases that are not in the books",
                    answer.unknown
                );
            }
            if self.spools().answered(whose, report.number, answer.last) == Heard::Nothing {
                return Err("a report was not taken".to_owned());
            }
        }
        Ok(())
    }

    /// What is to be sent next, and of which spool.
    async fn next(self: &Arc<Self>) -> Result<Option<(String, Report)>, String> {
        let meter = Arc::clone(self);
        let next = tokio::task::spawn_blocking(move || {
            let unsynced = meter.spools().prepare()?;
            if let Some(unsynced) = unsynced {
                // Whoever has something to write down need not wait for this.
                let (mark, synced) = unsynced.sync();
                meter.spools().first().note_synced(mark, synced)?;
            }
            Ok::<_, io::Error>(meter.spools().next())
        });
        let next = next.await;
        match next {
            Ok(next) => next.map_err(|error| format!("it cannot be written down: {error}")),
            Err(broken) => Err(broken.to_string()),
        }
    }
}

impl Spools {
    /// Writes down what was used. What cannot be written is kept in memory, which is said once.
    fn add(&mut self, now: Time, used: &[(u64, Used)]) {
        match self.own.add(now, used) {
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                tracing::error!(
                    %error,
                    "What leases use cannot be written down, and is lost if this process ends: {error}"
                );
            }
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                tracing::info!("What leases use is written down again");
            }
            _ => {}
        }
    }

    /// What others have left is sent first.
    fn first(&mut self) -> &mut Spool {
        self.left.first_mut().unwrap_or(&mut self.own)
    }

    fn prepare(&mut self) -> io::Result<Option<Unsynced>> {
        self.left.retain(|spool| !spool.is_empty());
        self.first().prepare()
    }

    /// What is to be sent next, and of which spool.
    fn next(&mut self) -> Option<(String, Report)> {
        let report = self.first().front().cloned();
        report.map(|report| (report.meter.clone(), report))
    }

    fn answered(&mut self, meter: String, number: u64, last: u64) -> Heard {
        let mut all = self.left.iter_mut().chain([&mut self.own]);
        let spool = all.find(|spool| spool.meter() == meter);
        let heard = spool.map_or(Heard::Nothing, |spool| spool.answered(number, last));
        match heard {
            Heard::ControlPlaneRestored => tracing::warn!(
                meter,
                number,
                last,
                "The books have forgotten reports of usage that they had taken: they were restored \
                 from a backup. Counting goes on with a new meter"
            ),
            Heard::SpoolRestored => tracing::warn!(
                meter,
                number,
                last,
                "The folder of what leases have used is an older copy. What was in it is not \
                 counted again; counting goes on with a new meter"
            ),
            Heard::Taken | Heard::Nothing => {}
        }
        heard
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.left.iter().all(Spool::is_empty)
    }
}
