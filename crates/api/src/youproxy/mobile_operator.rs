//! `GET /mobileOperator`

use domain::country::Country;
use domain::refusal::Refusal;
use wire::youproxy::mobile_operator::{MobileOperator, MobileOperatorAnswer};

use super::stop::{Done, Stop};
use super::{Asked, read};
use crate::query;

/// The operators whose lines are on sale, of one country or of all.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    read::kind_in(asked.query)?;
    let wrong = || Stop::refused(&Refusal::UnknownCountry);
    let country = query::value(asked.query, "country").ok_or_else(wrong)?;
    let country = match country.as_ref() {
        "" => None,
        code => Some(Country::from_alpha3(code).ok_or_else(wrong)?),
    };
    let catalogue = asked.app.engine.catalogue();
    let on_sale = |tag: &str| {
        let mut products = catalogue.products.values().filter(|product| product.on_sale);
        products.any(|product| product.key.operator.as_deref() == Some(tag))
    };
    let found = catalogue.operators.values().filter(|operator| {
        country.is_none_or(|country| country == operator.country) && on_sale(&operator.tag)
    });
    let shown = found.map(|operator| MobileOperator {
        tag: operator.tag.clone(),
        name: operator.name.clone(),
        country: operator.country.alpha3().to_owned(),
        rotation_times: operator.rotation_seconds.iter().map(|it| u64::from(*it)).collect(),
        code: operator.tag.clone(),
    });
    Ok(Done::new(&MobileOperatorAnswer::listed(shown.collect())))
}
