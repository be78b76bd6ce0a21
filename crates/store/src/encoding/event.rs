//! Journal entries as JSON. The mirror structs are the format: the domain may change, what is in
//! journals may not.

use domain::ids::{
    AccountId, AddressId, AuthorisationId, CardId, LeaseId, OrderId, PaymentId, PromoId,
};
use domain::journal::{self, AuthorisationChange, Entry, Granted, Moved, Replaced};
use domain::ledger;
use domain::payment::{Decline, Purpose};
use domain::pricing;
use domain::promo::PromoOutcome;
use serde::{Deserialize, Serialize};

use super::wire::{At, Cash, Days, Hundredths, Micros, Product, Reason};
use super::{corrupt, named};
use crate::Result;

/// The body of an entry: what happened, which is a struct of its own for each kind, and the money
/// that moved.
#[derive(Serialize, Deserialize)]
struct Body<E> {
    event: E,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    postings: Vec<Posting>,
}

/// Account, version, amount, balance afterwards.
#[derive(Serialize, Deserialize)]
struct Posting(i64, i64, i64, Option<i64>);

#[derive(Serialize, Deserialize)]
struct Deposit {
    amount: Cash,
    balance_after: Cash,
    note: String,
}

#[derive(Serialize, Deserialize)]
struct Order {
    order: i64,
    bill: Bill,
    period: Days,
    /// Lease, address, end.
    leases: Vec<(i64, i64, At)>,
}

/// An extension that was asked for, or a renewal, which is an automatic one.
#[derive(Serialize, Deserialize)]
struct Extension {
    bill: Bill,
    period: Days,
    /// Lease, end before, end now.
    leases: Vec<(i64, At, At)>,
}

