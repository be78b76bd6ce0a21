//! The number and words of every refusal.

use domain::refusal::Refusal;
use wire::youproxy::problem::ProblemKind;

/// What this dialect calls a refusal. Without a catch-all arm: a new refusal does not compile until
/// it is decided here what to say.
pub(super) fn problem(refusal: &Refusal) -> ProblemKind {
    match refusal {
        Refusal::UnknownKind => ProblemKind::ProxyType,
        Refusal::UnknownCountry => ProblemKind::Country,
        Refusal::CountryNotOffered | Refusal::UnknownPackage => ProblemKind::CountryNotAvailable,
        Refusal::UnknownOperator => ProblemKind::MobileOperator,
        Refusal::UnknownRotation => ProblemKind::RotationTime,
        Refusal::UnknownAccess => ProblemKind::AuthType,
        Refusal::BadSourceIp => ProblemKind::AuthIp,
        Refusal::PeriodNotOnSale => ProblemKind::RentPeriod,
        Refusal::UnknownProtocol => ProblemKind::Protocol,
        Refusal::BadGoal => ProblemKind::Goal,
        Refusal::BadQuantity => ProblemKind::Quantity,
        Refusal::UnknownLease => ProblemKind::IpAddresses,
        Refusal::UnknownOrder => ProblemKind::OrderIds,
        Refusal::WholeOrderOnly { .. } => ProblemKind::WholeOrder,
        Refusal::InsufficientFunds { .. } => ProblemKind::Funds,
        Refusal::UnknownSwitch
        | Refusal::OutOfStock
        | Refusal::Suspended
        | Refusal::KeyReused
        | Refusal::EndTooFar
        | Refusal::PromoNotApplicable
        | Refusal::BadAmount
        | Refusal::SalesLocked
        | Refusal::UnknownMeans
        | Refusal::UnknownPayment
        | Refusal::PaymentClosed
        | Refusal::PriceChanged
        | Refusal::NoCard
        | Refusal::CardExpired
        | Refusal::CardDeclined
        | Refusal::ProviderSilent
        | Refusal::ThresholdTooLow
        | Refusal::TopUpTooLow
        | Refusal::TopUpBelowThreshold
        | Refusal::UnknownAuthorisation
        | Refusal::TooManyAuthorisations
        | Refusal::BadLogin
        | Refusal::BadPassword
        | Refusal::LoginTaken
        | Refusal::BadComment
        | Refusal::UnknownReason
        | Refusal::ReplacedRecently { .. } => ProblemKind::Unknown,
    }
}
