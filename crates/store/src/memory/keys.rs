//! Customers' API keys.

use domain::api_key::ApiKey;
use domain::customer::Customer;
use domain::ids::{CustomerId, KeyId};
use domain::time::Time;

use super::books::Books;
use super::next;
use crate::records::NewApiKey;

impl Books {
    pub(super) fn create_key(&mut self, new: &NewApiKey, now: Time) -> KeyId {
        let id = KeyId(next(self.keys.keys().map(|id| id.0)));
        let key = ApiKey {
            id,
            customer: new.customer,
            name: new.name.clone(),
            allowed: new.allowed.clone(),
            read_only: new.read_only,
            repeat_window: new.repeat_window,
            requests_per_minute: new.requests_per_minute,
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
        };
        self.keys.insert(id, (new.hash, key));
        id
    }

    pub(super) fn key_by_hash(&self, hash: &[u8; 32]) -> Option<(ApiKey, Customer)> {
        let found = self.keys.values().find(|(kept, _)| kept == hash);
        found.map(|(_, key)| (key.clone(), self.customers[&key.customer].clone()))
    }

    pub(super) fn keys(&self, customer: Option<CustomerId>) -> Vec<ApiKey> {
        let keys = self.keys.values().map(|(_, key)| key);
        keys.filter(|key| customer.is_none_or(|id| id == key.customer)).cloned().collect()
    }

    pub(super) fn revoke_key(&mut self, id: KeyId, now: Time) -> bool {
        self.keys_version += 1;
        let Some((_, key)) = self.keys.get_mut(&id) else { return false };
        key.revoked_at.get_or_insert(now);
        true
    }
}
