//! Proof of the books from their journal.

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Journal entries read.
    pub entries: u64,
    /// Postings read.
    pub postings: u64,
    /// Wallets compared.
    pub wallets: u64,
    /// Leases compared.
    pub leases: u64,
    /// Promo codes compared.
    pub promos: u64,
    /// Everything that is wrong.
    pub violations: Vec<Violation>,
}

/// Something that is wrong with the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule is broken, in one word: `ledger`, `balance`, `lease`, `address`, `promo`, ….
    pub rule: &'static str,
    /// What is wrong, for the operator.
    pub detail: String,
}
