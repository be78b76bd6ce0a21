//! Who is calling.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::api_key::ApiKey;
use domain::customer::Customer;
use domain::time::Time;
use store::Store;

use crate::fault::{Fault, told};
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

/// Keys that were looked up a moment ago.
#[derive(Default)]
pub(crate) struct Keys {
    seen: Mutex<HashMap<[u8; 32], (Caller, Instant)>>,
}

impl Keys {
    /// How long a key is believed to be as it was. A revoked key works at most this much longer.
    const BELIEVED: Duration = Duration::from_millis(500);
    /// How many keys are remembered.
    const MOST: usize = 100_000;

    /// The caller who shows `key` from `ip`.
    ///
    /// Keys of a wrong form are looked up all the same, so that the effort tells nothing.
    pub(crate) fn caller(
        &self,
        store: &dyn Store,
        key: &str,
        ip: IpAddr,
        now: Time,
    ) -> Result<Result<Caller, Rejected>, Fault> {
        let hash = secret::hash(key);
        let caller = match self.remembered(&hash) {
            Some(caller) => caller,
            None => {
                let found = store.key_by_hash(&hash);
                let found = found.map_err(|error| told(&error, "looking up an API key"))?;
                let Some((key, customer)) = found else { return Ok(Err(Rejected::UnknownKey)) };
                let caller = Caller { key: Arc::new(key), customer: Arc::new(customer) };
                self.remember(hash, &caller);
                caller
            }
        };
        Ok(match () {
            () if !caller.key.is_valid(now) => Err(Rejected::UnknownKey),
            () if !caller.key.allows(ip) => Err(Rejected::AddressNotAllowed),
            () => Ok(caller),
        })
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Caller> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, at) = seen.get(hash)?;
        (at.elapsed() < Self::BELIEVED).then(|| caller.clone())
    }

    fn remember(&self, hash: [u8; 32], caller: &Caller) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= Self::MOST {
            seen.clear();
        }
        seen.insert(hash, (caller.clone(), Instant::now()));
    }
}
