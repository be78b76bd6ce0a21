//! `GET /country`

use wire::youproxy::country::{Country, CountryAnswer};

use super::stop::{Done, Stop};
use super::{Asked, read};

/// The countries in which a kind can be ordered.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let kind = read::required_kind_in(asked.query)?;
    let countries = asked.app.engine.catalogue().countries(kind);
    let shown = |country: domain::country::Country| Country {
        alpha3code: country.alpha3().to_owned(),
        name: country.name().to_owned(),
    };
    Ok(Done::new(&CountryAnswer::listed(countries.into_iter().map(shown).collect())))
}
