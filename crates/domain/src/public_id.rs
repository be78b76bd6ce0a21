//! Ids as they are shown outside: a keyed, reversible disguise of the inner sequences, so that
//! nobody can count orders or guess another's id, and no table is needed to read them back.
//!
//! An id has two forms, and either is accepted where one is read: a number below 2⁵², which
//! JavaScript can hold, and 24 lower-case hexadecimal digits, of which the last 11 are a check that
//! turns away made-up ids without asking the database.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::ids::{AuthorisationId, CardId, EntryId, LeaseId, OrderId, PaymentId, RotationId};

/// Bits of the disguised number.
const BITS: u32 = 52;
const HALF: u32 = BITS / 2;
const HALF_MASK: u64 = (1 << HALF) - 1;
/// Bits of the check behind it: 96 in all are 24 hexadecimal digits.
const CHECK_BITS: u32 = 44;

/// Makes and reads public ids. `Debug` does not show the key.
#[derive(Clone)]
pub struct PublicIds {
    key: [u8; 16],
}

/// What an id names, so that an order's id is no lease's.
#[derive(Clone, Copy)]
enum Space {
    Lease = 1,
    Order = 2,
    Entry = 3,
    Authorisation = 4,
    Payment = 5,
    Card = 6,
    Rotation = 7,
}

impl std::fmt::Debug for PublicIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicIds(***)")
    }
}

impl PublicIds {
    /// The disguise under `key`, which an installation keeps for ever.
    pub fn new(key: [u8; 16]) -> PublicIds {
        PublicIds { key }
    }

    /// A lease's id in 24 hexadecimal digits.
    pub fn lease(&self, id: LeaseId) -> String {
        self.hex(Space::Lease, id.0)
    }

    /// A lease's id as a number.
    pub fn lease_number(&self, id: LeaseId) -> u64 {
        self.disguise(Space::Lease, id.0)
    }

    /// The lease that `text` names in either form.
    pub fn read_lease(&self, text: &str) -> Option<LeaseId> {
        self.read(Space::Lease, text).map(LeaseId)
    }

    /// An order's id in 24 hexadecimal digits.
    pub fn order(&self, id: OrderId) -> String {
        self.hex(Space::Order, id.0)
    }

    /// An order's id as a number.
    pub fn order_number(&self, id: OrderId) -> u64 {
        self.disguise(Space::Order, id.0)
    }

    /// The order that `text` names in either form.
    pub fn read_order(&self, text: &str) -> Option<OrderId> {
        self.read(Space::Order, text).map(OrderId)
    }

    /// A journal entry's id in 24 hexadecimal digits.
    pub fn entry(&self, id: EntryId) -> String {
        self.hex(Space::Entry, id.0)
    }

    /// A journal entry's id as a number.
    pub fn entry_number(&self, id: EntryId) -> u64 {
        self.disguise(Space::Entry, id.0)
    }

    /// The journal entry that `text` names in either form.
    pub fn read_entry(&self, text: &str) -> Option<EntryId> {
        self.read(Space::Entry, text).map(EntryId)
    }

    /// A payment's id in 24 hexadecimal digits.
    pub fn payment(&self, id: PaymentId) -> String {
        self.hex(Space::Payment, id.0)
    }

    /// The payment that `text` names in either form.
    pub fn read_payment(&self, text: &str) -> Option<PaymentId> {
        self.read(Space::Payment, text).map(PaymentId)
    }

    /// A card's id in 24 hexadecimal digits.
    pub fn card(&self, id: CardId) -> String {
        self.hex(Space::Card, id.0)
    }

    /// The card that `text` names in either form.
    pub fn read_card(&self, text: &str) -> Option<CardId> {
        self.read(Space::Card, text).map(CardId)
    }

    /// A rotation's id in 24 hexadecimal digits.
    pub fn rotation(&self, id: RotationId) -> String {
        self.hex(Space::Rotation, id.0)
    }

