//! Group commit: whatever has arrived while the last batch committed is the next batch.
//!
//! A thread takes commands from two lanes. Requests come first; the scheduler's sweeps fill up what
//! is left, a little at a time, so that a million due renewals do not keep a customer waiting. A
//! batch never waits to grow. Each command is answered after the commit that made it durable.
//!
//! Where the store can decide several batches at a time, there are as many threads. Another one
//! joins in only when enough has gathered for a batch that is worth it, and leaves alone whoever has
//! something in a batch that is being decided: a customer's commands are decided in the order in
//! which they came, and no batch waits for a wallet that another has locked.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::command::{Command, Decision, Wish};
use domain::ids::CustomerId;
use store::Store;
use tokio::sync::oneshot;

use crate::clock::{Clock, ShopClock};
use crate::fault::{Fault, told};
use crate::served::Followers;

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
    /// How many commands must wait before they are decided beside a batch that is under way.
    pub worth_joining: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            waiting: 4096,
            patience: Duration::from_secs(10),
            commands: 256,
            leases: 4_000,
            swept_leases: 1_000,
            worth_joining: 32,
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

/// The threads that decide commands in batches.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
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
    /// How many batches are being decided, and whose commands are in them.
    under_way: usize,
    busy: BTreeSet<CustomerId>,
    closing: bool,
}

struct Waiting {
    command: Command,
    since: Instant,
    answer: oneshot::Sender<Result<Decision, Fault>>,
}

