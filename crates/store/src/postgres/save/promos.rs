//! Uses of promo codes.

use std::collections::BTreeMap;

use domain::ids::{CustomerId, PromoId};

use super::{Plan, rows};
use crate::postgres::statements::statements;

statements! {
    SET_USES = "UPDATE promo SET uses = new.uses FROM unnest($1::bigint[], $2::bigint[]) AS new (id, uses)
        WHERE promo.id = ANY($1) AND promo.id = new.id";
    SET_USES_OF = "INSERT INTO promo_use (promo_id, customer_id, uses)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        ON CONFLICT (promo_id, customer_id) DO UPDATE SET uses = excluded.uses";
}

rows!(
    InAll, SET_USES, Some("promo"),
    id: i64,
    uses: i64,
);

rows!(
    OfCustomers, SET_USES_OF, None,
    promo_id: i64,
    customer_id: i64,
    uses: i64,
);

/// Writes uses as they are now: in all, and by each customer.
pub(super) fn set_uses(uses: &BTreeMap<(PromoId, CustomerId), (u32, u32)>, plan: &mut Plan) {
    // Customers of one batch have each seen what was used until then; the highest is the last.
    let mut most: BTreeMap<PromoId, u32> = BTreeMap::new();
    let mut each = OfCustomers::default();
    for ((promo, customer), (all, of_customer)) in uses {
        let most = most.entry(*promo).or_default();
        *most = (*most).max(*all);
        each.promo_id.push(promo.0);
        each.customer_id.push(customer.0);
        each.uses.push(i64::from(*of_customer));
    }
    let mut all = InAll::default();
    for (promo, uses) in most {
        all.id.push(promo.0);
        all.uses.push(i64::from(uses));
    }
    plan.push(Box::new(each));
    plan.push(Box::new(all));
}
