//! `GET /mobileOperator`.

use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// A mobile operator whose lines are on sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MobileOperator {
    /// What `mobileOperator` takes elsewhere.
    pub tag: String,
    /// The name for people.
    pub name: String,
    /// The ISO 3166-1 alpha-3 code of its country.
    pub country: String,
    /// The times between two changes of address on sale, in seconds.
    pub rotation_times: Vec<u64>,
    /// The tag again, for a client in the field that looks for it under this name.
    pub code: String,
}

/// Answer of `GET /mobileOperator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MobileOperatorAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// The operators; empty on error.
    pub mobile_operators: Vec<MobileOperator>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl MobileOperatorAnswer {
    /// The operators on sale.
    pub fn listed(mobile_operators: Vec<MobileOperator>) -> MobileOperatorAnswer {
        MobileOperatorAnswer { success: true, mobile_operators, error: None }
    }

    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> MobileOperatorAnswer {
        MobileOperatorAnswer {
            success: false,
            mobile_operators: Vec::new(),
            error: Some(problem.into()),
        }
    }
}
