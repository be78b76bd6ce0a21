//! `sublet payment`: money from outside that the operator confirms.

use clap::{Args, Subcommand};
use domain::command::{Command, Outcome, Wish};
use domain::credit::Credit;
use domain::ids::{CustomerId, PaymentId};
use domain::payment::{AdvancePayment, Decline, Payment as Paid, Step};
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use serde::Serialize;
use store::records::PaymentFilter;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Payment {
    /// Payments that wait to be confirmed, or all
    List(List),
    /// Credit the wallet with a payment that has come in; once, however often it is said
    Confirm(Which),
    /// Refuse a payment that will not come in
    Refuse(Which),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet payment list --customer 1 --all")]
pub(super) struct List {
    /// Only this customer's
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
    /// Also those that have come to an end, and those by card
    #[arg(long)]
    all: bool,
    /// Only those behind this one, for the next page
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The reference of the payment, as `payment list` and its page show it
    #[arg(value_name = "ID")]
    id: String,
}

/// A payment as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    payment_id: String,
    customer_id: i64,
    amount: String,
    currency: String,
    method: String,
    purpose: &'static str,
    state: &'static str,
    reason: Option<&'static str>,
    entry: Option<i64>,
    created_at: String,
}

impl Shown {
    fn new(payment: &Paid, ids: &PublicIds) -> Shown {
        Shown {
            payment_id: ids.payment(payment.id),
            customer_id: payment.customer.0,
            amount: payment.amount.decimal(),
            currency: payment.amount.currency().to_string(),
            method: payment.provider.clone(),
            purpose: payment.purpose.name(),
            state: payment.state.name(),
            reason: payment.declined.map(Decline::name),
            entry: payment.entry.map(|entry| entry.0),
            created_at: reading::shown(payment.created_at),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["ID", "AT", "CUSTOMER", "AMOUNT", "BY", "FOR", "STATE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.payment_id.clone(),
            self.created_at.clone(),
            self.customer_id.to_string(),
            format!("{} {}", self.amount, self.currency),
            self.method.clone(),
            self.purpose.replace('_', " "),
            self.state.to_owned(),
        ]
    }
}

impl Payment {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        match self {
            Payment::List(list) => list.run(&ids, shop),
            Payment::Confirm(which) => which.run(true, &ids, shop),
            Payment::Refuse(which) => which.run(false, &ids, shop),
        }
    }
}

impl List {
    fn run(&self, ids: &PublicIds, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let after = match &self.after {
            None => None,
            Some(id) => Some(ids.read_payment(id).ok_or_else(|| no_payment(id))?),
        };
        let filter = PaymentFilter { customer: self.customer, pending: !self.all };
        let payments = shop.store.payments(&filter, after, self.limit)?;
        let shown: Vec<Shown> = payments.iter().map(|it| Shown::new(it, ids)).collect();
        let none = if self.all { "There are no payments." } else { "No payment waits." };
        shop.console.list(&shown, none)
    }
}

impl Which {
    fn run(&self, came_in: bool, ids: &PublicIds, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let id = ids.read_payment(&self.id).ok_or_else(|| no_payment(&self.id))?;
        let payment = self.payment(id, shop)?;
        if payment.card.is_some() {
            let says = format!("payment {} is by card, and its provider's to decide", self.id);
            return Err(Problem::failed(says));
        }
        let (customer, payment) = (payment.customer, payment.id);
        let wish = match came_in {
            true => Wish::Credit(Credit { customer, payment, card: None }),
            false => {
                let step = Step::Refused;
                Wish::AdvancePayment(AdvancePayment { customer, payment, step })
            }
        };
        let decision = shop.store.transact(&[Command::plain(wish)], shop.now)?.into_iter().next();
        let decision = decision.ok_or_else(|| Problem::failed("the payment was not decided"))?;
        let payment = match decision.result {
            Ok(Outcome::Payment(payment)) => *payment,
            Err(Refusal::PaymentClosed) => {
                let state = self.payment(id, shop)?.state.name();
                return Err(Problem::failed(format!("payment {} is {state} already", self.id)));
            }
            Err(refusal) => return Err(Problem::failed(format!("it was refused: {refusal}"))),
            Ok(_) => return Err(Problem::failed("the payment was not decided")),
        };
        let shown = Shown::new(&payment, ids);
        let mut people = vec![
            ("payment", shown.payment_id.clone()),
            ("customer", shown.customer_id.to_string()),
            ("amount", payment.amount.to_string()),
            ("state", shown.state.to_owned()),
        ];
        people.extend(decision.balance.map(|balance| ("balance", balance.to_string())));
        shop.console.result(&shown, &people)
    }

    fn payment(&self, id: PaymentId, shop: &Shop<'_, '_>) -> Result<Paid, Problem> {
        let before = PaymentId(id.0 - 1);
        let found = shop.store.payments(&PaymentFilter::default(), Some(before), 1)?;
        let found = found.into_iter().find(|payment| payment.id == id);
        found.ok_or_else(|| no_payment(&self.id))
    }
}

fn no_payment(id: &str) -> Problem {
    Problem::failed(format!("there is no payment {id}"))
        .hint("`sublet payment list --all` shows them all")
}
