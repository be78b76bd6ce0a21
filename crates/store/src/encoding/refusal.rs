//! Remembered refusals as JSON: `{"refusal":"insufficient_funds","missing":[12,"USD"],…}`.

use domain::idempotency::Answer;
use domain::ids::LeaseId;
use domain::money::Money;
use domain::refusal::Refusal;
use serde::{Deserialize, Serialize};

use super::corrupt;
use super::wire::Cash;
use crate::Result;

#[derive(Serialize, Deserialize)]
struct Refused {
    #[serde(flatten)]
    refusal: Name,
    balance: Cash,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
enum Name {
    UnknownKind,
    UnknownCountry,
    CountryNotOffered,
    UnknownPackage,
    UnknownOperator,
    UnknownRotation,
    UnknownAccess,
    BadSourceIp,
    PeriodNotOnSale,
    UnknownProtocol,
    BadGoal,
    BadQuantity,
    UnknownLease,
    UnknownOrder,
    WholeOrderOnly { missing: Vec<i64> },
    UnknownSwitch,
    OutOfStock,
    InsufficientFunds { missing: Cash },
    Suspended,
    KeyReused,
    EndTooFar,
    PromoNotApplicable,
    BadAmount,
    SalesLocked,
    UnknownMeans,
    UnknownPayment,
    PaymentClosed,
    PriceChanged,
    NoCard,
    CardExpired,
    CardDeclined,
    ProviderSilent,
    ThresholdTooLow,
    TopUpTooLow,
    TopUpBelowThreshold,
    UnknownAuthorisation,
    TooManyAuthorisations,
    BadLogin,
    BadPassword,
    LoginTaken,
    BadComment,
    UnknownReason,
    ReplacedRecently { leases: Vec<i64> },
}

/// Both ways between the refusals and their names, so that neither can forget one.
macro_rules! names {
    ($($name:ident),*) => {
        fn name(refusal: &Refusal) -> Name {
            match refusal {
                $(Refusal::$name => Name::$name,)*
                Refusal::InsufficientFunds { missing } => {
                    Name::InsufficientFunds { missing: Cash(*missing) }
                }
                Refusal::WholeOrderOnly { missing } => {
                    Name::WholeOrderOnly { missing: missing.iter().map(|lease| lease.0).collect() }
                }
                Refusal::ReplacedRecently { leases } => {
                    Name::ReplacedRecently { leases: leases.iter().map(|id| id.0).collect() }
                }
            }
        }

        fn refusal(name: Name) -> Refusal {
            match name {
                $(Name::$name => Refusal::$name,)*
                Name::InsufficientFunds { missing } => {
                    Refusal::InsufficientFunds { missing: missing.0 }
                }
                Name::WholeOrderOnly { missing } => {
                    let missing = missing.into_iter().map(LeaseId).collect();
                    Refusal::WholeOrderOnly { missing }
                }
                Name::ReplacedRecently { leases } => Refusal::ReplacedRecently {
                    leases: leases.into_iter().map(LeaseId).collect(),
                },
            }
        }
    };
}

names!(
    UnknownKind,
    UnknownCountry,
    CountryNotOffered,
    UnknownPackage,
    UnknownOperator,
    UnknownRotation,
    UnknownAccess,
    BadSourceIp,
    PeriodNotOnSale,
    UnknownProtocol,
    BadGoal,
    BadQuantity,
    UnknownLease,
    UnknownOrder,
    UnknownSwitch,
    OutOfStock,
    Suspended,
    KeyReused,
    EndTooFar,
    PromoNotApplicable,
    BadAmount,
    SalesLocked,
    UnknownMeans,
    UnknownPayment,
    PaymentClosed,
    PriceChanged,
    NoCard,
    CardExpired,
    CardDeclined,
    ProviderSilent,
    ThresholdTooLow,
    TopUpTooLow,
    TopUpBelowThreshold,
    UnknownAuthorisation,
    TooManyAuthorisations,
    BadLogin,
    BadPassword,
    LoginTaken,
    BadComment,
    UnknownReason
);

/// A refusal, and what was in the wallet.
pub(crate) fn encode(refusal: &Refusal, balance: Money) -> String {
    let refused = Refused { refusal: name(refusal), balance: Cash(balance) };
    serde_json::to_string(&refused).expect("the mirror structs are JSON")
}

/// The answer that was encoded.
pub(crate) fn decode(text: &str) -> Result<Answer> {
    let read: Refused = serde_json::from_str(text).map_err(|_| corrupt("answer.refused", text))?;
    Ok(Answer::Refused { refusal: refusal(read.refusal), balance: read.balance.0 })
}

#[cfg(test)]
mod tests {
    use domain::money::Currency;

    use super::*;

    #[test]
    fn a_refusal_is_read_as_it_was_written() {
        let balance = Money::from_minor(718, Currency::USD);
        let missing = Money::from_minor(114, Currency::USD);
        let whole = Refusal::WholeOrderOnly { missing: vec![LeaseId(7)] };
        let recent = Refusal::ReplacedRecently { leases: vec![LeaseId(7), LeaseId(2)] };
        for refusal in [Refusal::OutOfStock, Refusal::InsufficientFunds { missing }, whole, recent]
        {
            let text = encode(&refusal, balance);
            assert_eq!(decode(&text).unwrap(), Answer::Refused { refusal, balance }, "{text}");
        }
        assert!(decode(r#"{"refusal":"bored","balance":[1,"USD"]}"#).is_err());
    }
}
