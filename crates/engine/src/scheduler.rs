//! Doing what is due: automatic extensions, ends, ends of reserves.
//!
//! The scheduler only decides when to look; [`domain::sweep`] decides what happens. What it finds
//! is a hint: a lease may have changed since, and then nothing happens. So it may run late, twice,
//! or on several nodes.

use std::collections::{BTreeMap, HashMap};

use domain::command::{Command, Outcome, Wish};
use domain::ids::{CustomerId, LeaseId};
use domain::sweep::{self, Sweep};
use domain::time::{Span, Time};
use store::Store;
use store::records::Due;

use crate::batcher::Lane;
use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many leases are looked at together, at first: enough for several batches, where several are
/// decided at a time.
const PAGE: u32 = 16_000;

/// After so many broken tries a lease is left alone until the next start.
const TRIES: u32 = 5;

/// What a sweep knows of the ones before it.
pub(crate) struct Swept {
    /// Leases whose sweeps break, and how often each did.
    broken: HashMap<LeaseId, u32>,
    /// Until when everything was done.
    until: Time,
}

impl Default for Swept {
    fn default() -> Swept {
        Swept { broken: HashMap::new(), until: Time::EPOCH }
    }
}

impl Swept {
    fn holds(&self, lease: LeaseId) -> bool {
        self.broken.get(&lease).is_some_and(|tries| *tries >= TRIES)
    }

    fn note(&mut self, leases: &[LeaseId]) {
        for lease in leases {
            let tries = self.broken.entry(*lease).or_default();
            *tries += 1;
            if *tries == TRIES {
                tracing::error!(
                    lease.id = lease.0,
                    "Gave up on lease {}: its sweep breaks",
                    lease.0
                );
            }
        }
    }
}

/// At which moment a sweep acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acting {
    /// At the time of its transaction.
    Now,
    /// In a sandbox, at the very instant at which it is due, in order, so that one long jump of the
    /// clock and many short ones leave the same books.
    WhenDue,
    /// The same, and the clock goes along.
    WithTheClock,
}

/// Does everything that is due by `until`.
pub(crate) async fn sweep(
    engine: &Engine,
    before: &mut Swept,
    until: Time,
    acting: Acting,
) -> Result<sweep::Swept, Fault> {
    let exact = acting != Acting::Now;
    let started = engine.now();
    let mut total = sweep::Swept::default();
    loop {
        let page = due_page(engine, before, until, exact).await?;
        if page.is_empty() {
            before.until = until;
            return Ok(total);
        }
        let mut work: BTreeMap<(Time, CustomerId), Vec<LeaseId>> = BTreeMap::new();
        for due in page {
            let at = match exact {
                // Due since before everything was done: a wish has made it so in the meantime, such
                // as to extend automatically what ends within the hour. Not before that wish, then.
                true if due.at < before.until => started,
                true => due.at,
                false => Time::EPOCH,
            };
            work.entry((at, due.customer)).or_default().push(due.lease);
        }
        if acting == Acting::WithTheClock
            && let Some(((last, _), _)) = work.last_key_value()
        {
            engine.clock().hold(*last);
        }
        let commands: Vec<(Command, Vec<LeaseId>)> = work
            .into_iter()
            .map(|((at, customer), leases)| {
                let wish = Wish::Sweep(Sweep { customer, leases: leases.clone() });
                let at = exact.then_some(at);
                (Command { wish, idempotency: None, at }, leases)
            })
            .collect();
        let (mut waiting, mut touched) = (Vec::new(), Vec::new());
        for (command, leases) in commands {
            let engine = engine.clone();
            // Each is in its lane before the next is: a spawned task would lose the order.
            let mut submitted = Box::pin(async move { engine.submit(command, Lane::Sweep).await });
            let polled = futures_poll(&mut submitted).await;
            touched.push(leases);
            waiting.push((submitted, polled));
        }
        for ((submitted, polled), leases) in waiting.into_iter().zip(touched) {
            let decided = match polled {
                Some(decided) => decided,
                None => submitted.await,
            };
            match decided.map(|decision| decision.result) {
                Ok(Ok(Outcome::Swept(swept))) => {
                    total.renewed += swept.renewed;
                    total.failed += swept.failed;
                    total.ended += swept.ended;
                    total.released += swept.released;
                }
                Ok(_) => {}
                Err(Fault::Broken) => before.note(&leases),
                Err(fault) => return Err(fault),
            }
        }
    }
}

/// Polls a future once, so that it starts, and gives its output if it is done already.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

/// The next leases that are due, orders not torn apart.
async fn due_page(
    engine: &Engine,
    before: &Swept,
    until: Time,
    exact: bool,
) -> Result<Vec<Due>, Fault> {
    let step = if exact { smallest_step(engine) } else { Span::from_days(36_500) };
    let mut limit = PAGE + u32::try_from(before.broken.len()).unwrap_or(u32::MAX);
    loop {
        let look = move |store: &dyn Store| store.due(until, limit);
        let mut page = engine.read_slow(look).await.map_err(|e| told(&e, "looking what is due"))?;
        let full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(first) = page.first().map(|due| due.at) {
            // A retry comes no sooner than a step later: nothing that follows from this page
            // belongs between its instants.
            page.retain(|due| due.at < first + step);
        }
        if full && let Some(last) = page.last().copied() {
            let same = |due: &Due| due.at == last.at && due.order == last.order;
            let whole = page.iter().position(same).unwrap_or(0);
            if whole == 0 {
                limit = limit.saturating_mul(2);
                continue;
            }
            page.truncate(whole);
        }
        page.retain(|due| !before.holds(due.lease));
        return Ok(page);
    }
}

/// The shortest time after which something that was swept can be due again.
fn smallest_step(engine: &Engine) -> Span {
    let catalogue = engine.catalogue();
    let retries = catalogue.terms.values().map(|terms| terms.renew_retry);
    retries.min().unwrap_or(Span::HOUR).min(Span::HOUR)
}
