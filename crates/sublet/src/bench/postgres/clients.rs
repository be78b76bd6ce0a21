//! Clients of all kinds, who use several servers of one shop at the same time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bench::data::{Dice, Shop};
use crate::bench::load::Client;

/// How long a client thinks between two requests, at most.
const THOUGHT: Duration = Duration::from_millis(40);

/// One request in so many is of the customer whom all like best.
const LIKED: usize = 5;

/// One purchase in so many names a promo code.
const WITH_PROMO: usize = 5;

/// What the clients have seen together.
#[derive(Default)]
pub(super) struct Seen {
    /// Answers by what was asked and what came of it.
    pub(super) answers: BTreeMap<String, u64>,
    /// How long each answer took, in milliseconds.
    pub(super) millis: Vec<f64>,
    /// What must not happen, in words.
    pub(super) faults: Vec<String>,
}

/// What clients share.
pub(super) struct Street {
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) shop: Arc<Shop>,
    pub(super) promos: Vec<String>,
    /// The leases of each customer, as far as his clients have heard of them.
    pub(super) leases: Vec<Mutex<Vec<String>>>,
    pub(super) seen: Mutex<Seen>,
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Extend,
    /// The same request to two servers at the same moment, with the same key.
    ExtendTwice,
    Order,
    AutoExtend,
    Price,
    List,
    Balance,
}

impl Deed {
    fn any(dice: &mut Dice) -> Deed {
        match dice.below(100) {
            0..35 => Deed::Extend,
            35..45 => Deed::ExtendTwice,
            45..60 => Deed::Order,
            60..75 => Deed::AutoExtend,
            75..85 => Deed::Price,
            85..95 => Deed::List,
            _ => Deed::Balance,
        }
    }

    fn call(self) -> &'static str {
        match self {
            Deed::Extend | Deed::ExtendTwice => "extend",
            Deed::Order => "order",
            Deed::AutoExtend => "extend/auto",
            Deed::Price => "calculate/extend",
            Deed::List => "ipAddress/page?proxyType=IPv4&size=100",
            Deed::Balance => "balance",
        }
    }
}

/// Does this and that until `until`.
pub(super) async fn client(street: Arc<Street>, until: Instant) -> Result<()> {
    let mut dice = Dice::new();
    let mut connections = Vec::new();
    for node in &street.nodes {
        connections.push(Client::connect(*node).await?);
    }
    while Instant::now() < until {
        let thought = dice.below(usize::try_from(THOUGHT.as_micros())?);
        tokio::time::sleep(Duration::from_micros(thought as u64)).await;
        let customers = street.shop.customers.len();
        let whose = if dice.below(LIKED) == 0 { 0 } else { dice.below(customers) };
        let deed = Deed::any(&mut dice);
        let request = street.request(deed, whose, &mut dice);
        let chosen = dice.below(connections.len());
        let asked = Instant::now();
        let result = if deed == Deed::ExtendTwice {
            twice(&street, deed, &mut connections, request.as_bytes()).await
        } else {
            once(&street, deed, whose, &mut connections[chosen], request.as_bytes()).await
        };
        street.see().millis.push(asked.elapsed().as_secs_f64() * 1e3);
        if let Err(error) = result {
            street.fault(format!("{deed:?}: {error:#}"));
            // What is still on its way there would be taken for another answer.
            connections.clear();
            for node in &street.nodes {
                connections.push(Client::connect(*node).await?);
            }
        }
    }
    Ok(())
}

async fn once(
    street: &Street,
    deed: Deed,
    whose: usize,
    connection: &mut Client,
    request: &[u8],
) -> Result<()> {
    let answer = connection.ask(request).await?;
    let body = street.judge(deed, answer)?;
    if deed == Deed::List {
        let groups = body["IPv4"].as_array().into_iter().flatten();
        let leases = groups.flat_map(|order| order["ipAddresses"].as_array().into_iter().flatten());
        let ids = leases.filter_map(|lease| Some(lease["ipAddressId"].as_str()?.to_owned()));
        let mut known = street.leases[whose].lock().unwrap_or_else(PoisonError::into_inner);
        *known = ids.collect();
    }
    Ok(())
}

