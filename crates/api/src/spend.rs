//! Requests that spend money: done once, whatever happens to their client.
//!
//! A spend runs on a task of its own, so that a client that goes away does not take it half back.
//! A repetition is known by its idempotency key, or else only if the first client was gone before
//! its answer was written. [`Spends`] closes the gap between the two: it knows the spends whose
//! answers are still on their way, and can ask whether their clients are still there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use domain::api_key::ApiKey;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CardId, CustomerId, EntryId};
use domain::time::Span;
use engine::batcher::Lane;
use engine::engine::Engine;
use engine::fault::Fault;
use serde_json::Value;
use serve::Delivery;
use sha2::{Digest, Sha256};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// How long is waited for a decision before it is called unknown. Longer than the batcher lets a
/// command wait, so that one which was given up undone can still be told as such.
const PATIENCE: Duration = Duration::from_secs(12);

const HEADER: &str = "idempotency-key";
const KEY_LENGTH_MAX: usize = 255;

/// The idempotency key that a client has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenKey<'r> {
    /// None.
    Absent,
    /// More than one, an empty or too long one, or one with signs that are not printable ASCII.
    Bad,
    /// This one.
    Given(&'r [u8]),
}

impl GivenKey<'_> {
    pub(crate) fn read(headers: &HeaderMap) -> GivenKey<'_> {
        let mut keys = headers.get_all(HEADER).iter();
        let Some(key) = keys.next() else { return GivenKey::Absent };
        let key = key.as_bytes();
        let fits = (1..=KEY_LENGTH_MAX).contains(&key.len())
            && key.iter().all(|byte| (0x20..0x7f).contains(byte));
        if fits && keys.next().is_none() { GivenKey::Given(key) } else { GivenKey::Bad }
    }

    /// What makes the request known again; `None` if the given key is a bad one. Without one, the
    /// request itself is remembered for as long as the API key says. A key that says so has repeats
    /// of its own: what another key of the customer asks for is no repeat.
    pub(crate) fn idempotency(self, fingerprint: [u8; 16], of: &ApiKey) -> Option<Idempotency> {
        match self {
            GivenKey::Bad => None,
            GivenKey::Absent if of.repeat_window > Span::ZERO => {
                let mut hasher = Sha256::new();
                hasher.update(b"window\0");
                hasher.update(of.id.0.to_be_bytes());
                hasher.update(fingerprint);
                let fingerprint = half(hasher);
                let source = KeySource::Request(of.repeat_window);
                Some(Idempotency { key: fingerprint, fingerprint, source })
            }
            GivenKey::Absent => {
                let source = KeySource::Request(Span::ZERO);
                Some(Idempotency { key: fingerprint, fingerprint, source })
            }
            GivenKey::Given(key) => {
                let mut hasher = Sha256::new();
                hasher.update(b"key\0");
                hasher.update(key);
                let key = half(hasher);
                Some(Idempotency { key, fingerprint, source: KeySource::Header })
            }
        }
    }
}

/// What makes two requests the same: the route, and the body but for the order of its members and
/// the space between them.
pub(crate) fn fingerprint(route: &str, body: &[u8]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(b"request\0");
    hasher.update(route.as_bytes());
    hasher.update(b"\0");
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => hasher.update(canonical(body).to_string()),
        // Such as one that nests deeper than is read. Then only the very same bytes are the same.
        Err(_) => hasher.update(body),
    }
    half(hasher)
}

/// The same value with the members of every object in order.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|(one, _), (two, _)| one.cmp(two));
            members.into_iter().map(|(name, value)| (name, canonical(value))).collect()
        }
        Value::Array(elements) => elements.into_iter().map(canonical).collect(),
        plain => plain,
    }
}

fn half(hasher: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hasher.finalize().into();
    std::array::from_fn(|at| digest[at])
}