#[derive(Serialize, Deserialize)]
struct AutoExtend {
    leases: Vec<i64>,
    period: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct RenewalFailed {
    leases: Vec<i64>,
    missing: Option<Cash>,
}

#[derive(Serialize, Deserialize)]
struct Ended {
    /// Lease, and until when it is reserved.
    leases: Vec<(i64, Option<At>)>,
}

#[derive(Serialize, Deserialize)]
struct Released {
    leases: Vec<i64>,
}

#[derive(Serialize, Deserialize)]
struct Payment {
    payment: i64,
    purpose: String,
    amount: Cash,
    balance_after: Cash,
}

#[derive(Serialize, Deserialize)]
struct AutoTopUp {
    enabled: bool,
    threshold: Cash,
    amount: Cash,
    card: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct TopUpFailed {
    amount: Cash,
    why: String,
    paused: bool,
}

#[derive(Serialize, Deserialize)]
struct Authorisation {
    authorisation: i64,
    order: i64,
    active: bool,
}

#[derive(Serialize, Deserialize)]
struct Comment {
    leases: Vec<i64>,
}

#[derive(Serialize, Deserialize)]
struct Replacement {
    /// Lease, address before, address now.
    leases: Vec<(i64, i64, i64)>,
    reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Bill {
    lines: Vec<Line>,
    #[serde(default, skip_serializing_if = "Promo::is_absent")]
    promo: Promo,
    discount: Hundredths,
    total: Cash,
    balance: Cash,
    balance_after: Cash,
    catalogue: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment: Option<i64>,
}

/// Product, period, quantity, list price of one, discount.
#[derive(Serialize, Deserialize)]
struct Line(Product, Days, u32, Micros, Hundredths);

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Promo {
    #[default]
    Absent,
    /// Which, and how much.
    Applied(i64, Hundredths),
    NotApplicable,
}

impl Promo {
    fn is_absent(&self) -> bool {
        matches!(self, Promo::Absent)
    }
}

/// The body of `entry`.
pub(crate) fn encode(entry: &Entry) -> String {
    let ids = |leases: &[LeaseId]| leases.iter().map(|lease| lease.0).collect();
    let postings = &entry.postings;
    match &entry.event {
        journal::Event::Deposit { amount, balance_after, note } => {
            let (amount, balance_after) = (Cash(*amount), Cash(*balance_after));
            text(Deposit { amount, balance_after, note: note.clone() }, postings)
        }
        journal::Event::Order { order, bill, period, leases } => {
            let leases = leases
                .iter()
                .map(|granted| (granted.lease.0, granted.address.0, At(granted.ends_at)))
                .collect();
            let bill = Bill::from(bill);
            text(Order { order: order.0, bill, period: Days(*period), leases }, postings)
        }
        journal::Event::Extension { bill, period, leases, automatic: _ } => {
            let leases =
                leases.iter().map(|moved| (moved.lease.0, At(moved.from), At(moved.to))).collect();
            text(Extension { bill: Bill::from(bill), period: Days(*period), leases }, postings)
        }
        journal::Event::AutoExtend { leases, period, card } => {
            let (period, card) = (period.map(Days), card.map(|card| card.0));
            text(AutoExtend { leases: ids(leases), period, card }, postings)
        }
        journal::Event::RenewalFailed { leases, missing } => {
            text(RenewalFailed { leases: ids(leases), missing: missing.map(Cash) }, postings)
        }
        journal::Event::Ended { leases } => {
            let leases = leases.iter().map(|(lease, until)| (lease.0, until.map(At))).collect();
            text(Ended { leases }, postings)
        }
        journal::Event::Released { leases } => text(Released { leases: ids(leases) }, postings),
        journal::Event::Payment { payment, purpose, amount, balance_after } => {
            let (payment, purpose) = (payment.0, purpose.name().to_owned());
            let (amount, balance_after) = (Cash(*amount), Cash(*balance_after));
            text(Payment { payment, purpose, amount, balance_after }, postings)
        }
        journal::Event::AutoTopUp { enabled, threshold, amount, card } => {
            let (threshold, amount) = (Cash(*threshold), Cash(*amount));
            let card = card.map(|card| card.0);
            text(AutoTopUp { enabled: *enabled, threshold, amount, card }, postings)
        }
        journal::Event::TopUpFailed { amount, why, paused } => {
            let why = why.name().to_owned();
            text(TopUpFailed { amount: Cash(*amount), why, paused: *paused }, postings)
        }
        journal::Event::Authorisation { authorisation, order, active, change: _ } => {
            let (authorisation, order, active) = (authorisation.0, order.0, *active);
            text(Authorisation { authorisation, order, active }, postings)
        }
        journal::Event::Comment { leases } => text(Comment { leases: ids(leases) }, postings),
        journal::Event::Replacement { leases, reason, comment } => {
            let leases = leases.iter().map(|it| (it.lease.0, it.from.0, it.to.0)).collect();
            let (reason, comment) = (Reason(*reason), comment.clone());
            text(Replacement { leases, reason, comment }, postings)
        }
    }
}

fn text<E: Serialize>(event: E, postings: &[ledger::Posting]) -> String {
    let postings = postings
        .iter()
        .map(|it| Posting(it.account.0, it.version, it.amount, it.balance_after))
        .collect();
    serde_json::to_string(&Body { event, postings }).expect("the mirror structs are JSON")
}

/// What happened by an entry of this `kind`, and the money that moved.
pub(crate) fn decode(kind: &str, body: &str) -> Result<(journal::Event, Vec<ledger::Posting>)> {
    let ids = |leases: Vec<i64>| leases.into_iter().map(LeaseId).collect();
    match kind {
        "deposit" => read(body, |event: Deposit| journal::Event::Deposit {
            amount: event.amount.0,
            balance_after: event.balance_after.0,
            note: event.note,
        }),
        "order" => read(body, |event: Order| journal::Event::Order {
            order: OrderId(event.order),
            bill: event.bill.into(),
            period: event.period.0,
            leases: event
                .leases
                .into_iter()
                .map(|(lease, address, At(ends_at))| Granted {
                    lease: LeaseId(lease),
                    address: AddressId(address),
                    ends_at,
                })
                .collect(),
        }),
        "extension" | "renewal" => read(body, |event: Extension| journal::Event::Extension {
            bill: event.bill.into(),
            period: event.period.0,
            leases: event
                .leases
                .into_iter()
                .map(|(lease, At(from), At(to))| Moved { lease: LeaseId(lease), from, to })
                .collect(),
            automatic: kind == "renewal",
        }),
        "auto_extend" => read(body, |event: AutoExtend| journal::Event::AutoExtend {
            leases: ids(event.leases),
            period: event.period.map(|Days(period)| period),
            card: event.card.map(CardId),
        }),
        "renewal_failed" => read(body, |event: RenewalFailed| journal::Event::RenewalFailed {
            leases: ids(event.leases),
            missing: event.missing.map(|Cash(missing)| missing),
        }),
        "ended" => read(body, |event: Ended| journal::Event::Ended {
            leases: event
                .leases
                .into_iter()
                .map(|(lease, until)| (LeaseId(lease), until.map(|At(until)| until)))
                .collect(),
        }),
        "released" => {
            read(body, |event: Released| journal::Event::Released { leases: ids(event.leases) })
        }
        "payment" => {
            let (event, postings) = parsed::<Payment>(body)?;
            let purpose = named("entry.body", &event.purpose, Purpose::from_name)?;
            let event = journal::Event::Payment {
                payment: PaymentId(event.payment),
                purpose,
                amount: event.amount.0,
                balance_after: event.balance_after.0,
            };
            Ok((event, postings))
        }
        "auto_top_up" => read(body, |event: AutoTopUp| journal::Event::AutoTopUp {
            enabled: event.enabled,
            threshold: event.threshold.0,
            amount: event.amount.0,
            card: event.card.map(CardId),
        }),
        "top_up_failed" => {
            let (event, postings) = parsed::<TopUpFailed>(body)?;
            let why = named("entry.body", &event.why, Decline::from_name)?;
            let (amount, paused) = (event.amount.0, event.paused);
            Ok((journal::Event::TopUpFailed { amount, why, paused }, postings))
        }
        "authorisation_added" => authorisation(body, AuthorisationChange::Added),
        "authorisation_changed" => authorisation(body, AuthorisationChange::Changed),
        "authorisation_deleted" => authorisation(body, AuthorisationChange::Deleted),
        "comment" => {
            read(body, |event: Comment| journal::Event::Comment { leases: ids(event.leases) })
        }
        "replacement" => read(body, |event: Replacement| journal::Event::Replacement {
            leases: event
                .leases
                .into_iter()
                .map(|(lease, from, to)| Replaced {
                    lease: LeaseId(lease),
                    from: AddressId(from),
                    to: AddressId(to),
                })
                .collect(),
            reason: event.reason.0,
            comment: event.comment,
        }),
        _ => Err(corrupt("entry.kind", kind)),
    }
}

fn authorisation(
    body: &str,
    change: AuthorisationChange,
) -> Result<(journal::Event, Vec<ledger::Posting>)> {
    read(body, |event: Authorisation| journal::Event::Authorisation {
        authorisation: AuthorisationId(event.authorisation),
        order: OrderId(event.order),
        active: event.active,
        change,
    })
}

fn read<'de, E: Deserialize<'de>>(
    body: &'de str,
    event: impl FnOnce(E) -> journal::Event,
) -> Result<(journal::Event, Vec<ledger::Posting>)> {
    parsed(body).map(|(read, postings)| (event(read), postings))
}

fn parsed<'de, E: Deserialize<'de>>(body: &'de str) -> Result<(E, Vec<ledger::Posting>)> {
    let read: Body<E> = serde_json::from_str(body).map_err(|_| corrupt("entry.body", body))?;
    let postings = read
        .postings
        .into_iter()
        .map(|Posting(account, version, amount, balance_after)| ledger::Posting {
            account: AccountId(account),
            version,
            amount,
            balance_after,
        })
        .collect();
    Ok((read.event, postings))
}

impl From<&journal::Bill> for Bill {
    fn from(bill: &journal::Bill) -> Bill {
        let quote = &bill.quote;
        let line = |line: &pricing::QuoteLine| {
            Line(
                Product(line.product.clone()),
                Days(line.period),
                line.quantity,
                Micros(line.unit),
                Hundredths(line.discount),
            )
        };
        Bill {
            lines: quote.lines.iter().map(line).collect(),
            promo: match quote.promo {
                PromoOutcome::Absent => Promo::Absent,
                PromoOutcome::Applied { promo, discount } => {
                    Promo::Applied(promo.0, Hundredths(discount))
                }
                PromoOutcome::NotApplicable => Promo::NotApplicable,
            },
            discount: Hundredths(quote.discount),
            total: Cash(quote.total),
            balance: Cash(quote.balance),
            balance_after: Cash(bill.balance_after),
            catalogue: quote.catalogue,
            payment: bill.payment.map(|id| id.0),
        }
    }
}

impl From<Bill> for journal::Bill {
    fn from(bill: Bill) -> journal::Bill {
        let line = |Line(product, period, quantity, unit, discount)| pricing::QuoteLine {
            product: product.0,
            period: period.0,
            quantity,
            unit: unit.0,
            discount: discount.0,
        };
        let quote = pricing::Quote {
            lines: bill.lines.into_iter().map(line).collect(),
            promo: match bill.promo {
                Promo::Absent => PromoOutcome::Absent,
                Promo::Applied(promo, discount) => {
                    PromoOutcome::Applied { promo: PromoId(promo), discount: discount.0 }
                }
                Promo::NotApplicable => PromoOutcome::NotApplicable,
            },
            discount: bill.discount.0,
            total: bill.total.0,
            balance: bill.balance.0,
            catalogue: bill.catalogue,
        };
        let payment = bill.payment.map(PaymentId);
        journal::Bill { quote, balance_after: bill.balance_after.0, payment }
    }
}
