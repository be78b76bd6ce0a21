//! Deciding a batch of commands.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use domain::command::{Command, Decision};
use domain::needs::Needs;
use domain::refusal::Refusal;
use domain::time::Time;
use domain::world::{Changes, Loaded, NextIds, World};

use super::batches::Fate;
use super::load::Locks;
use super::load::stock::Stock;
use super::pool::TRIES;
use super::session::Ask;
use super::transaction::{PATIENCE, Tx};
use super::{PostgresStore, batches, failure, load, numbers, runs, save};
use crate::Result;
use crate::error::Error;

/// How long a batch that others were in the way of waits before it is run again: up to so many
/// milliseconds more with every try.
const PAUSE_MS: u64 = 10;

/// What one try of a batch came to.
enum Try {
    /// It is decided, and what it has changed is durable.
    Done(Vec<Decision>),
    /// Somebody would have been told that a pool is sold out while others held addresses of it
    /// that they might not take, or packages be spread less evenly than they can.
    PassedOver,
    /// Another catalogue is in force than the one that said which pools serve the packages.
    Superseded,
}

/// A batch on its way.
struct Batch<'b> {
    commands: &'b [Command],
    needs: Needs,
    now: Time,
}

/// What was decided, and what has to be saved for it.
struct Decided {
    decisions: Vec<Decision>,
    changes: Changes,
    /// The ids from which the changes began.
    from: NextIds,
}

impl Batch<'_> {
    /// Decides all commands on what was loaded.
    fn decide(&self, loaded: Loaded) -> Decided {
        let from = loaded.next;
        let mut world = World::new(loaded);
        let decide = |command| world.decide(command, self.now);
        let decisions = self.commands.iter().map(decide).collect();
        Decided { decisions, changes: world.into_changes(), from }
    }
}

impl PostgresStore {
    /// See [`crate::Store::transact`].
    pub(super) fn run(&self, commands: &[Command], now: Time) -> Result<Vec<Decision>> {
        let mut needs = Needs::default();
        commands.iter().for_each(|command| needs.merge(command.needs()));
        let batch = Batch { commands, needs, now: self.not_back(now) };
        // A server is quiet when no batch is on its way.
        let _working = self.working.read().unwrap_or_else(PoisonError::into_inner);
        let mut locks = Locks::Passing;
        let (mut tries, mut closed) = (1, false);
        loop {
            match self.attempt(&batch, locks) {
                Ok(Try::Done(decisions)) => return Ok(decisions),
                Ok(Try::PassedOver) => locks = Locks::Waiting,
                Ok(Try::Superseded) => {}
                Err(error) if failure::is_in_the_way(&error) && tries < TRIES => {
                    sleep(Duration::from_millis(jitter(u64::from(tries) * PAUSE_MS)));
                    tries += 1;
                }
                Err(error) if failure::is_over(&error) && tries < TRIES => {
                    self.note_run(self.read(|tx| runs::current(tx, self.server))?);
                    tries += 1;
                }
                Err(error) if failure::is_closed(&error) && !closed => {
                    self.writers.renew();
                    closed = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn attempt(&self, batch: &Batch<'_>, locks: Locks) -> Result<Try> {
        let session = self.writers.take(PATIENCE)?;
        let tx = Tx::writing(&session);
        let catalogue = |tx: &Tx<'_>, version| self.catalogues.get(tx, version);
        let run = Some((self.server, self.run.load(Ordering::Relaxed)));
        let supposed = self.catalogues.last();
        let needs = batch.needs.resolved(&supposed);
        let loaded = load::load(&tx, &self.vault, &needs, batch.now, locks, run, catalogue)?;
        let packages = !needs.packages.is_empty();
        if packages && loaded.catalogue.version != supposed.version {
            return Ok(Try::Superseded);
        }
        let decided = batch.decide(loaded.clone());
        let sold_out =
            |decision: &Decision| !decision.replayed && decision.result == Err(Refusal::OutOfStock);
        if locks == Locks::Passing && (packages || decided.decisions.iter().any(sold_out)) {
            let held: Vec<usize> = loaded.pools.iter().map(|(_, pool)| pool.free.len()).collect();
            if Stock::has_passed_over(&tx, &needs, batch.now, &held)? {
                return Ok(Try::PassedOver);
            }
        }
        if decided.changes.is_nothing(decided.from) {
            return Ok(Try::Done(decided.decisions));
        }
        let before = loaded.leases.clone();
        let Decided { decisions, changes, .. } = self.number(batch, loaded, decided)?;
        let mark = batches::mark()?;
        let first = changes.entries.first().map(|entry| entry.id.0);
        let count = i64::try_from(changes.entries.len()).expect("it fits");
        {
            let mark = &mark[..];
            let first = first.unwrap_or_default();
            let values: &[&dyn super::value::Value] = &[&first, &count, &mark, &self.server];
            let row = (0 < count).then_some(Ask { sql: batches::NEW, values });
            save::save(&tx, &self.vault, &changes, &before, row)?;
        }
        match (tx.commit(), first) {
            (Ok(()), _) => Ok(Try::Done(decisions)),
            (Err(lost @ Error::OutcomeUnknown(_)), Some(first)) => {
                drop(session);
                match batches::inquire(&self.writers, self.server, first, &mark, lost)? {
                    Fate::Kept => Ok(Try::Done(decisions)),
                    Fate::Gone => Err(failure::not_committed()),
                }
            }
            // Without an entry nothing was spent: to do it again does nothing twice.
            (Err(Error::OutcomeUnknown(source)), None) => Err(Error::Unavailable(source)),
            (Err(error), _) => Err(error),
        }
    }

    /// Takes the ids that `decided` has used. If they are not the ones that were expected, because
    /// another server has taken some meanwhile, all is decided again with the right ones: it is
    /// the same but for them.
    fn number(&self, batch: &Batch<'_>, mut loaded: Loaded, decided: Decided) -> Result<Decided> {
        let mut decided = decided;
        loop {
            let used = used(decided.from, decided.changes.next);
            if used == NextIds::default() {
                return Ok(decided);
            }
            let first = numbers::take(&self.numbers, used)?;
            if first == decided.from {
                return Ok(decided);
            }
            loaded.next = first;
            let again = batch.decide(loaded.clone());
            // Only somebody who names a lease that is yet to be can make a difference here.
            if self::used(first, again.changes.next) == used {
                return Ok(again);
            }
            decided = again;
        }
    }
}

/// How many ids lie between two moments.
fn used(before: NextIds, after: NextIds) -> NextIds {
    NextIds {
        entry: after.entry - before.entry,
        order: after.order - before.order,
        lease: after.lease - before.lease,
        address: after.address - before.address,
        authorisation: after.authorisation - before.authorisation,
    }
}

/// A number below `below`, another one each time.
fn jitter(below: u64) -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) % below.max(1)
}
