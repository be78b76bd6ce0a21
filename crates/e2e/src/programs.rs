//! Customers' programs that never stop asking, and keep their own journals of what they were told.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::auditor::Entry;
use crate::customer::Customer;
use crate::deeds::{Deed, Outcome, What};
use crate::history::Span;
use crate::http::{Answer, Connection};
use crate::random::Random;

/// How long somebody waits who was told that nothing could be done.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_millis(10);

/// Tells programs to stop, also when a test panics while they work, so that their threads can end.
#[derive(Debug)]
pub struct StopWhenDropped<'a>(pub &'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What became of requests that were not answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unheard {
    /// They had been done.
    pub done: usize,
    /// They had not.
    pub not_done: usize,
}

/// One of them. It sends one request after another, and never the next before it knows what became
/// of the last, so that its part of the books can be told in order.
#[derive(Debug)]
pub struct Program {
    name: String,
    customer: Customer,
    random: Random,
    orders: Vec<Holding>,
    leases: BTreeSet<String>,
    deeds: Vec<Deed>,
    /// How many of them have been compared with the journal after a kill.
    settled: usize,
    /// How many of those were done only when they were sent again, after the journal was read.
    done_since: usize,
    unheard: Unheard,
}

/// An order that it has.
#[derive(Clone, Debug)]
struct Holding {
    kind: &'static str,
    order: String,
    leases: Vec<Held>,
}

/// A lease, and its standing instruction.
#[derive(Clone, Debug)]
struct Held {
    lease: String,
    auto_extend: Option<u32>,
}

impl Program {
    /// A program of `customer`. Its name is no beginning of another's, and with `seed` says what it
    /// asks for.
    pub fn new(name: &str, customer: &Customer, seed: u64) -> Program {
        Program {
            name: format!("{name}:"),
            customer: customer.clone(),
            random: Random::new(seed),
            orders: vec![],
            leases: BTreeSet::new(),
            deeds: vec![],
            settled: 0,
            done_since: 0,
            unheard: Unheard::default(),
        }
    }

    /// Who pays.
    pub fn customer(&self) -> &Customer {
        &self.customer
    }

    /// All that it has asked for, oldest first.
    pub fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// What it found out about requests that were not answered.
    pub fn unheard(&self) -> Unheard {
        self.unheard
    }

    /// Whether an entry of the journal is about something that this program has ordered. Entries must
    /// be shown in their order, because it learns from them what it has.
    pub fn claims(&mut self, entry: &Entry) -> bool {
        match &entry.goal {
            Some(goal) => {
                let mine = goal.starts_with(&self.name);
                if mine {
                    self.learn(entry);
                }
                mine
            }
            None => entry.terms.first().is_some_and(|term| self.leases.contains(&term.lease)),
        }
    }

    fn learn(&mut self, entry: &Entry) {
        let Some(order) = &entry.order else { return };
        let new = entry.terms.iter().all(|term| self.leases.insert(term.lease.clone()));
        if new {
            let lease = |lease: &String| Held { lease: lease.clone(), auto_extend: None };
            let leases = entry.terms.iter().map(|term| lease(&term.lease)).collect();
            let is_ipv6 = entry.product.as_deref().is_some_and(|it| it.starts_with("IPv6"));
            let kind = if is_ipv6 { "IPv6" } else { "IPv4" };
            self.orders.push(Holding { kind, order: order.clone(), leases });
        }
    }

    /// Asks for one thing more and waits for the answer.
    ///
    /// # Errors
    ///
    /// The connection broke before there was one, or it does not say what was done.
    /// [`Program::settle`] must follow.
    pub fn act(&mut self, connection: &mut Connection) -> io::Result<Answer> {
        let last = self.deeds.last().map(|deed| &deed.outcome);
        assert!(!matches!(last, Some(Outcome::Unknown)), "it does not know yet what it has");
        let deed = self.think();
        let request = deed.request(&self.customer).bytes();
        self.deeds.push(deed);
        connection.send(&request)?;
        let answer = connection.answer()?;
        self.hear(&answer);
        match self.deeds.last().map(|deed| &deed.outcome) {
            Some(Outcome::Unknown) => Err(io::Error::other(answer.text())),
            _ => Ok(answer),
        }
    }

    /// Asks for some orders.
    #[track_caller]
    pub fn start(&mut self, to: SocketAddr, orders: usize) {
        let mut connection = Connection::open(to);
        for _ in 0..orders {
            let answer = self.act(&mut connection);
            assert!(answer.is_ok_and(|answer| answer.code() == 0), "{:?}", self.deeds.last());
        }
    }

    /// Goes on asking until told to stop, or until the server is gone. Notes the number of each
    /// request that was answered.
    pub fn work(&mut self, to: SocketAddr, stop: &AtomicBool, mut note: impl FnMut(usize)) {
        let Ok(mut connection) = Connection::connect(to) else { return };
        while !stop.load(Ordering::Relaxed) {
            if self.act(&mut connection).is_err() {
                return;
            }
            note(self.deeds.len() - 1);
            if let Some(Outcome::Nothing) = self.deeds.last().map(|deed| &deed.outcome) {
                std::thread::sleep(BEFORE_ANOTHER_TRY);
            }
        }
    }

