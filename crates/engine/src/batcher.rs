//! Group commit: whatever has arrived while the last batch committed is the next batch.
//!
//! One thread takes commands from two lanes. Requests come first; the scheduler's sweeps fill up
//! what is left, a little at a time, so that a million due renewals do not keep a customer waiting.
//! A batch never waits to grow. Each command is answered after the commit that made it durable.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::command::{Command, Decision, Wish};
use store::Store;
use tokio::sync::oneshot;

use crate::clock::{Clock, ShopClock};
use crate::fault::{Fault, told};

/// The bounds of the batcher.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many commands may wait; more are refused at once.
    pub waiting: usize,
    /// How long a command may wait before it is given up undone.
    pub patience: Duration,
    /// How many commands a transaction takes.
    pub commands: usize,
    /// How many leases a transaction takes, roughly. Bounds memory and how long others wait.
    pub leases: usize,
    /// How many leases of sweeps a transaction takes while requests are waiting.
    pub swept_leases: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            waiting: 4096,
            patience: Duration::from_secs(10),
            commands: 256,
            leases: 4_000,
            swept_leases: 1_000,
        }
    }
}

/// Which lane a command waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody is waiting for the answer.
    Request,
    /// The scheduler's.
    Sweep,
}

/// What the batcher has done, for the metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Transactions.
    pub batches: AtomicU64,
    /// Commands that were decided.
    pub commands: AtomicU64,
    /// Commands that were refused a place or given up.
    pub shed: AtomicU64,
    /// Microseconds spent in transactions.
    pub busy_micros: AtomicU64,
}

/// The thread that decides commands in batches.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    lanes: Mutex<Lanes>,
    arrived: Condvar,
    bounds: Bounds,
    counts: Counts,
}

#[derive(Default)]
struct Lanes {
    requests: VecDeque<Waiting>,
    sweeps: VecDeque<Waiting>,
    closing: bool,
}

struct Waiting {
    command: Command,
    since: Instant,
    answer: oneshot::Sender<Result<Decision, Fault>>,
}

impl Batcher {
    /// Starts the thread.
    pub(crate) fn start(store: Arc<dyn Store>, clock: Arc<ShopClock>, bounds: Bounds) -> Batcher {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            arrived: Condvar::new(),
            bounds,
            counts: Counts::default(),
        });
        let worker = Worker { shared: shared.clone(), store, clock };
        let thread = std::thread::Builder::new()
            .name("batcher".into())
            .spawn(move || {
                let _fuse = Fuse;
                worker.run();
            })
            .expect("a thread can be started at start-up");
        Batcher { shared, thread: Mutex::new(Some(thread)) }
    }

    /// Puts a command into a lane and waits for its decision.
    ///
    /// Dropping the future does not take the command back.
    pub(crate) async fn submit(&self, command: Command, lane: Lane) -> Result<Decision, Fault> {
        let (answer, decided) = oneshot::channel();
        {
            let mut lanes = self.shared.lock();
            if lanes.closing {
                return Err(Fault::Closing);
            }
            let waiting = Waiting { command, since: Instant::now(), answer };
            match lane {
                Lane::Request if lanes.requests.len() >= self.shared.bounds.waiting => {
                    self.shared.counts.shed.fetch_add(1, Ordering::Relaxed);
                    return Err(Fault::Overloaded);
                }
                Lane::Request => lanes.requests.push_back(waiting),
                Lane::Sweep => lanes.sweeps.push_back(waiting),
            }
        }
        self.shared.arrived.notify_one();
        decided.await.unwrap_or(Err(Fault::Closing))
    }

    /// How many requests are waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().requests.len()
    }

    /// Whether no more commands are taken.
    pub(crate) fn is_closing(&self) -> bool {
        self.shared.lock().closing
    }

    /// What has been done.
    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Takes no more commands, decides those that wait, and ends the thread.
    pub(crate) fn close(&self) {
        self.shared.lock().closing = true;
        self.shared.arrived.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().expect("a panic would have ended the process");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        // Nothing between lock and unlock can leave the lanes half changed.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the process if the batcher panics: a server without one would keep everybody waiting for
/// ever, while one that is gone is started anew.
struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("The batcher panicked");
            std::process::abort();
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    clock: Arc<ShopClock>,
}

