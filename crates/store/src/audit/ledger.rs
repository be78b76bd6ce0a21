//! The money: every transfer sums to zero, every wallet is a chain without gaps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::ids::{AccountId, CustomerId};
use domain::journal::{Entry, Event};
use domain::ledger::{FIRST_WALLET, House, Posting, Wallet};
use domain::money::{Currency, Money};

use super::Findings;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    chains: HashMap<AccountId, Chain>,
    /// Minor units on all accounts of the house.
    house: BTreeMap<Currency, i128>,
    /// Minor units in all wallets, as they are kept now.
    wallets: BTreeMap<Currency, i128>,
}

/// What the journal says of a wallet so far.
#[derive(Debug)]
struct Chain {
    customer: CustomerId,
    currency: Currency,
    version: i64,
    balance: i64,
    compared: bool,
}

/// The money that an event says it moved.
struct Claim {
    /// Into the wallet, or out of it.
    amount: i64,
    currency: Currency,
    house: House,
    /// What it says was in the wallet before, if it does.
    before: Option<Money>,
    after: Money,
}

impl Claim {
    fn of(event: &Event) -> Option<Claim> {
        if let Event::Deposit { amount, balance_after, .. } = event {
            let (house, before, after) = (House::Deposits, None, *balance_after);
            let currency = amount.currency();
            return Some(Claim { amount: amount.minor(), currency, house, before, after });
        }
        if let Event::Payment { amount, balance_after, .. } = event {
            let (house, before, after) = (House::Payments, None, *balance_after);
            let currency = amount.currency();
            return Some(Claim { amount: amount.minor(), currency, house, before, after });
        }
        let bill = event.bill()?;
        Some(Claim {
            amount: bill.quote.total.minor().wrapping_neg(),
            currency: bill.quote.total.currency(),
            house: House::Revenue,
            before: Some(bill.quote.balance),
            after: bill.balance_after,
        })
    }
}

impl Ledger {
    pub(super) fn entry(&mut self, entry: &Entry, found: &mut Findings) {
        let id = entry.id.0;
        let name = entry.event.name();
        let Some(claim) = Claim::of(&entry.event) else {
            found.check(entry.postings.is_empty(), "ledger", || {
                format!("entry {id} ({name}) moves money for nothing")
            });
            return;
        };
        let sum: i128 = entry.postings.iter().map(|posting| i128::from(posting.amount)).sum();
        found.check(sum == 0, "ledger", || {
            format!("the postings of entry {id} sum to {sum} {}, not to zero", claim.currency)
        });
        let is_wallet = |posting: &&Posting| posting.account >= FIRST_WALLET;
        let (wallets, houses): (Vec<&Posting>, Vec<&Posting>) =
            entry.postings.iter().partition(is_wallet);
        found.check(wallets.len() == 1 && houses.len() == 1, "ledger", || {
            let (wallets, houses) = (wallets.len(), houses.len());
            format!(
                "entry {id} ({name}) has {wallets} postings of wallets and {houses} of the house, \
                 not one of each"
            )
        });
        for posting in houses {
            self.house(entry, &claim, posting, found);
        }
        for posting in wallets {
            self.chain(entry, &claim, posting, found);
        }
    }

    fn house(&mut self, entry: &Entry, claim: &Claim, posting: &Posting, found: &mut Findings) {
        let id = entry.id.0;
        let account = claim.house.account(claim.currency);
        found.check(posting.account == account, "ledger", || {
            format!("entry {id} posts to account {}, not {}", posting.account.0, account.0)
        });
        found.check(posting.version == id && posting.balance_after.is_none(), "ledger", || {
            format!("entry {id} numbers its posting of the house {}", posting.version)
        });
        *self.house.entry(claim.currency).or_default() += i128::from(posting.amount);
    }

