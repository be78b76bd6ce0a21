//! Operator tokens.

use domain::time::Time;

use super::books::Books;
use super::next;
use crate::records::OperatorToken;

impl Books {
    pub(super) fn create_operator_token(&mut self, name: &str, hash: &[u8; 32], now: Time) -> i64 {
        let id = next(self.tokens.keys().copied());
        let token = OperatorToken { id, name: name.to_owned(), created_at: now, revoked_at: None };
        self.tokens.insert(id, (*hash, token));
        id
    }

    pub(super) fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Option<OperatorToken> {
        let mut valid = self.tokens.values().filter(|(_, token)| token.revoked_at.is_none());
        valid.find(|(kept, _)| kept == hash).map(|(_, token)| token.clone())
    }

    pub(super) fn operator_tokens(&self) -> Vec<OperatorToken> {
        self.tokens.values().map(|(_, token)| token.clone()).collect()
    }

    pub(super) fn revoke_operator_token(&mut self, id: i64, now: Time) -> bool {
        let Some((_, token)) = self.tokens.get_mut(&id) else { return false };
        token.revoked_at.get_or_insert(now);
        true
    }
}
