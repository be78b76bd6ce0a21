//! The words and number of every refusal.

use domain::auto_top_up::{AMOUNT_MIN, THRESHOLD_MIN};
use domain::ids::LeaseId;
use domain::money::Money;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use wire::number::Number;
use wire::proxyseller::envelope::{Expected, Problem};

use super::Version::{self, V1, V2};
use super::money::shortage;

/// How many proxies are named in words.
const NAMED_MAX: usize = 20;

/// What this dialect calls a refusal, seen with a balance. Without a catch-all arm: a new refusal
/// does not compile until it is decided here what to say.
///
/// Where the original has words they are used to the letter, because clients know errors by them.
pub(super) fn problem(
    ids: &PublicIds,
    version: Version,
    refusal: &Refusal,
    balance: Option<Money>,
) -> Problem {
    let plain = |message: &'static str| Problem::new(message, 0);
    match (refusal, version) {
        (Refusal::UnknownKind, _) => Problem::new("Incorrect proxy type", 4),
        (Refusal::UnknownCountry | Refusal::CountryNotOffered, _) => plain("Country not exists"),
        (Refusal::UnknownPackage, V1) => plain("Country not exists"),
        (Refusal::UnknownPackage, V2) => plain("Set existed [mixId] from reference"),
        (Refusal::UnknownOperator, _) => plain("Set existed [operatorId] from reference"),
        (Refusal::UnknownRotation, V1) => plain("Set existed [rotationId] from reference"),
        (Refusal::UnknownRotation, V2) => plain("Set existed [rotationCode] from reference"),
        (Refusal::UnknownAccess | Refusal::BadSourceIp, _) => plain("Set existed [authorization]"),
        (Refusal::PeriodNotOnSale, _) => plain("Set existed [periodId] from reference"),
        (Refusal::UnknownProtocol, V1) => plain("Set existed [protocol]"),
        (Refusal::UnknownProtocol, V2) => Problem::new("Incorrect protocol", 13),
        (Refusal::BadGoal, V1) => plain("Set [customTargetName]"),
        (Refusal::BadGoal, V2) => Problem::new("Incorrect goal", 14),
        (Refusal::BadQuantity, _) => plain("Set existed [quantity]"),
        (Refusal::UnknownLease, _) | (Refusal::UnknownOrder, V1) => plain("IP not found"),
        (Refusal::UnknownOrder, V2) => Problem::new("Incorrect orderIds", 29),
        (Refusal::WholeOrderOnly { missing }, _) => {
            let name = |lease: &LeaseId| match version {
                V1 => ids.lease_number(*lease).to_string(),
                V2 => ids.lease(*lease),
            };
            let some: Vec<String> = missing.iter().take(NAMED_MAX).map(name).collect();
            let more = if missing.len() > NAMED_MAX { ", and others" } else { "" };
            let some = some.join(", ");
            Problem::new(
                format!("The order is prolonged as a whole, missing [ids]: {some}{more}"),
                0,
            )
        }
        (Refusal::UnknownSwitch, _) => plain("Set existed [active]"),
        (Refusal::OutOfStock, _) => plain("Not enough proxies in stock"),
        (Refusal::InsufficientFunds { missing }, V1) => {
            Problem::new(balance.map_or_else(String::new, |it| shortage(it, *missing)), 0)
        }
        (Refusal::InsufficientFunds { .. }, V2) => {
            Problem::new("Insufficient funds on balance", 16)
        }
        (Refusal::Suspended, _) => plain("The account is suspended"),
        (Refusal::KeyReused, _) => plain("The Idempotency-Key belongs to another request"),
        (Refusal::EndTooFar, _) => plain("The proxies are paid too far ahead"),
        (Refusal::PromoNotApplicable, _) => plain("Coupon not found"),
        (Refusal::UnknownAuthorisation, _) => plain("Set exists [id]"),
        (Refusal::TooManyAuthorisations, _) => plain("The order has too many authorizations"),
        (Refusal::BadLogin, _) => plain("Set existed [login]"),
        (Refusal::BadPassword, _) => plain("Set existed [password]"),
        (Refusal::LoginTaken, _) => plain("The login is taken"),
        (Refusal::BadComment, _) => Problem::new("Set comment", 503),
        // The first word is misspelled in the original, and clients know it so.
        (Refusal::UnknownReason, _) => plain(
            "Set coorect type: NOT_WORK / INCORRECT_LOCATION / CANT_CHANGE_NETWORK / LOW_SPEED / \
             CUSTOM",
        ),
        (Refusal::ReplacedRecently { .. }, _) => plain("Replacement already requested"),
        (Refusal::UnknownMeans, V1) => plain("Set existed [paymentId]"),
        (Refusal::UnknownMeans, V2) => plain("Incorrect payment system"),
        (Refusal::UnknownPayment | Refusal::PaymentClosed, _) => plain("Payment id not exists"),
        (Refusal::PriceChanged, _) => plain("The price has changed, nothing was charged"),
        (Refusal::NoCard, _) => Problem::new("No saved payment method", 53),
        (Refusal::CardExpired, _) => Problem::new("The card has expired", 56),
        (Refusal::CardDeclined, _) => plain("The card was declined, nothing was charged"),
        (Refusal::ProviderSilent, _) => {
            plain("The payment system does not answer, nothing was charged")
        }
        (Refusal::ThresholdTooLow, _) => {
            let words = format!("Top-up threshold must be {THRESHOLD_MIN} or more");
            Problem { custom_data: Some(expected()), ..Problem::new(words, 50) }
        }
        (Refusal::TopUpTooLow, _) => {
            let words = format!("Top-up amount must be {AMOUNT_MIN} or more");
            Problem { custom_data: Some(expected()), ..Problem::new(words, 51) }
        }
        (Refusal::TopUpBelowThreshold, _) => {
            let words = "Top-up amount must not be below the threshold";
            Problem { custom_data: Some(expected()), ..Problem::new(words, 52) }
        }
        (Refusal::BadAmount, _) => plain("Set [summ > 1]"),
        (Refusal::SalesLocked, _) => plain("No orders are taken at the moment"),
    }
}

/// What is expected of an automatic top-up.
fn expected() -> Expected {
    Expected {
        min_amount: Number::from_minor(AMOUNT_MIN, 0),
        min_threshold: Number::from_minor(THRESHOLD_MIN, 0),
    }
}
