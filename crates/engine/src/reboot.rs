//! The tokens in the links that rotate a mobile exit. They open nothing but rotation.

use domain::ids::LeaseId;
use domain::lease::Standing;

use crate::engine::Engine;
use crate::fault::Fault;

impl Engine {
    /// The token that rotates the exit of a lease.
    pub fn reboot_token(&self, lease: LeaseId) -> String {
        self.reboot_tokens().make(&self.public_ids().lease(lease), lease.0)
    }

    /// The live lease whose token this is; one that has ended is not found.
    pub fn rebooted(&self, token: &str) -> Result<Option<LeaseId>, Fault> {
        let ids = self.public_ids();
        let read = |id: &str| ids.read_lease(id).map(|lease| lease.0);
        let Some(lease) = self.reboot_tokens().read(token, read).map(LeaseId) else {
            return Ok(None);
        };
        let standing = self.standing(lease)?;
        Ok((standing == Some(Standing::Live)).then_some(lease))
    }
}

#[cfg(test)]
mod tests {
    use domain::public_id::PublicIds;

    use super::*;
    use crate::tokens::{ID_LENGTH, Tokens};

    #[test]
    fn a_token_names_its_lease_and_no_other_text_does() {
        let (tokens, ids) = (Tokens::new("reboot links", &[7; 16]), PublicIds::new([7; 16]));
        let make = |tokens: &Tokens, lease| tokens.make(&ids.lease(LeaseId(lease)), lease);
        let read = |token: &str| tokens.read(token, |id| ids.read_lease(id).map(|it| it.0));
        let token = make(&tokens, 42);
        assert_eq!(token.len(), 56);
        assert_eq!(read(&token), Some(42));
        let swapped = format!("{}{}", ids.lease(LeaseId(43)), &token[ID_LENGTH..]);
        let other_key = make(&Tokens::new("reboot links", &[8; 16]), 42);
        let other_thing = make(&Tokens::new("payment pages", &[7; 16]), 42);
        for wrong in
            ["", "x", &token[1..], &token.to_uppercase(), &swapped, &other_key, &other_thing]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