    /// The rotation that `text` names in either form.
    pub fn read_rotation(&self, text: &str) -> Option<RotationId> {
        self.read(Space::Rotation, text).map(RotationId)
    }

    /// An authorisation's id in 24 hexadecimal digits.
    pub fn authorisation(&self, id: AuthorisationId) -> String {
        self.hex(Space::Authorisation, id.0)
    }

    /// The authorisation that `text` names in either form.
    pub fn read_authorisation(&self, text: &str) -> Option<AuthorisationId> {
        self.read(Space::Authorisation, text).map(AuthorisationId)
    }

    fn hex(&self, space: Space, id: i64) -> String {
        let number = self.disguise(space, id);
        format!("{number:013x}{:011x}", self.check(space, number))
    }

    fn read(&self, space: Space, text: &str) -> Option<i64> {
        let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 24 && plain(text) {
            let number = u64::from_str_radix(&text[..13], 16).ok()?;
            let check = u64::from_str_radix(&text[13..], 16).ok()?;
            return (check == self.check(space, number)).then(|| self.reveal(space, number));
        }
        let fits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = if fits { text.parse().ok()? } else { return None };
        (number < 1 << BITS).then(|| self.reveal(space, number))
    }

    fn disguise(&self, space: Space, id: i64) -> u64 {
        let value = u64::try_from(id).expect("ids are never negative");
        assert!(value < 1 << BITS, "ids stay below 2^52");
        let (mut left, mut right) = (value >> HALF, value & HALF_MASK);
        for round in 0..6 {
            (left, right) = (right, left ^ self.mix(space, round, right, HALF));
        }
        (left << HALF) | right
    }

    fn reveal(&self, space: Space, number: u64) -> i64 {
        let (mut left, mut right) = (number >> HALF, number & HALF_MASK);
        for round in (0..6).rev() {
            (left, right) = (right ^ self.mix(space, round, left, HALF), left);
        }
        i64::try_from((left << HALF) | right).expect("52 bits fit")
    }

    fn check(&self, space: Space, number: u64) -> u64 {
        self.mix(space, u8::MAX, number, CHECK_BITS)
    }

    fn mix(&self, space: Space, round: u8, value: u64, bits: u32) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u8(space as u8);
        hasher.write_u8(round);
        hasher.write_u64(value);
        hasher.finish() >> (64 - bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_forms_are_read_back(id in 0i64..1 << BITS, key: [u8; 16]) {
            let ids = PublicIds::new(key);
            prop_assert_eq!(ids.read_lease(&ids.lease(LeaseId(id))), Some(LeaseId(id)));
            let number = ids.lease_number(LeaseId(id));
            prop_assert!(number < 1 << 53);
            prop_assert_eq!(ids.read_lease(&number.to_string()), Some(LeaseId(id)));
            prop_assert_eq!(ids.read_order(&ids.lease(LeaseId(id))), None);
            let authorisation = AuthorisationId(id);
            let shown = ids.authorisation(authorisation);
            prop_assert_eq!(ids.read_authorisation(&shown), Some(authorisation));
            prop_assert_eq!(ids.read_lease(&shown), None);
        }

        #[test]
        fn nothing_made_up_is_read(text in "[0-9a-f]{24}") {
            prop_assert_eq!(PublicIds::new([7; 16]).read_lease(&text), None);
        }

        #[test]
        fn any_text_is_looked_at_without_harm(text in "\\PC{0,40}") {
            let _ = PublicIds::new([7; 16]).read_lease(&text);
        }
    }

    #[test]
    fn neighbours_do_not_look_alike() {
        let ids = PublicIds::new([3; 16]);
        let (one, two) = (ids.lease(LeaseId(1)), ids.lease(LeaseId(2)));
        assert_eq!((one.len(), two.len()), (24, 24));
        assert_ne!(one[..6], two[..6]);
    }
}
