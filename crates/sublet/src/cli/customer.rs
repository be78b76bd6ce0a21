//! `sublet customer`: who rents.

use clap::{Args, Subcommand};
use domain::ids::CustomerId;
use domain::ledger::Wallet;
use domain::money::Currency;
use serde::Serialize;
use store::records::NewCustomer;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading;
use crate::shop::{Shop, no_customer};

/// How many customers are asked for at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Customer {
    /// Add a customer with an empty wallet
    Create(Create),
    /// All customers with their wallets
    List,
    /// One customer
    Show(Which),
    /// Stop a customer: he may look, but neither spend nor change
    Suspend(Which),
    /// Let a suspended customer go on
    Resume(Which),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet customer create --name Ann --email ann@example.org")]
pub(super) struct Create {
    /// What you call him
    #[arg(long, value_parser = reading::name)]
    name: String,
    /// Where mail goes
    #[arg(long, value_parser = reading::email)]
    email: Option<String>,
    /// The currency of his wallet, for ever
    #[arg(long, value_parser = reading::currency, default_value = "USD")]
    currency: Currency,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The customer's number
    #[arg(value_name = "ID", value_parser = reading::customer)]
    id: CustomerId,
}

/// A customer as he is shown.
#[derive(Debug, Serialize)]
struct Shown {
    customer_id: i64,
    name: String,
    email: Option<String>,
    currency: String,
    balance: String,
    suspended: bool,
    created_at: String,
}

impl Shown {
    fn new(customer: &domain::customer::Customer, wallet: &Wallet) -> Shown {
        Shown {
            customer_id: customer.id.0,
            name: customer.name.clone(),
            email: customer.email.clone(),
            currency: customer.currency.to_string(),
            balance: wallet.balance.decimal(),
            suspended: customer.suspended,
            created_at: reading::shown(customer.created_at),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "EMAIL", "BALANCE", "SINCE", ""];

    fn cells(&self) -> Vec<String> {
        vec![
            self.customer_id.to_string(),
            self.name.clone(),
            self.email.clone().unwrap_or_default(),
            format!("{} {}", self.balance, self.currency),
            self.created_at[..10].to_owned(),
            if self.suspended { "suspended" } else { "" }.to_owned(),
        ]
    }
}

impl Customer {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Customer::Create(create) => create.run(shop),
            Customer::List => list(shop),
            Customer::Show(which) => which.show(shop),
            Customer::Suspend(which) => which.suspend(shop, true),
            Customer::Resume(which) => which.suspend(shop, false),
        }
    }
}

impl Create {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let new = NewCustomer { name: self.name, email: self.email, currency: self.currency };
        let id = shop.store.create_customer(&new, shop.now)?;
        show(shop, id)
    }
}

impl Which {
    fn show(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        show(shop, self.id)
    }

    fn suspend(&self, shop: &mut Shop<'_, '_>, suspended: bool) -> Result<(), Problem> {
        if !shop.store.suspend_customer(self.id, suspended)? {
            return Err(no_customer(self.id));
        }
        show(shop, self.id)
    }
}

fn show(shop: &mut Shop<'_, '_>, id: CustomerId) -> Result<(), Problem> {
    let (customer, wallet) = shop.customer(id)?;
    let shown = Shown::new(&customer, &wallet);
    let people = [
        ("customer", shown.customer_id.to_string()),
        ("name", shown.name.clone()),
        ("email", shown.email.clone().unwrap_or_else(|| "none".to_owned())),
        ("balance", wallet.balance.to_string()),
        ("suspended", if shown.suspended { "yes" } else { "no" }.to_owned()),
        ("since", reading::brief(customer.created_at)),
    ];
    shop.console.result(&shown, &people)
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let mut all: Vec<Shown> = Vec::new();
    let mut after = None;
    loop {
        let page = shop.store.customers(after, PAGE)?;
        all.extend(page.iter().map(|(customer, wallet)| Shown::new(customer, wallet)));
        match page.last() {
            Some((last, _)) => after = Some(last.id),
            None => break,
        }
    }
    shop.console.list(&all, "There are no customers yet.")
}