impl Batcher {
    /// Starts the threads.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        clock: Arc<ShopClock>,
        followers: Arc<Followers>,
        bounds: Bounds,
    ) -> Batcher {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            arrived: Condvar::new(),
            bounds,
            counts: Counts::default(),
        });
        let threads = (0..store.batches_at_once().max(1)).map(|_| {
            let worker = Worker {
                shared: shared.clone(),
                store: store.clone(),
                clock: clock.clone(),
                followers: followers.clone(),
            };
            std::thread::Builder::new()
                .name("batcher".into())
                .spawn(move || {
                    let _fuse = Fuse;
                    worker.run();
                })
                .expect("a thread can be started at start-up")
        });
        let threads = Mutex::new(threads.collect());
        Batcher { shared, threads }
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

    /// Takes no more commands, decides those that wait, and ends the threads.
    pub(crate) fn close(&self) {
        self.shared.lock().closing = true;
        self.shared.arrived.notify_all();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
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

impl Lanes {
    /// Whether to begin a batch now. Whoever decides one looks here again when it is done.
    fn is_worth_it(&self, bounds: &Bounds) -> bool {
        self.under_way == 0 || bounds.worth_joining <= self.requests.len().max(self.sweeps.len())
    }

    /// Takes as much as fits, but nothing of those who are busy.
    fn take(&mut self, bounds: &Bounds, counts: &Counts) -> Vec<Waiting> {
        let mut batch = Vec::new();
        let mut leases = 0;
        let mut later = VecDeque::new();
        while batch.len() < bounds.commands && leases < bounds.leases {
            let Some(waiting) = self.requests.pop_front() else { break };
            if waiting.since.elapsed() > bounds.patience {
                counts.shed.fetch_add(1, Ordering::Relaxed);
                let _ = waiting.answer.send(Err(Fault::Deadline));
            } else if self.busy.contains(&waiting.command.customer()) {
                later.push_back(waiting);
            } else {
                leases += weight(&waiting.command);
                batch.push(waiting);
            }
        }
        later.append(&mut self.requests);
        self.requests = later;
        let room = if batch.is_empty() { bounds.leases } else { bounds.swept_leases };
        let (mut swept, mut later) = (0, VecDeque::new());
        while swept < room {
            let Some(waiting) = self.sweeps.pop_front() else { break };
            if self.busy.contains(&waiting.command.customer()) {
                later.push_back(waiting);
            } else {
                swept += weight(&waiting.command);
                batch.push(waiting);
            }
        }
        later.append(&mut self.sweeps);
        self.sweeps = later;
        if !batch.is_empty() {
            self.under_way += 1;
            self.busy.extend(batch.iter().map(|waiting| waiting.command.customer()));
        }
        batch
    }

    /// Notes that a batch with these commands has been decided.
    fn over(&mut self, commands: &[Command]) {
        self.under_way -= 1;
        for command in commands {
            self.busy.remove(&command.customer());
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    clock: Arc<ShopClock>,
    followers: Arc<Followers>,
}

impl Worker {
    fn run(self) {
        while let Some(batch) = self.next_batch() {
            let started = Instant::now();
            let (commands, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.command, waiting.answer)).unzip();
            let decisions = self.decide(&commands);
            self.followers.wake();
            self.shared.lock().over(&commands);
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
        let shared = &self.shared;
        let mut lanes = shared.lock();
        loop {
            if lanes.is_worth_it(&shared.bounds) {
                let batch = lanes.take(&shared.bounds, &shared.counts);
                if !batch.is_empty() {
                    if lanes.is_worth_it(&shared.bounds) {
                        shared.arrived.notify_one();
                    }
                    return Some(batch);
                }
            }
            if lanes.closing && lanes.requests.is_empty() && lanes.sweeps.is_empty() {
                // Whoever waits for those that were taken just now waits for nothing more.
                shared.arrived.notify_all();
                return None;
            }
            lanes = shared.arrived.wait(lanes).unwrap_or_else(PoisonError::into_inner);
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
    weight_of(&command.wish).max(1)
}

fn weight_of(wish: &Wish) -> usize {
    let selected = |leases: &domain::select::Selection| match leases {
        domain::select::Selection::Leases(Some(leases)) => leases.len(),
        domain::select::Selection::Orders(Some(orders)) => orders.len() * 10,
        _ => 1,
    };
    match wish {
        Wish::Order(order) | Wish::OrderWithPromo(order) => {
            order.quantity.map_or(1, |quantity| quantity.min(10_000) as usize)
        }
        Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => selected(&extend.leases),
        Wish::SetAutoExtend(set) => selected(&set.leases),
        Wish::SetComment(set) => set.leases.as_ref().map_or(1, Vec::len),
        Wish::Replace(replace) => replace.leases.as_ref().map_or(1, Vec::len),
        Wish::Authorise(_) => 10,
        Wish::Sweep(sweep) => sweep.leases.len(),
        Wish::Renew(renew) | Wish::DeclineRenewal(renew) => renew.leases.len(),
        Wish::Funded(funded) => weight_of(&funded.wish),
        Wish::Deposit(_)
        | Wish::ChangeAuthorisation(_)
        | Wish::DeleteAuthorisation(_)
        | Wish::StartPayment(_)
        | Wish::AdvancePayment(_)
        | Wish::Credit(_)
        | Wish::SaveCard(_)
        | Wish::RemoveCard(_)
        | Wish::SetAutoTopUp(_)
        | Wish::TriggerTopUp(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use domain::deposit::Deposit;
    use domain::money::{Currency, Money};
    use domain::sweep::Sweep;

    use super::*;

    fn deposit(customer: i64) -> Command {
        Command::plain(Wish::Deposit(Deposit {
            customer: CustomerId(customer),
            amount: Money::from_minor(1, Currency::from_code("USD").unwrap()),
            note: String::new(),
        }))
    }

    fn waiting(command: Command) -> Waiting {
        Waiting { command, since: Instant::now(), answer: oneshot::channel().0 }
    }

    fn whose(batch: &[Waiting]) -> Vec<i64> {
        batch.iter().map(|waiting| waiting.command.customer().0).collect()
    }

    #[test]
    fn who_is_busy_is_left_alone_and_keeps_his_place() {
        let (bounds, counts) =
            (Bounds { worth_joining: 3, ..Bounds::default() }, Counts::default());
        let mut lanes = Lanes::default();
        lanes.requests.extend([1, 2, 1].map(deposit).map(waiting));
        let first = lanes.take(&bounds, &counts);
        assert_eq!(whose(&first), [1, 2, 1]);

        lanes.requests.extend([2, 3].map(deposit).map(waiting));
        let sweep = |customer| Sweep { customer: CustomerId(customer), leases: vec![] };
        let sweeps = [1, 4].map(|customer| Command::plain(Wish::Sweep(sweep(customer))));
        lanes.sweeps.extend(sweeps.map(waiting));
        assert!(!lanes.is_worth_it(&bounds), "two are too few");
        lanes.requests.extend([1, 2].map(deposit).map(waiting));
        assert!(lanes.is_worth_it(&bounds));
        let second = lanes.take(&bounds, &counts);
        assert_eq!(whose(&second), [3, 4]);
        assert_eq!(whose(lanes.requests.make_contiguous()), [2, 1, 2]);

        let commands: Vec<_> = second.into_iter().map(|waiting| waiting.command).collect();
        lanes.over(&commands);
        assert_eq!(lanes.take(&bounds, &counts).len(), 0, "all who wait are busy");
        let commands: Vec<_> = first.into_iter().map(|waiting| waiting.command).collect();
        lanes.over(&commands);
        assert!(lanes.is_worth_it(&bounds), "nothing is under way");
        assert_eq!(whose(&lanes.take(&bounds, &counts)), [2, 1, 2, 1]);
    }
}
