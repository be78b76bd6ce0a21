//! Every reason the platform says no.

use crate::ids::LeaseId;
use crate::money::Money;

/// Why a command was refused. A normal answer, never logged as an error; each dialect has its own
/// number and words for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The proxy kind is missing or none of ours.
    #[error("unknown proxy kind")]
    UnknownKind,
    /// The country is missing or none of ISO 3166.
    #[error("unknown country")]
    UnknownCountry,
    /// The country exists, but nothing of this kind is on sale there in the customer's currency.
    #[error("nothing of this kind is on sale in this country")]
    CountryNotOffered,
    /// The package is missing, unknown, of another kind, or not on sale.
    #[error("unknown package")]
    UnknownPackage,
    /// The mobile operator is missing, unknown, or not of that country.
    #[error("unknown mobile operator")]
    UnknownOperator,
    /// The rotation time is missing or none of the operator's.
    #[error("unknown rotation time")]
    UnknownRotation,
    /// Neither access by login nor by address was asked for.
    #[error("unknown kind of access")]
    UnknownAccess,
    /// The address to connect from is missing, unreadable or not public.
    #[error("unusable source address")]
    BadSourceIp,
    /// The period is missing or not on sale for this kind.
    #[error("period is not on sale")]
    PeriodNotOnSale,
    /// The protocol is missing or neither HTTP nor SOCKS.
    #[error("unknown protocol")]
    UnknownProtocol,
    /// The goal is missing, blank or too long.
    #[error("unusable goal")]
    BadGoal,
    /// The quantity is missing or outside of what the terms allow.
    #[error("unusable quantity")]
    BadQuantity,
    /// Some of the named leases do not exist, are somebody else's, of another kind, or over.
    #[error("unknown lease")]
    UnknownLease,
    /// Some of the named orders do not exist, are somebody else's, of another kind, or over.
    #[error("unknown order")]
    UnknownOrder,
    /// These orders are extended whole, and some of their leases were left out.
    #[error("all leases of the order must be extended together")]
    WholeOrderOnly {
        /// The leases that were left out, order by order.
        missing: Vec<LeaseId>,
    },
    /// Auto-extend was neither turned on nor off.
    #[error("auto-extend must be on or off")]
    UnknownSwitch,
    /// There are not enough free addresses.
    #[error("not enough addresses in stock")]
    OutOfStock,
    /// The wallet does not cover the price.
    #[error("insufficient funds: {missing} missing")]
    InsufficientFunds {
        /// How much is missing.
        missing: Money,
    },
    /// The customer is suspended: he may look, but neither spend nor change.
    #[error("the account is suspended")]
    Suspended,
    /// The idempotency key was used before for another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The lease would be paid for further ahead than is allowed.
    #[error("too far ahead")]
    EndTooFar,
    /// The promo code cannot be used here, and nothing was to be done without it.
    #[error("the promo code cannot be used here")]
    PromoNotApplicable,
    /// The amount is not one that can be paid in.
    #[error("unusable amount")]
    BadAmount,
    /// The authorisation does not exist or is somebody else's.
    #[error("unknown authorisation")]
    UnknownAuthorisation,
    /// The order has as many authorisations as it may have.
    #[error("too many authorisations")]
    TooManyAuthorisations,
    /// The login is too short, too long, or has signs that a login may not have.
    #[error("unusable login")]
    BadLogin,
    /// The password is too short, too long, or has signs that a password may not have.
    #[error("unusable password")]
    BadPassword,
    /// The login is in use.
    #[error("the login is taken")]
    LoginTaken,
    /// The comment is missing where there must be one, too long, or has signs that are no text.
    #[error("unusable comment")]
    BadComment,
    /// The reason is missing or none of ours.
    #[error("unknown reason")]
    UnknownReason,
    /// Some of the addresses were replaced within the last day.
    #[error("replaced less than a day ago")]
    ReplacedRecently {
        /// The leases that have them, in the order in which they were named.
        leases: Vec<LeaseId>,
    },
    /// New orders are stopped until the operator has looked at a restored database.
    #[error("sales are locked after a restore")]
    SalesLocked,
    /// There is no such way of paying, or not in the customer's currency.
    #[error("unknown means of payment")]
    UnknownMeans,
    /// The payment does not exist, is somebody else's, or for something else.
    #[error("unknown payment")]
    UnknownPayment,
    /// The payment has come to another end.
    #[error("the payment is closed")]
    PaymentClosed,
    /// The price is another one than was paid. Nothing was charged.
    #[error("the price has changed")]
    PriceChanged,
    /// The card does not exist, is somebody else's or was removed.
    #[error("no saved card")]
    NoCard,
    /// The card is past its date.
    #[error("the card has expired")]
    CardExpired,
    /// The card's bank has said no.
    #[error("the card was declined")]
    CardDeclined,
    /// Whoever takes the payments does not answer. Nothing was charged.
    #[error("the payment provider does not answer, nothing was charged")]
    ProviderSilent,
    /// Automatic top-up would begin at less than [`crate::auto_top_up::THRESHOLD_MIN`].
    #[error("the threshold is too low")]
    ThresholdTooLow,
    /// Automatic top-up would pay in less than [`crate::auto_top_up::AMOUNT_MIN`].
    #[error("the top-up amount is too low")]
    TopUpTooLow,
    /// Automatic top-up would pay in less than its threshold.
    #[error("the top-up amount is below the threshold")]
    TopUpBelowThreshold,
}

impl Refusal {
    /// Whether the refusal is remembered under an idempotency key.
    ///
    /// What was refused for the state of the shop is; what was refused for its own form is not, so
    /// that a corrected request may use the same key.
    pub fn is_remembered(&self) -> bool {
        matches!(self, Refusal::OutOfStock | Refusal::InsufficientFunds { .. })
    }
}
