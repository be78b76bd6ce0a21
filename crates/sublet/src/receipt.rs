//! An entry of the journal as it is shown to the operator.

use domain::ids::LeaseId;
use domain::journal::{Entry, Event};
use domain::money::Money;
use domain::pricing::{Quote, QuoteLine};
use domain::promo::PromoOutcome;
use domain::public_id::PublicIds;
use serde::Serialize;

use crate::console::Row;
use crate::reading;

/// An entry of the journal. Ids of leases and orders are those that customers see.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    entry: i64,
    at: String,
    customer_id: i64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<Priced>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leases: Vec<Touched>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    postings: Vec<Line>,
}

/// How a price came about.
#[derive(Debug, Serialize)]
struct Priced {
    total: String,
    discount_percent: String,
    promo_percent: Option<String>,
    catalogue: i64,
    lines: Vec<PricedLine>,
}

#[derive(Debug, Serialize)]
struct PricedLine {
    product: String,
    period_days: u32,
    quantity: u32,
    unit: String,
    discount_percent: String,
}

/// What became of a lease.
#[derive(Debug, Default, Serialize)]
struct Touched {
    lease_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved_until: Option<String>,
}

/// A posting, in minor units.
#[derive(Debug, Serialize)]
struct Line {
    account: i64,
    version: i64,
    amount_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance_after_minor: Option<i64>,
}

impl Receipt {
    /// An entry with its place in the order of everything that happened.
    pub(crate) fn numbered(number: i64, entry: &Entry, ids: &PublicIds) -> Receipt {
        Receipt { number: Some(number), ..Receipt::new(entry, ids) }
    }

    /// An entry as it is shown.
    pub(crate) fn new(entry: &Entry, ids: &PublicIds) -> Receipt {
        let mut receipt = Receipt {
            number: None,
            entry: entry.id.0,
            at: reading::shown(entry.at),
            customer_id: entry.customer.0,
            event: entry.event.name(),
            amount: None,
            balance_after: None,
            currency: None,
            missing: None,
            note: None,
            payment_id: None,
            order_id: None,
            authorisation_id: None,
            active: None,
            reason: None,
            period_days: None,
            quote: None,
            leases: Vec::new(),
            postings: postings(entry),
        };
        if let Some(bill) = entry.event.bill() {
            let total = bill.quote.total;
            let paid = Money::from_minor(-total.minor(), total.currency());
            receipt.moved(paid, bill.balance_after);
            receipt.quote = Some(Priced::new(&bill.quote));
            receipt.payment_id = bill.payment.map(|payment| ids.payment(payment));
        }
        if let Event::Payment { payment, .. } = &entry.event {
            receipt.payment_id = Some(ids.payment(*payment));
        }
        receipt.tell(&entry.event, ids);
        receipt
    }

    fn moved(&mut self, amount: Money, balance_after: Money) {
        self.amount = Some(amount.decimal());
        self.balance_after = Some(balance_after.decimal());
        self.currency = Some(amount.currency().to_string());
    }

