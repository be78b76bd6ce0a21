//! What `error` and `warnings` hold.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a call was refused, or a warning that an order like it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The number that clients look at. See [`ProblemKind::code`].
    pub code: u32,
    /// The fixed text that belongs to the number.
    pub message: Cow<'static, str>,
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Problem {
        Problem { code: kind.code(), message: Cow::Borrowed(kind.message()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

/// Every problem this dialect has a number for.
///
/// Numbers whose meaning is unknown are not here, so that nobody can send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The key is unknown or disabled.
    ApiKey,
    /// The caller's address may not use the key.
    CallerAddress,
    /// `proxyType` is missing or none of the four.
    ProxyType,
    /// `country` is no country.
    Country,
    /// `country` is one, but not on sale now for this type.
    CountryNotAvailable,
    /// `mobileOperator` is unknown, or not in that country.
    MobileOperator,
    /// `rotationTime` is not among the operator's.
    RotationTime,
    /// `authType` is neither `LOGIN` nor `IP`.
    AuthType,
    /// `rentPeriodDays` is not on sale for this type.
    RentPeriod,
    /// `protocol` is neither `HTTP` nor `SOCKS`.
    Protocol,
    /// `goal` is missing, blank or too long.
    Goal,
    /// The price is above the balance. The only one that is also a warning.
    Funds,
    /// `quantity` is missing or out of bounds.
    Quantity,
    /// `authIp` is missing or no address that could call us.
    AuthIp,
    /// An address in the list is not the customer's, or there is no list.
    IpAddresses,
    /// The list leaves out an address of an order that is only extended whole.
    WholeOrder,
    /// An order in the list is not the customer's, or there is no list.
    OrderIds,
    /// Anything without a number of its own.
    Unknown,
    /// The caller asks too often; code 35 with a text that says it is safe to try again.
    TooManyRequests,
    /// The service cannot answer now; code 35 with a text that says it is safe to try again.
    TemporarilyUnavailable,
}

impl ProblemKind {
    /// All of them, by ascending code.
    pub const ALL: [ProblemKind; 20] = [
        ProblemKind::ApiKey,
        ProblemKind::CallerAddress,
        ProblemKind::ProxyType,
        ProblemKind::Country,
        ProblemKind::CountryNotAvailable,
        ProblemKind::MobileOperator,
        ProblemKind::RotationTime,
        ProblemKind::AuthType,
        ProblemKind::RentPeriod,
        ProblemKind::Protocol,
        ProblemKind::Goal,
        ProblemKind::Funds,
        ProblemKind::Quantity,
        ProblemKind::AuthIp,
        ProblemKind::IpAddresses,
        ProblemKind::WholeOrder,
        ProblemKind::OrderIds,
        ProblemKind::Unknown,
        ProblemKind::TooManyRequests,
        ProblemKind::TemporarilyUnavailable,
    ];

    /// The number on the wire.
    pub fn code(self) -> u32 {
        self.code_and_message().0
    }

    /// The text on the wire.
    pub fn message(self) -> &'static str {
        self.code_and_message().1
    }

    fn code_and_message(self) -> (u32, &'static str) {
        match self {
            ProblemKind::ApiKey => (2, "Error api key"),
            ProblemKind::CallerAddress => (3, "IP not allowed"),
            ProblemKind::ProxyType => (4, "Incorrect proxy type"),
            ProblemKind::Country => (6, "Incorrect country"),
            ProblemKind::CountryNotAvailable => (7, "Country is not available"),
            ProblemKind::MobileOperator => (8, "Incorrect mobile operator"),
            ProblemKind::RotationTime => (9, "Incorrect rotation time"),
            ProblemKind::AuthType => (10, "Incorrect auth type"),
            ProblemKind::RentPeriod => (11, "Incorrect rent period"),
            ProblemKind::Protocol => (13, "Incorrect protocol"),
            ProblemKind::Goal => (14, "Incorrect goal"),
            ProblemKind::Funds => (16, "Insufficient funds on balance"),
            ProblemKind::Quantity => (19, "Incorrect quantity"),
            ProblemKind::AuthIp => (23, "Incorrect auth ip"),
            ProblemKind::IpAddresses => (24, "Incorrect ip addresses"),
            ProblemKind::WholeOrder => (28, "All ip addresses from the order must be extended"),
            ProblemKind::OrderIds => (29, "Incorrect orderIds"),
            ProblemKind::Unknown => (35, "Unknown error"),
            ProblemKind::TooManyRequests => (35, "Too many requests, nothing was done"),
            ProblemKind::TemporarilyUnavailable => {
                (35, "Temporarily unavailable, nothing was done")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_documented_one() {
        let codes: Vec<u32> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        let documented = [2, 3, 4, 6, 7, 8, 9, 10, 11, 13, 14, 16, 19, 23, 24, 28, 29, 35, 35, 35];
        assert_eq!(codes, documented);
    }

    #[test]
    fn a_problem_of_a_later_server_is_readable() {
        let problem: Problem = serde_json::from_str(r#"{"code":99,"message":"New"}"#).unwrap();
        assert_eq!(problem, Problem { code: 99, message: "New".into() });
    }
}
