//! `sublet wallet`: the money of customers.

use clap::{Args, Subcommand};
use domain::command::{Command, Outcome, Wish};
use domain::deposit::Deposit as Wanted;
use domain::ids::CustomerId;
use domain::money::{Currency, Money};
use serde::Serialize;

use crate::problem::Problem;
use crate::reading;
use crate::shop::{Shop, no_customer};

#[derive(Debug, Subcommand)]
pub(super) enum Wallet {
    /// Credit a wallet, as a transfer in the books
    Deposit(Deposit),
    /// What is in a wallet
    Show(Which),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet wallet deposit --customer 1 --amount 100.00 --note INV-7")]
pub(super) struct Deposit {
    /// Whose wallet
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: CustomerId,
    /// How much, in the currency of the wallet, such as 100.00
    #[arg(long, allow_hyphen_values = true)]
    amount: String,
    /// Your words for the receipt
    #[arg(long, value_name = "TEXT", value_parser = reading::name)]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Whose wallet
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: CustomerId,
}

/// What is in a wallet.
#[derive(Serialize)]
struct Shown {
    balance: String,
    currency: String,
    customer_id: i64,
}

/// A deposit that was made.
#[derive(Serialize)]
struct Deposited {
    balance: String,
    currency: String,
    customer_id: i64,
    amount: String,
    entry: i64,
    at: String,
}

impl Wallet {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Wallet::Deposit(deposit) => deposit.run(shop),
            Wallet::Show(which) => which.show(shop),
        }
    }
}

impl Deposit {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let (customer, _) = shop.customer(self.customer)?;
        let amount = amount(&self.amount, customer.currency)?;
        let wanted =
            Wanted { customer: self.customer, amount, note: self.note.unwrap_or_default() };
        let command = Command::plain(Wish::Deposit(wanted));
        let decision = shop.store.transact(&[command], shop.now)?.into_iter().next();
        let decision = decision.ok_or_else(|| Problem::failed("the deposit was not decided"))?;
        let done = decision
            .result
            .map_err(|refusal| Problem::failed(format!("the deposit was refused: {refusal}")))?;
        let (Outcome::Done { entry: Some(entry), at, .. }, Some(balance)) =
            (done, decision.balance)
        else {
            return Err(no_customer(self.customer));
        };
        let deposited = Deposited {
            balance: balance.decimal(),
            currency: balance.currency().to_string(),
            customer_id: self.customer.0,
            amount: amount.decimal(),
            entry: entry.0,
            at: reading::shown(at),
        };
        let people = [
            ("customer", format!("{} ({})", self.customer.0, customer.name)),
            ("paid in", amount.to_string()),
            ("balance", balance.to_string()),
        ];
        shop.console.result(&deposited, &people)
    }
}

/// An amount that can be paid in.
fn amount(text: &str, currency: Currency) -> Result<Money, Problem> {
    let amount = Money::parse(text, currency).ok_or_else(|| {
        let decimals = currency.decimals();
        let example = Money::from_minor(10_i64.pow(u32::from(decimals)) * 100, currency).decimal();
        Problem::usage(format!("{text:?} is no amount in {currency}"))
            .hint(format!("write it like {example}"))
    })?;
    if amount.minor() <= 0 {
        return Err(Problem::usage("an amount must be more than nothing"));
    }
    Ok(amount)
}

impl Which {
    fn show(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let (customer, wallet) = shop.customer(self.customer)?;
        let shown = Shown {
            balance: wallet.balance.decimal(),
            currency: wallet.balance.currency().to_string(),
            customer_id: self.customer.0,
        };
        let people = [
            ("customer", format!("{} ({})", self.customer.0, customer.name)),
            ("balance", wallet.balance.to_string()),
        ];
        shop.console.result(&shown, &people)
    }
}
