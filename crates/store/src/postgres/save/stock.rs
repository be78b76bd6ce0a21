//! What became of addresses, prefixes and ports.

use domain::address::Address;
use domain::world::Changes;

use super::{Plan, rows};
use crate::postgres::statements::statements;

statements! {
    /// Those that were drawn from a prefix.
    ADD = "INSERT INTO address (id, product, ip, slot, drawn, gateway, port, rank, lease_id,
        free_at_ms) SELECT id, product, ip, 0, 1, gateway, port, rank, lease_id, free_at_ms
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::bigint[])
        AS new (id, product, ip, gateway, port, rank, lease_id, free_at_ms)";
    /// Only those that are free: an address has one lease at a time. The plus sign keeps PostgreSQL
    /// from walking through all that are free instead.
    TAKE = "UPDATE address SET lease_id = new.lease_id FROM unnest($1::bigint[], $2::bigint[]) AS new (id, lease_id)
        WHERE address.id = ANY($1) AND address.id = new.id AND +address.lease_id IS NULL";
    GIVE_BACK = "UPDATE address SET lease_id = NULL, free_at_ms = new.free_at_ms
        FROM unnest($1::bigint[], $2::bigint[]) AS new (id, free_at_ms) WHERE address.id = ANY($1) AND address.id = new.id";
    SET_DRAWN = "UPDATE prefix SET drawn = new.drawn FROM unnest($1::bigint[], $2::bigint[]) AS new (id, drawn)
        WHERE prefix.id = ANY($1) AND prefix.id = new.id AND prefix.drawn < new.drawn";
    SET_PORTS = "UPDATE gateway_port SET next_port = new.next_port
        FROM unnest($1::text[], $2::bigint[]) AS new (gateway, next_port)
        WHERE gateway_port.gateway = ANY($1) AND gateway_port.gateway = new.gateway";
}

rows!(
    New, ADD, None,
    id: i64,
    product: String,
    ip: String,
    gateway: String,
    port: i64,
    rank: i64,
    lease_id: Option<i64>,
    free_at_ms: i64,
);

rows!(
    Taken, TAKE, Some("free address"),
    id: i64,
    lease_id: i64,
);

rows!(
    Freed, GIVE_BACK, Some("address"),
    id: i64,
    free_at_ms: i64,
);

rows!(
    Drawn, SET_DRAWN, Some("prefix"),
    id: i64,
    drawn: i64,
);

rows!(
    Ports, SET_PORTS, Some("port of a gateway"),
    gateway: String,
    next_port: i64,
);

/// Adds the addresses that were drawn. Their leases are added behind them.
pub(super) fn add(addresses: &[Address], plan: &mut Plan) {
    let mut rows = New::default();
    for address in addresses {
        rows.id.push(address.id.0);
        rows.product.push(address.pool.to_string());
        rows.ip.push(address.ip.to_string());
        rows.gateway.push(address.gateway.clone());
        rows.port.push(i64::from(address.port));
        rows.rank.push(address.rank);
        rows.lease_id.push(address.lease.map(|lease| lease.0));
        rows.free_at_ms.push(address.free_at.millis());
    }
    plan.push(Box::new(rows));
}

/// Writes what else became of addresses.
pub(super) fn save(changes: &Changes, plan: &mut Plan) {
    let mut freed = Freed::default();
    for (id, free_at) in &changes.addresses_freed {
        freed.id.push(id.0);
        freed.free_at_ms.push(free_at.millis());
    }
    let mut taken = Taken::default();
    for (id, lease) in &changes.addresses_taken {
        taken.id.push(id.0);
        taken.lease_id.push(lease.0);
    }
    let mut drawn = Drawn::default();
    for (id, count) in &changes.prefixes {
        drawn.id.push(id.0);
        drawn.drawn.push(*count);
    }
    let mut ports = Ports::default();
    for (gateway, port) in &changes.next_ports {
        ports.gateway.push(gateway.clone());
        ports.next_port.push(i64::from(*port));
    }
    plan.push(Box::new(freed));
    plan.push(Box::new(taken));
    plan.push(Box::new(drawn));
    plan.push(Box::new(ports));
}