    /// Finds out what became of a request that was not answered, when the journal has `entries` of
    /// this program since the last time: it is sent once more. With its key it has one effect; and
    /// without one too, because a server that was killed remembers what it may not have answered.
    ///
    /// # Errors
    ///
    /// What is told now is not what the journal tells.
    pub fn settle(&mut self, to: SocketAddr, entries: usize) -> Result<(), String> {
        let since = &self.deeds[self.settled..];
        let done = since.iter().filter(|deed| matches!(deed.outcome, Outcome::Done(_))).count();
        let expected = self.done_since + done;
        self.settled = self.deeds.len();
        self.done_since = 0;
        let last = self.deeds.last().filter(|deed| matches!(deed.outcome, Outcome::Unknown));
        let is_there = entries == expected + 1;
        if entries != expected && (last.is_none() || !is_there) {
            return Err(format!("{} {expected} done, {entries} in the journal", self.name));
        }
        let Some(last) = last else { return Ok(()) };
        match is_there {
            true => self.unheard.done += 1,
            false => self.unheard.not_done += 1,
        }

        let answer = last.request(&self.customer).send(to);
        self.hear(&answer);
        let last = self.deeds.last().expect("it was there");
        let fits = match &last.outcome {
            Outcome::Done(_) => !last.spends() || answer.is_replayed() == is_there,
            Outcome::Refused(_) => !is_there,
            Outcome::Nothing | Outcome::Unknown => false,
        };
        if !fits {
            let (has, replayed) = (is_there, answer.is_replayed());
            return Err(format!(
                "in the journal: {has}; sent again, replayed: {replayed}; {last:?}"
            ));
        }
        self.done_since = usize::from(!is_there && matches!(last.outcome, Outcome::Done(_)));
        Ok(())
    }

    /// Sends every request from the one numbered `from` on that had a key and an answer once more,
    /// and says which answers are not the same bytes again.
    pub fn repeat(&self, to: SocketAddr, from: usize) -> Vec<String> {
        let mut connection = Connection::open(to);
        let mut wrong = vec![];
        for deed in &self.deeds[from..] {
            let (Some(_), true) = (&deed.key, deed.spends()) else { continue };
            let (Outcome::Done(first) | Outcome::Refused(first)) = &deed.outcome else {
                continue;
            };
            let sent = connection.send(&deed.request(&self.customer).bytes());
            match sent.and_then(|()| connection.answer()) {
                Ok(again) if again.body == *first && again.is_replayed() => {}
                Ok(again) => wrong.push(format!("{deed:?} was answered by {}", again.text())),
                Err(error) => wrong.push(format!("{deed:?} was not answered: {error}")),
            }
        }
        wrong
    }

    fn hear(&mut self, answer: &Answer) {
        let deed = self.deeds.last_mut().expect("something was asked");
        deed.hear(answer);
        let (What::AutoExtend { leases, days, .. }, Outcome::Done(_)) = (&deed.what, &deed.outcome)
        else {
            return;
        };
        let all = self.orders.iter_mut().flat_map(|order| &mut order.leases);
        for it in all.filter(|it| leases.contains(&it.lease)) {
            it.auto_extend = *days;
        }
    }

    /// What to ask for next.
    fn think(&mut self) -> Deed {
        let what = match self.random.below(10) {
            _ if self.orders.is_empty() => self.new_order(),
            0..=2 => self.new_order(),
            3..=7 => self.extension(),
            _ => self.toggle(),
        };
        let tag = format!("{} {}", self.name, self.deeds.len());
        let key = (self.random.below(4) > 0).then(|| tag.clone());
        Deed { tag, what, key, outcome: Outcome::Unknown, span: Span::begin() }
    }

    fn new_order(&mut self) -> What {
        let kind = if self.random.below(3) == 0 { "IPv6" } else { "IPv4" };
        let quantity = 1 + u32::try_from(self.random.below(3)).expect("it is small");
        What::Order { kind, quantity, days: self.period() }
    }

    fn extension(&mut self) -> What {
        let days = self.period();
        let (kind, order, leases) = self.choice();
        let leases = leases.into_iter().map(|it| it.lease).collect();
        What::Extend { kind, leases, order, days }
    }

    /// Something that is not so yet, because what changes nothing is not noted in the journal.
    fn toggle(&mut self) -> What {
        let (kind, order, leases) = self.choice();
        let days = match leases[0].auto_extend {
            Some(_) if self.random.coin() => None,
            Some(30) => Some(90),
            _ => Some(30),
        };
        let leases = leases.into_iter().map(|it| it.lease).collect();
        What::AutoExtend { kind, leases, order, days }
    }

    fn period(&mut self) -> u32 {
        if self.random.below(4) == 0 { 90 } else { 30 }
    }

    /// Some leases of one kind: those of an order, named by it or by themselves.
    fn choice(&mut self) -> (&'static str, Option<String>, Vec<Held>) {
        let chosen = self.random.below(self.orders.len());
        let chosen = &self.orders[chosen];
        let (kind, order, all) = (chosen.kind, chosen.order.clone(), chosen.leases.clone());
        match self.random.below(3) {
            0 => (kind, Some(order), all),
            // Those of IPv6 can only be extended together.
            1 if kind == "IPv4" => {
                let one = self.random.below(all.len());
                (kind, None, vec![all[one].clone()])
            }
            _ => (kind, None, all),
        }
    }
}
