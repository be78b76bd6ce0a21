//! `GET /api/v1/receipts` and `GET /api/v1/receipts/{id}`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::ids::LeaseId;
use domain::journal::{Bill, Entry, Event};
use domain::promo::PromoOutcome;
use domain::public_id::PublicIds;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, date, ok, problem};

pub(super) const PATH: &str = "/api/v1/receipts";
pub(super) const ONE: &str = "/api/v1/receipts/{id}";

/// What happened to the customer's money and leases, oldest first, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let after = match asked.query("after")?.as_ref() {
        "" => None,
        id => {
            let bad = || problem::said(StatusCode::BAD_REQUEST, "after must be a receipt's id");
            Some(ids.read_entry(id).ok_or_else(bad)?)
        }
    };
    let limit = asked.limit()?;
    let found = engine.entries(asked.customer(), after, limit).await;
    let found = found?;
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|last| ids.entry(last.id));
    let receipts: Vec<Value> = found.iter().map(|entry| receipt(ids, entry)).collect();
    Ok(ok(&json!({ "receipts": receipts, "next": next })))
}

/// One thing that happened.
pub(super) async fn show(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let path = asked.parts.uri.path();
    let id = path.rsplit('/').next().and_then(|id| ids.read_entry(id));
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such receipt");
    let entry = engine.entry(asked.customer(), id.ok_or_else(nothing)?).await;
    let entry = entry?;
    Ok(ok(&receipt(ids, &entry.ok_or_else(nothing)?)))
}

fn receipt(ids: &PublicIds, entry: &Entry) -> Value {
    let mut shown = json!({
        "id": ids.entry(entry.id),
        "at": date(entry.at),
        "event": entry.event.name(),
    });
    let named = |leases: &[LeaseId]| -> Value {
        leases.iter().map(|lease| json!({ "id": ids.lease(*lease) })).collect()
    };
    if let Some(bill) = entry.event.bill() {
        shown["quote"] = quote(bill);
        shown["balance_after"] = bill.balance_after.decimal().into();
        shown["currency"] = bill.balance_after.currency().code().into();
        if let Some(payment) = bill.payment {
            shown["payment_id"] = ids.payment(payment).into();
        }
    }
    match &entry.event {
        Event::Deposit { amount, balance_after, note } => {
            shown["amount"] = amount.decimal().into();
            shown["balance_after"] = balance_after.decimal().into();
            shown["currency"] = amount.currency().code().into();
            shown["note"] = note.as_str().into();
        }
        Event::Order { order, period, leases, .. } => {
            let granted = leases.iter().map(|granted| {
                json!({ "id": ids.lease(granted.lease), "ends_at": date(granted.ends_at) })
            });
            shown["order_id"] = ids.order(*order).into();
            shown["period_days"] = period.days().into();
            shown["leases"] = granted.collect();
        }
        Event::Extension { period, leases, .. } => {
            let moved = leases.iter().map(|moved| {
                let (from, to) = (date(moved.from), date(moved.to));
                json!({ "id": ids.lease(moved.lease), "ended_at": from, "ends_at": to })
            });
            shown["period_days"] = period.days().into();
            shown["leases"] = moved.collect();
        }
        Event::AutoExtend { leases, period, card } => {
            shown["auto_extend_days"] = period.map(|period| period.days()).into();
            if let Some(card) = card {
                shown["card_id"] = ids.card(*card).into();
            }
            shown["leases"] = named(leases);
        }
        Event::RenewalFailed { leases, missing } => {
            shown["missing"] = missing.map(|missing| missing.decimal()).into();
            shown["leases"] = named(leases);
        }
        Event::Ended { leases } => {
            let ended = leases.iter().map(|(lease, until)| {
                json!({ "id": ids.lease(*lease), "reserved_until": until.map(date) })
            });
            shown["leases"] = ended.collect();
        }
        Event::Payment { payment, purpose, amount, balance_after } => {
            shown["payment_id"] = ids.payment(*payment).into();
            shown["purpose"] = purpose.name().into();
            shown["amount"] = amount.decimal().into();
            shown["balance_after"] = balance_after.decimal().into();
            shown["currency"] = amount.currency().code().into();
        }
        Event::AutoTopUp { enabled, threshold, amount, card } => {
            shown["enabled"] = (*enabled).into();
            shown["threshold"] = threshold.decimal().into();
            shown["amount"] = amount.decimal().into();
            shown["currency"] = amount.currency().code().into();
            shown["card_id"] = card.map(|card| ids.card(card)).into();
        }
        Event::TopUpFailed { amount, why, paused } => {
            shown["amount"] = amount.decimal().into();
            shown["currency"] = amount.currency().code().into();
            shown["reason"] = why.name().into();
            shown["paused"] = (*paused).into();
        }
        Event::Released { leases } | Event::Comment { leases } => {
            shown["leases"] = named(leases);
        }
        Event::Authorisation { authorisation, order, active, change: _ } => {
            shown["authorisation_id"] = ids.authorisation(*authorisation).into();
            shown["order_id"] = ids.order(*order).into();
            shown["active"] = (*active).into();
        }
        Event::Replacement { leases, reason, comment } => {
            let leases: Vec<LeaseId> = leases.iter().map(|replaced| replaced.lease).collect();
            shown["leases"] = named(&leases);
            shown["reason"] = reason.name().into();
            shown["comment"] = comment.as_deref().into();
        }
    }
    shown
}

fn quote(bill: &Bill) -> Value {
    let quote = &bill.quote;
    let lines = quote.lines.iter().map(|line| {
        json!({
            "product": line.product.to_string(),
            "period_days": line.period.days(),
            "quantity": line.quantity,
            "unit_price": line.unit.to_string(),
            "discount_percent": line.discount.to_string(),
        })
    });
    json!({
        "lines": lines.collect::<Vec<_>>(),
        "discount_percent": quote.discount.to_string(),
        "promo_code": match quote.promo {
            PromoOutcome::Absent => "none",
            PromoOutcome::Applied { .. } => "applied",
            PromoOutcome::NotApplicable => "not_applicable",
        },
        "total": quote.total.decimal(),
        "price_list": quote.catalogue,
    })
}
