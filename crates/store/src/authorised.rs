//! Which authorisations are listed.

use domain::ids::{AuthorisationId, OrderId};

/// Behind which order and authorisation, and up to which order, those are that are listed: of one
/// order or of all, and behind `after`.
pub(crate) fn bounds(
    order: Option<OrderId>,
    after: Option<(OrderId, AuthorisationId)>,
) -> ((i64, i64), i64) {
    let first = (order.map_or(i64::MIN, |order| order.0), i64::MIN);
    let after = after.map_or(first, |(order, id)| (order.0, id.0));
    (after.max(first), order.map_or(i64::MAX, |order| order.0))
}
