//! Ids as they are inside: small sequences, so that rows that belong together lie together.
//! What is shown outside is made by [`crate::public_id`].

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);
    };
}

id!(
    /// A customer.
    CustomerId
);
id!(
    /// A lease: what wire dialects call an IP address, a proxy or an item.
    LeaseId
);
id!(
    /// An order.
    OrderId
);
id!(
    /// One rentable exit in stock.
    AddressId
);
id!(
    /// A routed prefix from which addresses are drawn.
    PrefixId
);
id!(
    /// A promo code.
    PromoId
);
id!(
    /// A way in to the addresses of an order.
    AuthorisationId
);
id!(
    /// An entry of the journal.
    EntryId
);
id!(
    /// An account of the ledger: a customer's wallet or one of the house's.
    AccountId
);
id!(
    /// A customer's API key.
    KeyId
);
id!(
    /// A payment: money that is to come in from outside. Numbered together with orders.
    PaymentId
);
id!(
    /// A card that is kept to pay with again. Numbered together with orders.
    CardId
);
id!(
    /// A rotation: a modem's turn to another exit.
    RotationId
);
