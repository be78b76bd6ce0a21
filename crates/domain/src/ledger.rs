//! Double entry: every transfer's postings sum to zero.

use crate::ids::{AccountId, CustomerId};
use crate::money::{Currency, Money};

/// A customer's wallet: the account that holds what he has to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Its account.
    pub account: AccountId,
    /// Whose it is.
    pub customer: CustomerId,
    /// What is in it: the sum of its postings. Never negative.
    pub balance: Money,
    /// The number of its postings, and so the version of the last one. The chain of versions has
    /// no gaps, so that a lost update would hit a unique key.
    pub version: i64,
}

/// One line of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: AccountId,
    /// For a wallet, its version after this line; for the house, the journal entry's id.
    pub version: i64,
    /// Minor units; negative is out of the account.
    pub amount: i64,
    /// For a wallet, what is in it afterwards, in minor units. House accounts keep no running
    /// balance, so that they are no bottleneck.
    pub balance_after: Option<i64>,
}

/// The accounts of the house, one of each per currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum House {
    /// What customers have paid for proxies.
    Revenue,
    /// What customers have paid in by the operator's hand; the other side of every deposit.
    Deposits,
    /// What has come in through payment providers; the other side of every settled payment.
    Payments,
}

/// Accounts below this number belong to the house.
pub const FIRST_WALLET: AccountId = AccountId(100_000);

impl House {
    /// The account of this role in `currency`.
    pub fn account(self, currency: Currency) -> AccountId {
        let role = match self {
            House::Revenue => 1,
            House::Deposits => 2,
            House::Payments => 3,
        };
        AccountId(i64::from(currency.number()) * 10 + role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn house_accounts_are_never_wallets() {
        let usd = Currency::USD;
        assert_ne!(House::Revenue.account(usd), House::Deposits.account(usd));
        assert_ne!(House::Deposits.account(usd), House::Payments.account(usd));
        let last = House::Payments.account(Currency::from_code("ZMW").unwrap());
        assert!(last < FIRST_WALLET);
    }
}
