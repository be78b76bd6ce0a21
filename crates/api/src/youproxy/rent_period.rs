//! `GET /rentPeriod`

use wire::youproxy::rent_period::RentPeriodAnswer;

use super::stop::{Done, Stop};
use super::{Asked, read};

/// The periods for which a kind can be rented.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let kind = read::required_kind_in(asked.query)?;
    let catalogue = asked.app.engine.catalogue();
    let days = catalogue.periods(kind).iter().map(|period| period.days()).collect();
    Ok(Done::new(&RentPeriodAnswer::listed(days)))
}
