//! The links that rotate a mobile exit. Their tokens open nothing but rotation.

use domain::ids::{CustomerId, LeaseId};
use domain::proxy::Proxy;
use domain::rotation::{Ask, Cause, NotRotated, Rotation, Whose};

use crate::engine::Engine;
use crate::fault::{Fault, told};

impl Engine {
    /// The token that rotates the exit of a lease.
    pub fn reboot_token(&self, proxy: &Proxy) -> String {
        self.token_of(proxy.lease.id, proxy.reboot_epoch)
    }

    fn token_of(&self, lease: LeaseId, epoch: u32) -> String {
        self.reboot_tokens().make(&self.public_ids().lease(lease), lease.0, epoch)
    }

    /// Rotates the exit of the live lease whose token this is; one that has ended is not known, and
    /// neither is a token that was replaced.
    pub async fn reboot(&self, token: &str) -> Result<Result<Rotation, NotRotated>, Fault> {
        let ids = self.public_ids();
        let read = |id: &str| ids.read_lease(id).map(|lease| lease.0);
        let Some((lease, epoch)) = self.reboot_tokens().read(token, read) else {
            return Ok(Err(NotRotated::Unknown));
        };
        let whose = Whose::Lease { lease: LeaseId(lease), customer: None, epoch: Some(epoch) };
        let rotated = self.rotate(Ask { whose, cause: Cause::Link, tries: 1 }).await?;
        Ok(rotated.map_err(|refused| match refused {
            NotRotated::Ended => NotRotated::Unknown,
            other => other,
        }))
    }

    /// Replaces the token of a live lease by another one, and gives that; `None` if the customer
    /// has no such lease.
    pub async fn renew_reboot_token(
        &self,
        customer: CustomerId,
        lease: LeaseId,
    ) -> Result<Option<String>, Fault> {
        let now = self.now();
        let renewed =
            self.read_slow(move |store| store.renew_reboot_link(customer, lease, now)).await;
        let epoch = renewed.map_err(|error| told(&error, "replacing a link"))?;
        Ok(epoch.map(|epoch| self.token_of(lease, epoch)))
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
        let make = |tokens: &Tokens, lease| tokens.make(&ids.lease(LeaseId(lease)), lease, 0);
        let read = |token: &str| tokens.read(token, |id| ids.read_lease(id).map(|it| it.0));
        let token = make(&tokens, 42);
        assert_eq!(token.len(), 56);
        assert_eq!(read(&token), Some((42, 0)));
        let swapped = format!("{}{}", ids.lease(LeaseId(43)), &token[ID_LENGTH..]);
        let other_key = make(&Tokens::new("reboot links", &[8; 16]), 42);
        let other_thing = make(&Tokens::new("payment pages", &[7; 16]), 42);
        let renewed = tokens.make(&ids.lease(LeaseId(42)), 42, 17);
        assert_eq!(read(&renewed), Some((42, 17)));
        let longer = format!("{token}00000000");
        let next = format!("{}00000012", &renewed[..56]);
        let first = renewed[..56].to_owned();
        let later = format!("{token}00000011");
        for wrong in [
            "",
            "x",
            &token[1..],
            &token.to_uppercase(),
            &swapped,
            &other_key,
            &other_thing,
            &longer,
            &next,
            &first,
            &later,
            &renewed[..60],
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
