//! Orders.

use std::collections::BTreeMap;

use domain::ids::{LeaseId, OrderId};
use domain::lease::Lease;
use domain::order::{Order, Protocol};

use super::{Plan, rows};
use crate::postgres::statements::statements;

statements! {
    ADD = "INSERT INTO customer_order (id, customer_id, product, period_days, quantity, goal,
        protocol, rotation_seconds, created_at_ms, first_lease_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[],
            $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[])";
}

rows!(
    New, ADD, None,
    id: i64,
    customer_id: i64,
    product: String,
    period_days: i64,
    quantity: i64,
    goal: String,
    protocol: Option<&'static str>,
    rotation_seconds: Option<i64>,
    created_at_ms: i64,
    first_lease_id: i64,
);

/// Adds new orders with where their `leases` begin.
pub(super) fn add(orders: &[Order], leases: &[Lease], plan: &mut Plan) {
    let mut granted: BTreeMap<OrderId, (LeaseId, u32)> = BTreeMap::new();
    for lease in leases {
        let (first, count) = granted.entry(lease.order).or_insert((lease.id, 0));
        assert_eq!(lease.id.0, first.0 + i64::from(*count), "leases of an order follow each other");
        *count += 1;
    }
    let mut rows = New::default();
    for order in orders {
        let (first, count) = granted.get(&order.id).copied().unwrap_or((LeaseId(0), 0));
        assert_eq!(count, order.quantity, "an order has its leases from the beginning");
        rows.id.push(order.id.0);
        rows.customer_id.push(order.customer.0);
        rows.product.push(order.product.to_string());
        rows.period_days.push(i64::from(order.period.days()));
        rows.quantity.push(i64::from(order.quantity));
        rows.goal.push(order.goal.clone());
        rows.protocol.push(order.protocol.map(Protocol::name));
        rows.rotation_seconds.push(order.rotation_seconds.map(i64::from));
        rows.created_at_ms.push(order.created_at.millis());
        rows.first_lease_id.push(first.0);
    }
    plan.push(Box::new(rows));
}