    fn tell(&mut self, event: &Event, ids: &PublicIds) {
        let touched = |lease: LeaseId| Touched { lease_id: ids.lease(lease), ..Touched::default() };
        match event {
            Event::Deposit { amount, balance_after, note } => {
                self.moved(*amount, *balance_after);
                self.note = (!note.is_empty()).then(|| note.clone());
            }
            Event::Order { order, period, leases, .. } => {
                self.order_id = Some(ids.order(*order));
                self.period_days = Some(period.days());
                let granted = leases.iter().map(|granted| Touched {
                    address: Some(granted.address.0),
                    ends_at: Some(reading::shown(granted.ends_at)),
                    ..touched(granted.lease)
                });
                self.leases = granted.collect();
            }
            Event::Extension { period, leases, .. } => {
                self.period_days = Some(period.days());
                let moved = leases.iter().map(|moved| Touched {
                    ended_at_before: Some(reading::shown(moved.from)),
                    ends_at: Some(reading::shown(moved.to)),
                    ..touched(moved.lease)
                });
                self.leases = moved.collect();
            }
            Event::AutoExtend { leases, period, .. } => {
                self.period_days = Some(period.map_or(0, |period| period.days()));
                self.leases = leases.iter().map(|lease| touched(*lease)).collect();
            }
            Event::RenewalFailed { leases, missing } => {
                self.missing = missing.map(Money::decimal);
                self.currency = missing.map(|missing| missing.currency().to_string());
                self.leases = leases.iter().map(|lease| touched(*lease)).collect();
            }
            Event::Ended { leases } => {
                let ended = leases.iter().map(|(lease, until)| Touched {
                    reserved_until: until.map(reading::shown),
                    ..touched(*lease)
                });
                self.leases = ended.collect();
            }
            Event::Authorisation { authorisation, order, active, change: _ } => {
                self.authorisation_id = Some(ids.authorisation(*authorisation));
                self.order_id = Some(ids.order(*order));
                self.active = Some(*active);
            }
            Event::Replacement { leases, reason, comment } => {
                let replaced = leases.iter().map(|replaced| Touched {
                    address_before: Some(replaced.from.0),
                    address: Some(replaced.to.0),
                    ..touched(replaced.lease)
                });
                self.leases = replaced.collect();
                self.reason = Some(reason.name());
                self.note.clone_from(comment);
            }
            Event::Released { leases } | Event::Comment { leases } => {
                self.leases = leases.iter().map(|lease| touched(*lease)).collect();
            }
            Event::Payment { purpose, amount, balance_after, .. } => {
                self.moved(*amount, *balance_after);
                self.note = Some(purpose.name().replace('_', " "));
            }
            Event::AutoTopUp { enabled, threshold, amount, .. } => {
                self.note = Some(match enabled {
                    true => format!("{amount} below {threshold}"),
                    false => "off".to_owned(),
                });
            }
            Event::TopUpFailed { amount, why, paused } => {
                let pause = if *paused { ", paused" } else { "" };
                self.note = Some(format!("{amount}, {}{pause}", why.name()));
            }
        }
    }

    /// What was left in the wallet.
    fn balance(&self) -> String {
        match (&self.balance_after, &self.currency) {
            (Some(balance), Some(currency)) => format!("{balance} {currency}"),
            _ => String::new(),
        }
    }

    /// The rest in a few words.
    fn words(&self) -> String {
        let mut words = Vec::new();
        match self.leases.as_slice() {
            [] => {}
            [one] => words.push(format!("lease {}", one.lease_id)),
            [first, ..] => {
                words.push(format!("{} leases from {} on", self.leases.len(), first.lease_id));
            }
        }
        match self.period_days {
            Some(0) => words.push("off".to_owned()),
            Some(days) => words.push(format!("{days} days")),
            None => {}
        }
        words.extend(self.authorisation_id.as_ref().map(|id| format!("authorisation {id}")));
        words.extend(self.reason.map(str::to_owned));
        words.extend(self.missing.as_ref().map(|missing| format!("{missing} missing")));
        words.extend(self.note.clone());
        words.join(", ")
    }
}

fn postings(entry: &Entry) -> Vec<Line> {
    let line = |posting: &domain::ledger::Posting| Line {
        account: posting.account.0,
        version: posting.version,
        amount_minor: posting.amount,
        balance_after_minor: posting.balance_after,
    };
    entry.postings.iter().map(line).collect()
}

impl Priced {
    fn new(quote: &Quote) -> Priced {
        let promo_percent = match quote.promo {
            PromoOutcome::Applied { discount, .. } => Some(discount.to_string()),
            PromoOutcome::Absent | PromoOutcome::NotApplicable => None,
        };
        Priced {
            total: quote.total.decimal(),
            discount_percent: quote.discount.to_string(),
            promo_percent,
            catalogue: quote.catalogue,
            lines: quote.lines.iter().map(PricedLine::new).collect(),
        }
    }
}

impl PricedLine {
    fn new(line: &QuoteLine) -> PricedLine {
        PricedLine {
            product: line.product.to_string(),
            period_days: line.period.days(),
            quantity: line.quantity,
            unit: line.unit.to_string(),
            discount_percent: line.discount.to_string(),
        }
    }
}

impl Row for Receipt {
    const COLUMNS: &'static [&'static str] =
        &["ENTRY", "AT", "CUSTOMER", "EVENT", "AMOUNT", "BALANCE", "WHAT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.unwrap_or(self.entry).to_string(),
            self.at.clone(),
            self.customer_id.to_string(),
            self.event.to_owned(),
            self.amount.clone().unwrap_or_default(),
            self.balance(),
            self.words(),
        ]
    }
}
