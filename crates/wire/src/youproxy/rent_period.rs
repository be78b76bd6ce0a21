//! `GET /rentPeriod`.

use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// Answer of `GET /rentPeriod`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RentPeriodAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// The lengths on sale, in days, ascending; empty on error.
    pub rent_period_days: Vec<u32>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl RentPeriodAnswer {
    /// The lengths on sale, in days; the caller has put them in order.
    pub fn listed(rent_period_days: Vec<u32>) -> RentPeriodAnswer {
        RentPeriodAnswer { success: true, rent_period_days, error: None }
    }

    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> RentPeriodAnswer {
        RentPeriodAnswer {
            success: false,
            rent_period_days: Vec::new(),
            error: Some(problem.into()),
        }
    }
}
