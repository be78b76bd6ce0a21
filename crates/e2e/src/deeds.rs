//! What customers ask for, and what they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use crate::auditor::Entry;
use crate::bodies::{extend, extend_order, order, with};
use crate::customer::Customer;
use crate::dates::DAY;
use crate::history::{Look, Span};
use crate::http::{Answer, Request, cents};

/// The price of 30 days of anything in the flat catalogue.
const MONTH_MINOR: i64 = 100;

/// A request that changes something.
#[derive(Clone, Debug)]
pub struct Deed {
    /// What no other request has.
    pub tag: String,
    /// What is asked for.
    pub what: What,
    /// The idempotency key that is sent along.
    pub key: Option<String>,
    /// What is known of it.
    pub outcome: Outcome,
    /// When it was asked for, and when it became known.
    pub span: Span,
}

/// What is asked for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the call")]
pub enum What {
    /// New addresses. The tag is their goal.
    Order { kind: &'static str, quantity: u32, days: u32 },
    /// More time for these leases, named by their ids or by their order's.
    Extend { kind: &'static str, leases: Vec<String>, order: Option<String>, days: u32 },
    /// A standing instruction for these leases, or none any more.
    AutoExtend { kind: &'static str, leases: Vec<String>, order: Option<String>, days: Option<u32> },
}

/// What is known of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing: it was sent, and no answer came.
    Unknown,
    /// It was done, with this answer.
    Done(Vec<u8>),
    /// It was refused by the rules, with this answer: nothing was done.
    Refused(Vec<u8>),
    /// Nothing was done.
    Nothing,
}

impl Deed {
    /// The request, as `customer` sends it.
    pub fn request(&self, customer: &Customer) -> Request {
        let (call, body) = match &self.what {
            What::Order { kind, quantity, days } => {
                let body = order(kind, "USA", *quantity, *days);
                ("/order", with(&body, json!({ "protocol": "HTTP" })))
            }
            What::Extend { kind, order: Some(order), days, .. } => {
                ("/extend/order", extend_order(kind, &[order], *days))
            }
            What::Extend { kind, leases, days, .. } => ("/extend", extend(kind, leases, *days)),
            What::AutoExtend { kind, leases, order, days } => {
                let period = days.unwrap_or(30);
                let (call, body) = match order {
                    Some(order) => ("/extend/order/auto", extend_order(kind, &[order], period)),
                    None => ("/extend/auto", extend(kind, leases, period)),
                };
                (call, with(&body, json!({ "autoExtend": days.is_some() })))
            }
        };
        // Without a key, requests with the same words are the same request to a server that was killed.
        let body = with(&body, json!({ "goal": self.tag }));
        let request = customer.posting(call, &body);
        match &self.key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    /// Whether money is asked for.
    pub fn spends(&self) -> bool {
        !matches!(self.what, What::AutoExtend { .. })
    }

    /// Notes an answer.
    pub fn hear(&mut self, answer: &Answer) {
        let success = serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["success"].as_bool());
        self.outcome = match (answer.status, success) {
            (200, Some(true)) => Outcome::Done(answer.body.clone()),
            (200, Some(false)) => Outcome::Refused(answer.body.clone()),
            (_, Some(false)) => Outcome::Nothing,
            _ => Outcome::Unknown,
        };
        let is_over = !matches!(self.outcome, Outcome::Unknown);
        self.span.ended = is_over.then(Instant::now);
    }

    /// The balance that was told with a refusal, if one was.
    pub fn look(&self, customer: i64) -> Option<Look> {
        let Outcome::Refused(answer) = &self.outcome else { return None };
        let answer: Value = serde_json::from_slice(answer).ok()?;
        let balance = answer.get("balance").filter(|balance| balance.is_number())?;
        Some(Look { customer, balance: cents(balance), span: self.span })
    }

    /// Why `entry` is not what this asked for, and its answer told.
    pub fn differs(&self, entry: &Entry) -> Option<String> {
        let (event, days, price) = match &self.what {
            What::Order { quantity, days, .. } => ("order", Some(*days), price(*quantity, *days)),
            What::Extend { leases, days, .. } => {
                let quantity = u32::try_from(leases.len()).expect("lists are short");
                ("extension", Some(*days), price(quantity, *days))
            }
            What::AutoExtend { days, .. } => ("auto_extend", Some(days.unwrap_or(0)), 0),
        };
        if entry.event != event || entry.days != days {
            return Some(format!("it is {} for {:?} days", entry.event, entry.days));
        }
        if entry.amount.unwrap_or(0) != -price {
            return Some(format!("{:?} was charged instead of {price}", entry.amount));
        }
        self.leases_differ(entry).or_else(|| self.answer_differs(entry))
    }

    fn leases_differ(&self, entry: &Entry) -> Option<String> {
        let given: BTreeSet<&str> = entry.terms.iter().map(|term| term.lease.as_str()).collect();
        let (expected, days) = match &self.what {
            What::Order { quantity, days, .. } => {
                let ends = entry.at + i64::from(*days) * DAY;
                let right = entry.goal.as_ref() == Some(&self.tag)
                    && given.len() == *quantity as usize
                    && entry.terms.iter().all(|term| term.end == Some(ends));
                return (!right).then(|| format!("other addresses were ordered: {entry:?}"));
            }
            What::Extend { leases, days, .. } => (leases, *days),
            What::AutoExtend { leases, .. } => (leases, 0),
        };
        let moved = |before: Option<i64>, end: Option<i64>| match (before, end) {
            (Some(before), Some(end)) => end - before,
            _ => 0,
        };
        let right = given == expected.iter().map(String::as_str).collect()
            && given.len() == entry.terms.len()
            && entry.terms.iter().all(|it| moved(it.before, it.end) == i64::from(days) * DAY);
        (!right).then(|| format!("other leases were given, or other ends: {entry:?}"))
    }

    fn answer_differs(&self, entry: &Entry) -> Option<String> {
        let Outcome::Done(answer) = &self.outcome else { return None };
        let answer: Value = serde_json::from_slice(answer).ok()?;
        if self.spends() && Some(cents(&answer["balance"])) != entry.balance_after {
            return Some(format!("another balance was answered: {answer}, {entry:?}"));
        }
        let told = answer["ipAddressIds"].as_array()?;
        let told: BTreeSet<&str> = told.iter().filter_map(Value::as_str).collect();
        let given: BTreeSet<&str> = entry.terms.iter().map(|term| term.lease.as_str()).collect();
        (told != given).then(|| format!("other leases were answered: {answer}, {entry:?}"))
    }
}

/// What addresses cost in the flat catalogue.
fn price(quantity: u32, days: u32) -> i64 {
    MONTH_MINOR * i64::from(days / 30) * i64::from(quantity)
}

/// Money that the operator paid in.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// To whom.
    pub customer: i64,
    /// How much.
    pub minor: i64,
    /// The note; no two have the same.
    pub note: String,
    /// Whether the command said that it was done; `None` if it did not know, or was
    /// killed before it said anything.
    pub done: Option<bool>,
    /// When it was under way.
    pub span: Span,
}

/// How many requests ended how, for a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Done.
    pub done: usize,
    /// Refused.
    pub refused: usize,
    /// Not done.
    pub nothing: usize,
    /// Of all these, the ones that carried no key.
    pub keyless: usize,
}

impl Tally {
    /// Counts.
    pub fn of<'a>(deeds: impl IntoIterator<Item = &'a Deed>) -> Tally {
        let mut tally = Tally::default();
        for deed in deeds {
            match deed.outcome {
                Outcome::Done(_) => tally.done += 1,
                Outcome::Refused(_) => tally.refused += 1,
                Outcome::Nothing | Outcome::Unknown => tally.nothing += 1,
            }
            tally.keyless += usize::from(deed.key.is_none());
        }
        tally
    }
}

/// The codes of all refusals, and how often each came.
pub fn refusals<'a>(deeds: impl IntoIterator<Item = &'a Deed>) -> BTreeMap<i64, usize> {
    let mut codes = BTreeMap::new();
    for deed in deeds {
        if let Outcome::Refused(answer) = &deed.outcome {
            let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
            *codes.entry(answer["error"]["code"].as_i64().unwrap_or(-1)).or_default() += 1;
        }
    }
    codes
}
