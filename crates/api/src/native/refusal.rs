//! The status and name of every refusal.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::public_id::PublicIds;
use domain::refusal::Refusal;

use super::problem;

/// A refusal as this API tells it.
pub(super) fn answer(ids: &PublicIds, refusal: &Refusal) -> Response<Body> {
    let (status, name) = meaning(refusal);
    let title = status.canonical_reason().unwrap_or("Refused");
    let missing = match refusal {
        Refusal::WholeOrderOnly { missing } => &missing[..],
        _ => &[],
    };
    let missing: Vec<String> = missing.iter().map(|lease| ids.lease(*lease)).collect();
    let (name, detail) = (format!("urn:sublet:problem:{name}"), refusal.to_string());
    problem::with_leases(status, &name, title, &detail, &missing)
}

/// The name of a refusal, by which programs know it; other dialects tell it in a header.
pub(crate) fn name(refusal: &Refusal) -> &'static str {
    meaning(refusal).1
}

/// Without a catch-all arm: a new refusal does not compile until it is decided here what to say.
fn meaning(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
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
        Refusal::UnknownAuthorisation => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unknown-authorisation")
        }
        Refusal::TooManyAuthorisations => {
            (StatusCode::UNPROCESSABLE_ENTITY, "too-many-authorisations")
        }
        Refusal::BadLogin => (StatusCode::UNPROCESSABLE_ENTITY, "bad-login"),
        Refusal::BadPassword => (StatusCode::UNPROCESSABLE_ENTITY, "bad-password"),
        Refusal::LoginTaken => (StatusCode::CONFLICT, "login-taken"),
        Refusal::BadComment => (StatusCode::UNPROCESSABLE_ENTITY, "bad-comment"),
        Refusal::UnknownReason => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-reason"),
        Refusal::ReplacedRecently { .. } => (StatusCode::CONFLICT, "replaced-recently"),
        Refusal::InsufficientFunds { .. } => (StatusCode::PAYMENT_REQUIRED, "insufficient-funds"),
        Refusal::Suspended => (StatusCode::FORBIDDEN, "suspended"),
        Refusal::OutOfStock => (StatusCode::CONFLICT, "out-of-stock"),
        Refusal::SalesLocked => (StatusCode::CONFLICT, "sales-locked"),
        Refusal::UnknownMeans => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-means"),
        Refusal::UnknownPayment => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-payment"),
        Refusal::PaymentClosed => (StatusCode::CONFLICT, "payment-closed"),
        Refusal::PriceChanged => (StatusCode::CONFLICT, "price-changed"),
        Refusal::NoCard => (StatusCode::UNPROCESSABLE_ENTITY, "no-card"),
        Refusal::CardExpired => (StatusCode::PAYMENT_REQUIRED, "card-expired"),
        Refusal::CardDeclined => (StatusCode::PAYMENT_REQUIRED, "card-declined"),
        Refusal::ProviderSilent => (StatusCode::BAD_GATEWAY, "provider-silent"),
        Refusal::ThresholdTooLow => (StatusCode::UNPROCESSABLE_ENTITY, "threshold-too-low"),
        Refusal::TopUpTooLow => (StatusCode::UNPROCESSABLE_ENTITY, "top-up-too-low"),
        Refusal::TopUpBelowThreshold => {
            (StatusCode::UNPROCESSABLE_ENTITY, "top-up-below-threshold")
        }
    }
}