/// The spends without an idempotency key whose answers are still on their way.
#[derive(Debug, Default)]
pub(crate) struct Spends {
    open: Mutex<HashMap<Same, Vec<Arc<Open>>>>,
}

/// What identical spends share: the customer and the fingerprint.
type Same = (CustomerId, [u8; 16]);

#[derive(Debug)]
struct Open {
    delivery: Delivery,
    /// Whether its handler has given up on it.
    abandoned: AtomicBool,
    /// `true` once it was refused, answered, or is remembered.
    settled: watch::Sender<bool>,
}

impl Open {
    fn is_gone(&self) -> bool {
        self.abandoned.load(Ordering::Acquire) || self.delivery.is_gone_now()
    }
}

/// The place of a spend among the open ones, until dropped.
struct Mine {
    spends: Arc<Spends>,
    same: Same,
    open: Arc<Open>,
}

impl Spends {
    /// Notes a spend, and finds the identical ones before it that are still open.
    fn enter(self: &Arc<Self>, same: Same, delivery: &Delivery) -> (Mine, Vec<Arc<Open>>) {
        let open = Arc::new(Open {
            delivery: delivery.clone(),
            abandoned: AtomicBool::new(false),
            settled: watch::Sender::new(false),
        });
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let others = all.entry(same).or_default();
        let before = others.clone();
        others.push(open.clone());
        (Mine { spends: self.clone(), same, open }, before)
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        let mut all = self.spends.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(others) = all.get_mut(&self.same) {
            others.retain(|open| !Arc::ptr_eq(open, &self.open));
            if others.is_empty() {
                all.remove(&self.same);
            }
        }
        drop(all);
        self.open.settled.send_replace(true);
    }
}

/// What pays for a spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// What is in the wallet.
    Wallet,
    /// This card, for all of it.
    Card(CardId),
}

/// Has a spend from the wallet decided, once.
pub(crate) async fn spend(
    engine: &Engine,
    spends: &Arc<Spends>,
    wish: Wish,
    idempotency: Idempotency,
    delivery: &Delivery,
) -> Result<Decision, Fault> {
    spend_by(engine, spends, wish, Means::Wallet, idempotency, delivery).await
}

/// Has a spend decided, once.
pub(crate) async fn spend_by(
    engine: &Engine,
    spends: &Arc<Spends>,
    wish: Wish,
    means: Means,
    idempotency: Idempotency,
    delivery: &Delivery,
) -> Result<Decision, Fault> {
    let command = Command { wish, idempotency: Some(idempotency), at: None };
    let mine = match idempotency.source {
        KeySource::Header => None,
        KeySource::Request(_) => {
            let same = (command.customer(), idempotency.key);
            let (mine, before) = spends.enter(same, delivery);
            // After the entry: a client that leaves from now on is found by whoever comes after it,
            // and one that had left before has nobody here to spend for. Without this, a request
            // that was slow to get here could pass the repetition that replaced it.
            if delivery.is_gone_now() {
                return Err(Fault::Closing);
            }
            for earlier in before.iter().filter(|earlier| earlier.is_gone()) {
                let mut settled = earlier.settled.subscribe();
                if timeout(PATIENCE, settled.wait_for(|settled| *settled)).await.is_err() {
                    return Err(Fault::OutcomeUnknown);
                }
            }
            Some(mine)
        }
    };
    let open = mine.as_ref().map(|mine| mine.open.clone());
    let (tell, told) = oneshot::channel();
    // Watched from here on, so that a close is noticed before the answer is written.
    let delivered = mine.as_ref().map(|_| delivery.outcome());
    let engine = engine.clone();
    let spending = engine.spending();
    tokio::spawn(async move {
        let _spending = spending;
        let _mine = mine;
        let decided = match means {
            Means::Wallet => engine.submit(command, Lane::Request).await,
            Means::Card(card) => engine.buy_by_card(command, Some(card)).await,
        };
        let done = decided.as_ref().ok().and_then(newly_done);
        let heard = tell.send(decided).is_ok();
        if let (Some(delivered), Some(entry)) = (delivered, done)
            && (!heard || delivered.await == serve::Outcome::Gone)
        {
            engine.remember(entry).await;
        }
    });
    match timeout(PATIENCE, told).await {
        Ok(Ok(decided)) => decided,
        _ => {
            if let Some(open) = open {
                open.abandoned.store(true, Ordering::Release);
            }
            Err(Fault::OutcomeUnknown)
        }
    }
}

