//! Doing what is due: automatic extensions, ends, ends of reserves.
//!
//! The scheduler only decides when to look; [`domain::sweep`] decides what happens. What it finds
//! is a hint: a lease may have changed since, and then nothing happens. So it may run late, twice,
//! or on several nodes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::command::{Command, Outcome, Wish};
use domain::ids::{CustomerId, LeaseId};
use domain::needs::Needs;
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
    let mut topped_up = TopUps { cursor: started, fruitless: HashSet::new() };
    loop {
        let mut page = due_page(engine, before, until, exact).await?;
        if exact {
            let first = page.first().map_or(until, |due| due.at.min(until));
            if topped_up.next(engine, first, acting).await? {
                continue;
            }
            if tops_up(engine, &page).await? {
                // What is topped up after one instant must be there at the next.
                page.retain(|due| due.at == first);
            }
        }
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
        if let Some(((last, _), _)) = work.last_key_value() {
            topped_up.cursor = topped_up.cursor.max(*last);
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
            let at = command.at;
            let engine = engine.clone();
            // Each is in its lane before the next is: a spawned task would lose the order.
            let mut submitted = Box::pin(async move { engine.submit(command, Lane::Sweep).await });
            let polled = futures_poll(&mut submitted).await;
            touched.push(leases);
            waiting.push((submitted, polled, at));
        }
        for ((submitted, polled, at), leases) in waiting.into_iter().zip(touched) {
            let decided = match polled {
                Some(decided) => decided,
                None => submitted.await,
            };
            match decided.map(|decision| decision.result) {
                Ok(Ok(Outcome::Swept(swept))) => total = total.and(swept),
                Ok(Ok(Outcome::SweptButCards { swept, by_card })) => {
                    total = total.and(swept);
                    match exact {
                        false => engine.renew_later(by_card),
                        true => {
                            for renew in by_card {
                                total = total.and(engine.renew_by_card(renew, at).await?);
                            }
                        }
                    }
                }
                Ok(_) => {}
                Err(Fault::Broken) => before.note(&leases),
                Err(fault) => return Err(fault),
            }
        }
    }
}

/// The wallets that are topped up while a sandbox's time passes.
struct TopUps {
    /// The last instant at which anything was done.
    cursor: Time,
    /// Those for whom nothing could be done.
    fruitless: HashSet<CustomerId>,
}

impl TopUps {
    /// Tops up the next wallet that is to be by `until`; says whether there was one.
    async fn next(&mut self, engine: &Engine, until: Time, acting: Acting) -> Result<bool, Fault> {
        let limit = u32::try_from(self.fruitless.len()).unwrap_or(u32::MAX).saturating_add(1);
        let look = move |store: &dyn Store| store.top_ups_due(until, limit);
        let due = engine.read_slow(look).await;
        let due = due.map_err(|error| told(&error, "looking for low wallets"))?;
        let next = due.into_iter().find(|(_, customer)| !self.fruitless.contains(customer));
        let Some((not_before, customer)) = next else { return Ok(false) };
        let at = not_before.max(self.cursor).min(until.max(self.cursor));
        if acting == Acting::WithTheClock {
            engine.clock().hold(at);
        }
        self.cursor = at;
        engine.top_up_low(customer, Some(at)).await?;
        let again = engine.read_slow(move |store| store.top_ups_due(at, u32::MAX)).await;
        let again = again.map_err(|error| told(&error, "looking for low wallets"))?;
        if again.contains(&(not_before, customer)) {
            self.fruitless.insert(customer);
        }
        Ok(true)
    }
}

/// Whether any of those whose leases are due tops up automatically.
async fn tops_up(engine: &Engine, page: &[Due]) -> Result<bool, Fault> {
    let means: BTreeSet<CustomerId> = page.iter().map(|due| due.customer).collect();
    let (needs, now) = (Needs { means: means.clone(), ..Needs::default() }, engine.now());
    let world = engine.read_slow(move |store| store.load(&needs, now)).await;
    let world = world.map_err(|error| told(&error, "looking who tops up"))?;
    Ok(means.iter().any(|id| world.auto_top_up(*id).is_some_and(|it| it.enabled)))
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
    limit = limit.saturating_add(engine.renewals().count());
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
        page.retain(|due| !before.holds(due.lease) && !engine.renewals().holds(due.lease));
        return Ok(page);
    }
}

/// The shortest time after which something that was swept can be due again.
fn smallest_step(engine: &Engine) -> Span {
    let catalogue = engine.catalogue();
    let retries = catalogue.terms.values().map(|terms| terms.renew_retry);
    retries.min().unwrap_or(Span::HOUR).min(Span::HOUR)
}
