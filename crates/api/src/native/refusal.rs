//! The status and name of every refusal.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::public_id::PublicIds;
use domain::refusal::Refusal;

use super::problem;

/// A refusal as this API tells it. Without a catch-all arm: a new refusal does not compile until it
/// is decided here what to say.
pub(super) fn answer(ids: &PublicIds, refusal: &Refusal) -> Response<Body> {
    let (status, name) = match refusal {
        Refusal::UnknownKind => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-kind"),
        Refusal::UnknownCountry => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-country"),
        Refusal::CountryNotOffered => (StatusCode::UNPROCESSABLE_ENTITY, "country-not-offered"),
        Refusal::UnknownPackage => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-package"),
        Refusal::UnknownOperator => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-operator"),
        Refusal::UnknownRotation => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-rotation"),
        Refusal::UnknownAccess => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-access"),
        Refusal::BadSourceIp => (StatusCode::UNPROCESSABLE_ENTITY, "bad-source-ip"),
        Refusal::PeriodNotOnSale => (StatusCode::UNPROCESSABLE_ENTITY, "period-not-on-sale"),
        Refusal::UnknownProtocol => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-protocol"),
        Refusal::BadGoal => (StatusCode::UNPROCESSABLE_ENTITY, "bad-goal"),
        Refusal::BadQuantity => (StatusCode::UNPROCESSABLE_ENTITY, "bad-quantity"),
        Refusal::UnknownLease => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-lease"),
        Refusal::UnknownOrder => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-order"),
        Refusal::WholeOrderOnly { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "whole-order-only"),
        Refusal::UnknownSwitch => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-switch"),
        Refusal::EndTooFar => (StatusCode::UNPROCESSABLE_ENTITY, "end-too-far"),
        Refusal::BadAmount => (StatusCode::UNPROCESSABLE_ENTITY, "bad-amount"),
        Refusal::PromoNotApplicable => (StatusCode::UNPROCESSABLE_ENTITY, "promo-not-applicable"),
        Refusal::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
        Refusal::InsufficientFunds { .. } => (StatusCode::PAYMENT_REQUIRED, "insufficient-funds"),
        Refusal::Suspended => (StatusCode::FORBIDDEN, "suspended"),
        Refusal::OutOfStock => (StatusCode::CONFLICT, "out-of-stock"),
        Refusal::SalesLocked => (StatusCode::CONFLICT, "sales-locked"),
    };
    let title = status.canonical_reason().unwrap_or("Refused");
    let missing = match refusal {
        Refusal::WholeOrderOnly { missing } => &missing[..],
        _ => &[],
    };
    let missing: Vec<String> = missing.iter().map(|lease| ids.lease(*lease)).collect();
    let (name, detail) = (format!("urn:sublet:problem:{name}"), refusal.to_string());
    problem::with_leases(status, &name, title, &detail, &missing)
}
