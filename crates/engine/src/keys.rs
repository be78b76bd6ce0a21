//! Who is calling.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::api_key::ApiKey;
use domain::customer::Customer;
use domain::time::Time;

use crate::engine::Engine;
use crate::fault::Fault;
use crate::secret;

/// A customer's program that has shown a valid key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its key.
    pub key: Arc<ApiKey>,
    /// Its customer.
    pub customer: Arc<Customer>,
}

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The key is unknown, malformed, revoked or over: one answer for all.
    UnknownKey,
    /// The key may not be used from this address.
    AddressNotAllowed,
}

/// Keys that were looked up before.
#[derive(Default)]
pub(crate) struct Keys {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    callers: HashMap<[u8; 32], Caller>,
    /// What they were looked up at, and when that was last compared with the store.
    version: Option<(i64, Instant)>,
}

impl Keys {
    /// How long keys are believed to be as they were. A revoked key works at most this much longer.
    const BELIEVED: Duration = Duration::from_millis(250);
    /// How many keys are remembered.
    const MOST: usize = 100_000;

    /// The caller who shows `key` from `ip`.
    ///
    /// Keys of a wrong form are looked up all the same, so that the effort tells nothing.
    pub(crate) fn caller(
        &self,
        engine: &Engine,
        key: &str,
        ip: IpAddr,
        now: Time,
    ) -> Result<Result<Caller, Rejected>, Fault> {
        let hash = secret::hash(key);
        let version = self.version(engine)?;
        let caller = match self.remembered(&hash) {
            Some(caller) => caller,
            None => {
                let found = engine.read(|store| store.key_by_hash(&hash))?;
                let Some((key, customer)) = found else { return Ok(Err(Rejected::UnknownKey)) };
                let caller = Caller { key: Arc::new(key), customer: Arc::new(customer) };
                self.remember(hash, &caller, version);
                caller
            }
        };
        Ok(match () {
            () if !caller.key.is_valid(now) => Err(Rejected::UnknownKey),
            () if !caller.key.allows(ip) => Err(Rejected::AddressNotAllowed),
            () => Ok(caller),
        })
    }

    /// The version of the keys; forgets them all if it is another than before.
    fn version(&self, engine: &Engine) -> Result<i64, Fault> {
        if let Some((version, at)) = self.lock().version
            && at.elapsed() < Self::BELIEVED
        {
            return Ok(version);
        }
        let asked = Instant::now();
        let version = engine.read(|store| store.keys_version())?;
        let mut seen = self.lock();
        if seen.version.is_none_or(|(before, _)| before != version) {
            seen.callers.clear();
        }
        seen.version = Some((version, asked));
        Ok(version)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Caller> {
        self.lock().callers.get(hash).cloned()
    }

    /// Remembers a caller who was looked up when the keys had `version` or a later one.
    fn remember(&self, hash: [u8; 32], caller: &Caller, version: i64) {
        let mut seen = self.lock();
        if seen.version.is_none_or(|(now, _)| now != version) {
            return;
        }
        if seen.callers.len() >= Self::MOST {
            seen.callers.clear();
        }
        seen.callers.insert(hash, caller.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Whatever is there was looked up: a panic in between leaves nothing wrong.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