/// Asks two servers the same. What both have done was done once, and both must give the same answer.
/// A refusal need not be remembered: it tells how things were when it was given.
async fn twice(
    street: &Street,
    deed: Deed,
    connections: &mut [Client],
    request: &[u8],
) -> Result<()> {
    let [one, other, ..] = connections else { return Ok(()) };
    let (one, other) = tokio::join!(one.ask(request), other.ask(request));
    let (one, other) = (street.judge(deed, one?)?, street.judge(deed, other?)?);
    let done = [&one, &other].iter().all(|answer| answer["success"] == true);
    if done && one != other {
        street.fault(format!("two answers to one request: {one} and {other}"));
    }
    Ok(())
}

impl Street {
    /// Notes what came of a request. Refusals are answers like others; faults are not.
    fn judge(&self, deed: Deed, answer: &str) -> Result<Value> {
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a head")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body).with_context(|| answer.to_owned())?;
        let outcome = match (status, body["success"].as_bool()) {
            ("200", Some(true)) => "done".to_owned(),
            ("200", _) => body["error"]["message"].as_str().unwrap_or("refused").to_owned(),
            _ => {
                self.fault(answer.to_owned());
                format!("status {status}")
            }
        };
        *self.see().answers.entry(format!("{deed:?}: {outcome}")).or_default() += 1;
        Ok(body)
    }

    /// What was seen so far.
    pub(super) fn see(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what must not happen.
    pub(super) fn fault(&self, what: String) {
        tracing::error!("{what}");
        self.see().faults.push(what);
    }

    fn request(&self, deed: Deed, whose: usize, dice: &mut Dice) -> String {
        let key = &self.shop.customers[whose].key;
        let promo = (dice.below(WITH_PROMO) == 0)
            .then(|| self.promos[dice.below(self.promos.len())].as_str());
        let days = [1, 7, 30][dice.below(3)];
        let body = match deed {
            Deed::List | Deed::Balance => None,
            Deed::Order => Some(order(dice, promo)),
            Deed::AutoExtend => Some(json!({
                "proxyType": "IPv4",
                "ipAddressIds": self.some_leases(whose, 10, dice),
                "rentPeriodDays": days,
                "autoExtend": dice.below(4) > 0,
            })),
            Deed::Extend | Deed::ExtendTwice | Deed::Price => Some(json!({
                "proxyType": "IPv4",
                "ipAddressIds": self.some_leases(whose, 3, dice),
                "rentPeriodDays": 1,
                "promoCode": promo,
            })),
        };
        let mut text = String::new();
        let (method, body) = match &body {
            Some(body) => ("POST", body.to_string()),
            None => ("GET", String::new()),
        };
        let _ = write!(
            text,
            "{method} /client/api/v1/{key}/{} HTTP/1.1\r\nHost: soak\r\nContent-Length: {}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: {:016x}{:016x}\r\n\r\n{body}",
            deed.call(),
            body.len(),
            dice.next(),
            dice.next(),
        );
        text
    }

    /// Some of the leases that a customer is known to have.
    fn some_leases(&self, whose: usize, most: usize, dice: &mut Dice) -> Vec<String> {
        let known = self.leases[whose].lock().unwrap_or_else(PoisonError::into_inner);
        let count = 1 + dice.below(most);
        match known.len() {
            0 => Vec::new(),
            all => (0..count).map(|_| known[dice.below(all)].clone()).collect(),
        }
    }
}

fn order(dice: &mut Dice, promo: Option<&str>) -> Value {
    let quantity = 1 + dice.below(5);
    match dice.below(10) {
        0 => json!({
            "proxyType": "MOBILE", "authType": "LOGIN", "goal": "soak", "country": "USA",
            "quantity": 1, "rentPeriodDays": 1, "rotationTime": 300, "mobileOperator": "verizon",
        }),
        1 | 2 => json!({
            "proxyType": "IPv6", "authType": "LOGIN", "goal": "soak", "country": "USA",
            "quantity": quantity, "rentPeriodDays": 7, "protocol": "HTTP", "promoCode": promo,
        }),
        _ => json!({
            "proxyType": "IPv4", "authType": "LOGIN", "goal": "soak", "country": "USA",
            "quantity": quantity, "rentPeriodDays": 7, "promoCode": promo,
        }),
    }
}