impl Worker {
    fn run(self) {
        while let Some(batch) = self.next_batch() {
            let started = Instant::now();
            let (commands, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.command, waiting.answer)).unzip();
            let decisions = self.decide(&commands);
            let counts = &self.shared.counts;
            counts.batches.fetch_add(1, Ordering::Relaxed);
            counts.commands.fetch_add(commands.len() as u64, Ordering::Relaxed);
            let busy = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            counts.busy_micros.fetch_add(busy, Ordering::Relaxed);
            for (answer, decision) in answers.into_iter().zip(decisions) {
                // Whoever asked may have gone; the effect stays.
                let _ = answer.send(decision);
            }
        }
    }

    /// Waits for work and takes as much as fits; `None` when closing and nothing is left.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let bounds = &self.shared.bounds;
        let mut lanes = self.shared.lock();
        loop {
            let mut batch = Vec::new();
            let mut leases = 0;
            while batch.len() < bounds.commands && leases < bounds.leases {
                let Some(waiting) = lanes.requests.pop_front() else { break };
                if waiting.since.elapsed() > bounds.patience {
                    self.shared.counts.shed.fetch_add(1, Ordering::Relaxed);
                    let _ = waiting.answer.send(Err(Fault::Deadline));
                    continue;
                }
                leases += weight(&waiting.command);
                batch.push(waiting);
            }
            let room = if batch.is_empty() { bounds.leases } else { bounds.swept_leases };
            let mut swept = 0;
            while swept < room {
                let Some(waiting) = lanes.sweeps.pop_front() else { break };
                swept += weight(&waiting.command);
                batch.push(waiting);
            }
            if !batch.is_empty() {
                return Some(batch);
            }
            if lanes.closing {
                return None;
            }
            lanes = self.shared.arrived.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One transaction for all; if that breaks, one for each, so that a command that always breaks
    /// harms itself alone.
    fn decide(&self, commands: &[Command]) -> Vec<Result<Decision, Fault>> {
        match self.transact(commands) {
            Ok(decisions) => decisions.into_iter().map(Ok).collect(),
            Err(Fault::Broken) if commands.len() > 1 => commands
                .iter()
                .map(|command| {
                    let one = self.transact(std::slice::from_ref(command))?;
                    one.into_iter().next().ok_or(Fault::Broken)
                })
                .collect(),
            Err(fault) => commands.iter().map(|_| Err(fault.clone())).collect(),
        }
    }

    fn transact(&self, commands: &[Command]) -> Result<Vec<Decision>, Fault> {
        let transaction = || self.store.transact(commands, self.clock.now());
        match catch_unwind(AssertUnwindSafe(transaction)) {
            Ok(Ok(decisions)) => Ok(decisions),
            Ok(Err(error)) => Err(told(&error, "deciding a batch of commands")),
            Err(_) => {
                tracing::error!("A transaction panicked");
                Err(Fault::Broken)
            }
        }
    }
}

/// Roughly how many leases a command touches.
fn weight(command: &Command) -> usize {
    let selected = |leases: &domain::select::Selection| match leases {
        domain::select::Selection::Leases(Some(leases)) => leases.len(),
        domain::select::Selection::Orders(Some(orders)) => orders.len() * 10,
        _ => 1,
    };
    let leases = match &command.wish {
        Wish::Order(order) | Wish::OrderWithPromo(order) => {
            order.quantity.map_or(1, |quantity| quantity.min(10_000) as usize)
        }
        Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => selected(&extend.leases),
        Wish::SetAutoExtend(set) => selected(&set.leases),
        Wish::Deposit(_) => 1,
        Wish::Sweep(sweep) => sweep.leases.len(),
    };
    leases.max(1)
}
