//! `GET /proxyType`

use domain::kind::ProxyKind;
use wire::youproxy::proxy_type::ProxyTypeAnswer;

use super::stop::{Done, Stop};
use super::{Asked, read};

/// The kinds that are sold.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let catalogue = asked.app.engine.catalogue();
    let sold = ProxyKind::ALL.into_iter().filter(|kind| catalogue.terms(*kind).is_some());
    Ok(Done::new(&ProxyTypeAnswer::listed(sold.map(read::proxy_type).collect())))
}
