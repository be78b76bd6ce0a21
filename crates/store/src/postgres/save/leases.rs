//! Leases.

use std::collections::BTreeMap;

use domain::ids::LeaseId;
use domain::lease::Lease;
use domain::time::Time;
use domain::world::LeaseChange;

use super::{Plan, rows};
use crate::encoding;
use crate::postgres::statements::statements;

statements! {
    ADD = "INSERT INTO lease (id, order_id, customer_id, product, kind, address_id, state,
        starts_at_ms, ends_at_ms, reserved_until_ms, auto_extend_days, retry_at_ms, look_at_ms,
        renew_card_id, replaced_at_ms, comment)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
            $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
            $16::text[])";
    /// No index has the end in it, so this writes the rows and nothing else.
    SET_ENDS = "UPDATE lease SET ends_at_ms = new.ends_at_ms
        FROM unnest($1::bigint[], $2::bigint[]) AS new (id, ends_at_ms) WHERE lease.id = ANY($1) AND lease.id = new.id";
    SET_TERMS = "UPDATE lease SET state = new.state, ends_at_ms = new.ends_at_ms,
        reserved_until_ms = new.reserved_until_ms, auto_extend_days = new.auto_extend_days,
        retry_at_ms = new.retry_at_ms, look_at_ms = new.look_at_ms,
        renew_card_id = new.renew_card_id
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::bigint[]) AS new (id, state, ends_at_ms,
            reserved_until_ms, auto_extend_days, retry_at_ms, look_at_ms, renew_card_id) WHERE lease.id = ANY($1) AND lease.id = new.id";
    SET_PLACES = "UPDATE lease SET address_id = new.address_id,
        replaced_at_ms = new.replaced_at_ms, comment = new.comment
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
        AS new (id, address_id, replaced_at_ms, comment)
        WHERE lease.id = ANY($1) AND lease.id = new.id";
}

rows!(
    New, ADD, None,
    id: i64,
    order_id: i64,
    customer_id: i64,
    product: String,
    kind: i64,
    address_id: i64,
    state: i64,
    starts_at_ms: i64,
    ends_at_ms: i64,
    reserved_until_ms: Option<i64>,
    auto_extend_days: Option<i64>,
    retry_at_ms: Option<i64>,
    look_at_ms: i64,
    renew_card_id: Option<i64>,
    replaced_at_ms: Option<i64>,
    comment: Option<String>,
);

rows!(
    Places, SET_PLACES, Some("lease"),
    id: i64,
    address_id: i64,
    replaced_at_ms: Option<i64>,
    comment: Option<String>,
);

rows!(
    Ends, SET_ENDS, Some("lease"),
    id: i64,
    ends_at_ms: i64,
);

rows!(
    Terms, SET_TERMS, Some("lease"),
    id: i64,
    state: i64,
    ends_at_ms: i64,
    reserved_until_ms: Option<i64>,
    auto_extend_days: Option<i64>,
    retry_at_ms: Option<i64>,
    look_at_ms: i64,
    renew_card_id: Option<i64>,
);

/// Adds new leases.
pub(super) fn add(leases: &[Lease], plan: &mut Plan) {
    let mut rows = New::default();
    for lease in leases {
        rows.id.push(lease.id.0);
        rows.order_id.push(lease.order.0);
        rows.customer_id.push(lease.customer.0);
        rows.product.push(lease.product.to_string());
        rows.kind.push(encoding::kind_number(lease.product.kind));
        rows.address_id.push(lease.address.0);
        rows.state.push(encoding::state_number(lease.state));
        rows.starts_at_ms.push(lease.starts_at.millis());
        rows.ends_at_ms.push(lease.ends_at.millis());
        rows.reserved_until_ms.push(lease.reserved_until.map(Time::millis));
        rows.auto_extend_days.push(days(lease));
        rows.retry_at_ms.push(lease.retry_at.map(Time::millis));
        rows.look_at_ms.push(lease.look_at.millis());
        rows.renew_card_id.push(lease.renew_card.map(|card| card.0));
        rows.replaced_at_ms.push(lease.replaced_at.map(Time::millis));
        rows.comment.push(lease.comment.clone());
    }
    plan.push(Box::new(rows));
}

/// Writes as much of leases as has changed.
pub(super) fn change(leases: &BTreeMap<LeaseId, (Lease, LeaseChange)>, plan: &mut Plan) {
    let (mut ends, mut terms) = (Ends::default(), Terms::default());
    let mut places = Places::default();
    for (lease, change) in leases.values() {
        if *change == LeaseChange::Whole {
            places.id.push(lease.id.0);
            places.address_id.push(lease.address.0);
            places.replaced_at_ms.push(lease.replaced_at.map(Time::millis));
            places.comment.push(lease.comment.clone());
        }
        match change {
            LeaseChange::End => {
                ends.id.push(lease.id.0);
                ends.ends_at_ms.push(lease.ends_at.millis());
            }
            LeaseChange::Terms | LeaseChange::State | LeaseChange::Whole => {
                terms.id.push(lease.id.0);
                terms.state.push(encoding::state_number(lease.state));
                terms.ends_at_ms.push(lease.ends_at.millis());
                terms.reserved_until_ms.push(lease.reserved_until.map(Time::millis));
                terms.auto_extend_days.push(days(lease));
                terms.retry_at_ms.push(lease.retry_at.map(Time::millis));
                terms.look_at_ms.push(lease.look_at.millis());
                terms.renew_card_id.push(lease.renew_card.map(|card| card.0));
            }
        }
    }
    plan.push(Box::new(ends));
    plan.push(Box::new(terms));
    plan.push(Box::new(places));
}

fn days(lease: &Lease) -> Option<i64> {
    lease.auto_extend.map(|period| i64::from(period.days()))
}