/// The journal's entry of what was done just now, not of what was answered again.
fn newly_done(decision: &Decision) -> Option<EntryId> {
    match &decision.result {
        Ok(Outcome::Done { entry, .. }) if !decision.replayed => *entry,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_and_space_do_not_matter_and_all_else_does() {
        let one = fingerprint("order", br#"{"a":1,"b":{"c":[1,2],"d":null}}"#);
        assert_eq!(one, fingerprint("order", b"{ \"b\": {\"d\":null, \"c\":[1,2]}, \"a\":1 }"));
        for (route, body) in [
            ("extend", r#"{"a":1,"b":{"c":[1,2],"d":null}}"#),
            ("order", r#"{"a":1,"b":{"c":[2,1],"d":null}}"#),
            ("order", r#"{"a":"1","b":{"c":[1,2],"d":null}}"#),
            ("order", r#"{"a":1,"b":{"c":[1,2]}}"#),
            ("order", r#"{"a":1"#),
        ] {
            assert_ne!(one, fingerprint(route, body.as_bytes()), "{route} {body}");
        }
    }

    #[test]
    fn a_key_is_printable_and_of_some_length() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, axum::http::HeaderValue::from_bytes(value).unwrap());
            }
            match GivenKey::read(&headers) {
                GivenKey::Absent => "absent",
                GivenKey::Bad => "bad",
                GivenKey::Given(_) => "given",
            }
        };
        assert_eq!(read(&[]), "absent");
        assert_eq!(read(&[b"order 4711 ~!"]), "given");
        assert_eq!(read(&[&[b'x'; 255]]), "given");
        for bad in [&b""[..], &[b'x'; 256], b"a\tb", "ü".as_bytes()] {
            assert_eq!(read(&[bad]), "bad");
        }
        assert_eq!(read(&[b"one", b"one"]), "bad");
    }

    #[test]
    fn a_key_is_never_the_fingerprint_of_a_request() {
        let print = fingerprint("order", b"{}");
        let plain = key(1, Span::ZERO);
        let given = GivenKey::Given(b"order").idempotency(print, &plain).unwrap();
        assert_ne!(given.key, print);
        assert_eq!(given.fingerprint, print);
        let absent = GivenKey::Absent.idempotency(print, &plain).unwrap();
        assert_eq!((absent.key, absent.source), (print, KeySource::Request(Span::ZERO)));
        assert_eq!(GivenKey::Bad.idempotency(print, &plain), None);
    }

    #[test]
    fn a_key_with_a_window_has_repeats_of_its_own() {
        let print = fingerprint("order", b"{}");
        let of = |key: &ApiKey| GivenKey::Absent.idempotency(print, key).unwrap();
        let (one, two) = (of(&key(1, Span::HOUR)), of(&key(2, Span::HOUR)));
        assert_eq!(one.source, KeySource::Request(Span::HOUR));
        assert_eq!(one, of(&key(1, Span::HOUR)));
        assert_ne!(one.key, two.key);
        assert_ne!(one.key, of(&key(1, Span::ZERO)).key);
    }

    fn key(id: i64, repeat_window: Span) -> ApiKey {
        ApiKey {
            id: domain::ids::KeyId(id),
            customer: CustomerId(1),
            name: String::new(),
            allowed: vec![],
            read_only: false,
            repeat_window,
            requests_per_minute: None,
            created_at: domain::time::Time::EPOCH,
            expires_at: None,
            revoked_at: None,
        }
    }
}