    fn chain(&mut self, entry: &Entry, claim: &Claim, posting: &Posting, found: &mut Findings) {
        let (id, account) = (entry.id.0, posting.account.0);
        let chain = self.chains.entry(posting.account).or_insert(Chain {
            customer: entry.customer,
            currency: claim.currency,
            version: 0,
            balance: 0,
            compared: false,
        });
        let owner = chain.customer == entry.customer && chain.currency == claim.currency;
        found.check(owner, "chain", || {
            let (customer, currency) = (entry.customer.0, claim.currency);
            format!("entry {id} of customer {customer} in {currency} posts to wallet {account}")
        });
        found.check(posting.version == chain.version.wrapping_add(1), "chain", || {
            let (was, now) = (chain.version, posting.version);
            format!("wallet {account} goes from version {was} to {now} with entry {id}")
        });
        let after = posting.balance_after;
        let follows = i128::from(chain.balance) + i128::from(posting.amount);
        found.check(after.map(i128::from) == Some(follows), "chain", || {
            format!("wallet {account} must hold {follows} after entry {id}, not {after:?}")
        });
        found.check(after.is_none_or(|after| after >= 0), "balance", || {
            format!("wallet {account} is overdrawn by entry {id}: {after:?}")
        });
        found.check(posting.amount == claim.amount, "bill", || {
            let (says, moved) = (claim.amount, posting.amount);
            format!("entry {id} says {says}, but moved {moved} on wallet {account}")
        });
        found.check(after == Some(claim.after.minor()), "bill", || {
            format!("entry {id} says that {} was left, its posting {after:?}", claim.after)
        });
        let before = Money::from_minor(chain.balance, claim.currency);
        found.check(claim.before.is_none_or(|says| says == before), "bill", || {
            format!("entry {id} says that {:?} was there before, but {before} was", claim.before)
        });
        let one_currency = claim.after.currency() == claim.currency;
        found.check(one_currency, "bill", || format!("entry {id} mixes currencies"));
        // Go on from what was written, so that one fault is told once.
        chain.version = posting.version;
        chain.balance = after.unwrap_or(i64::try_from(follows).unwrap_or(0));
    }

    pub(super) fn wallet(&mut self, wallet: &Wallet, found: &mut Findings) {
        let account = wallet.account.0;
        let currency = wallet.balance.currency();
        *self.wallets.entry(currency).or_default() += i128::from(wallet.balance.minor());
        found.check(FIRST_WALLET <= wallet.account, "balance", || {
            format!("wallet {account} has the number of an account of the house")
        });
        let Some(chain) = self.chains.get_mut(&wallet.account) else {
            found.check(wallet.balance.minor() == 0 && wallet.version == 0, "balance", || {
                let (balance, version) = (wallet.balance, wallet.version);
                format!("wallet {account} holds {balance} at version {version} without a posting")
            });
            return;
        };
        chain.compared = true;
        let proven = Money::from_minor(chain.balance, chain.currency);
        found.check(wallet.balance == proven, "balance", || {
            format!("wallet {account} holds {}, its postings make {proven}", wallet.balance)
        });
        found.check(wallet.version == chain.version, "balance", || {
            let (kept, proven) = (wallet.version, chain.version);
            format!("wallet {account} has version {kept}, its postings {proven}")
        });
        found.check(wallet.customer == chain.customer, "balance", || {
            let (kept, proven) = (wallet.customer.0, chain.customer.0);
            format!("wallet {account} is customer {kept}'s, its postings are customer {proven}'s")
        });
    }

    pub(super) fn finish(&self, found: &mut Findings) {
        let mut missing: Vec<&AccountId> =
            self.chains.iter().filter(|(_, chain)| !chain.compared).map(|(id, _)| id).collect();
        missing.sort_unstable();
        for account in missing {
            found.note("orphan", format!("wallet {} has postings but does not exist", account.0));
        }
        let currencies = self.house.keys().chain(self.wallets.keys());
        let currencies: BTreeSet<Currency> = currencies.copied().collect();
        for currency in currencies {
            let house = self.house.get(&currency).copied().unwrap_or(0);
            let wallets = self.wallets.get(&currency).copied().unwrap_or(0);
            found.check(house + wallets == 0, "house", || {
                format!("the house stands at {house} and all wallets at {wallets} in {currency}")
            });
        }
    }
}
