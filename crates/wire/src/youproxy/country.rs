//! `GET /country`.

use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// A country in which proxies are on sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Country {
    /// The ISO 3166-1 alpha-3 code, in capitals: what `country` takes elsewhere.
    pub alpha3code: String,
    /// The English name.
    pub name: String,
}

/// Answer of `GET /country`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// The countries of the type that was asked for; empty on error.
    pub countries: Vec<Country>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl CountryAnswer {
    /// The countries on sale.
    pub fn listed(countries: Vec<Country>) -> CountryAnswer {
        CountryAnswer { success: true, countries, error: None }
    }

    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> CountryAnswer {
        CountryAnswer { success: false, countries: Vec::new(), error: Some(problem.into()) }
    }
}
