//! How many leases of a chunk are live.

use std::collections::BTreeMap;

use domain::ids::LeaseId;
use domain::lease::{Lease, LeaseState};
use domain::world::{Changes, LeaseChange};

use super::{Plan, rows};
use crate::chunks::chunk;
use crate::encoding;
use crate::postgres::statements::statements;

statements! {
    COUNT_UP = "INSERT INTO lease_count (customer_id, kind, chunk, live)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        ON CONFLICT (customer_id, kind, chunk)
        DO UPDATE SET live = lease_count.live + excluded.live";
    COUNT_DOWN = "UPDATE lease_count SET live = lease_count.live - gone.live
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS gone (customer_id, kind, chunk, live)
        WHERE lease_count.customer_id = ANY($1)
        AND lease_count.customer_id = gone.customer_id AND lease_count.kind = gone.kind
        AND lease_count.chunk = gone.chunk";
    FORGET_EMPTY = "DELETE FROM lease_count USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS gone (customer_id, kind,
        chunk) WHERE lease_count.customer_id = ANY($1)
        AND lease_count.customer_id = gone.customer_id AND lease_count.kind = gone.kind
        AND lease_count.chunk = gone.chunk AND lease_count.live = 0";
}

rows!(
    Up, COUNT_UP, Some("count of leases"),
    customer_id: i64,
    kind: i64,
    chunk: i64,
    live: i64,
);

rows!(
    Down, COUNT_DOWN, Some("count of leases"),
    customer_id: i64,
    kind: i64,
    chunk: i64,
    live: i64,
);

rows!(
    Empty, FORGET_EMPTY, None,
    customer_id: i64,
    kind: i64,
    chunk: i64,
);

/// Whose, of what kind, and in which chunk.
type Place = (i64, i64, i64);

fn place(lease: &Lease) -> Place {
    (lease.customer.0, encoding::kind_number(lease.product.kind), chunk(lease.id))
}

/// Counts the leases that have become live, and those that are so no more; `before` are those that
/// were loaded.
pub(super) fn count(changes: &Changes, before: &[Lease], plan: &mut Plan) {
    let mut balance: BTreeMap<Place, i64> = BTreeMap::new();
    for lease in changes.leases_new.iter().filter(|lease| lease.state == LeaseState::Active) {
        *balance.entry(place(lease)).or_default() += 1;
    }
    let moved = changes.leases.values().filter(|(_, change)| LeaseChange::State <= *change);
    let moved: Vec<&Lease> = moved.map(|(lease, _)| lease).collect();
    if !moved.is_empty() {
        let were: BTreeMap<LeaseId, LeaseState> =
            before.iter().map(|lease| (lease.id, lease.state)).collect();
        for lease in moved {
            let was = were.get(&lease.id) == Some(&LeaseState::Active);
            let is = lease.state == LeaseState::Active;
            *balance.entry(place(lease)).or_default() += i64::from(is) - i64::from(was);
        }
    }
    let (mut up, mut down, mut empty) = (Up::default(), Down::default(), Empty::default());
    for ((customer, kind, chunk), live) in balance {
        if 0 < live {
            up.customer_id.push(customer);
            up.kind.push(kind);
            up.chunk.push(chunk);
            up.live.push(live);
        } else if live < 0 {
            down.customer_id.push(customer);
            down.kind.push(kind);
            down.chunk.push(chunk);
            down.live.push(-live);
            empty.customer_id.push(customer);
            empty.kind.push(kind);
            empty.chunk.push(chunk);
        }
    }
    plan.push(Box::new(up));
    plan.push(Box::new(down));
    plan.push(Box::new(empty));
}
