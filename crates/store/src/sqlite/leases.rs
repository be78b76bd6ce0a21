//! Leases, and how many of them are live.

use domain::ids::{AddressId, CardId, CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::lease::{Lease, LeaseState};
use domain::product::ProductKey;
use domain::time::Time;
use domain::world::LeaseChange;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::failure::missing;
use super::statements::statements;
use crate::chunks::chunk;
use crate::records::Due;
use crate::{Result, encoding};

/// What [`lease`] reads, from the first column on.
macro_rules! lease_columns {
    () => {
        "lease.id, lease.order_id, lease.customer_id, lease.product, lease.address_id,
         lease.state, lease.starts_at_ms, lease.ends_at_ms, lease.reserved_until_ms,
         lease.auto_extend_days, lease.retry_at_ms, lease.look_at_ms, lease.renew_card_id,
         lease.replaced_at_ms, lease.comment"
    };
}

pub(super) use lease_columns;

/// How many columns [`lease`] reads.
pub(super) const LEASE_COLUMNS: usize = 15;

/// Which of them is the product.
pub(super) const LEASE_PRODUCT: usize = 3;

statements! {
    BY_ID = concat!("SELECT ", lease_columns!(), " FROM lease WHERE id = ?1");
    BY_ORDER = concat!("SELECT ", lease_columns!(), " FROM lease WHERE order_id = ?1 ORDER BY id");
    DUE = "SELECT look_at_ms, id, order_id, customer_id FROM lease
        WHERE state < 2 AND look_at_ms <= ?1 ORDER BY look_at_ms, id LIMIT ?2";
    NEXT_DUE = "SELECT look_at_ms FROM lease WHERE state < 2 ORDER BY look_at_ms, id LIMIT 1";
    ADD = "INSERT INTO lease (id, order_id, customer_id, product, kind, address_id, state,
        starts_at_ms, ends_at_ms, reserved_until_ms, auto_extend_days, retry_at_ms, look_at_ms,
        renew_card_id, replaced_at_ms, comment)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    /// No index has the end in it, so this writes the row and nothing else.
    SET_END = "UPDATE lease SET ends_at_ms = ?2 WHERE id = ?1";
    SET_TERMS = "UPDATE lease SET ends_at_ms = ?2, reserved_until_ms = ?3, auto_extend_days = ?4,
        retry_at_ms = ?5, look_at_ms = ?6, renew_card_id = ?7 WHERE id = ?1";
    SET_PLACE = "UPDATE lease SET address_id = ?2, replaced_at_ms = ?3, comment = ?4 WHERE id = ?1";
    STATE_OF = "SELECT state FROM lease WHERE id = ?1";
    SET_STATE = "UPDATE lease SET state = ?2 WHERE id = ?1";
    COUNT_UP = "INSERT INTO lease_count (customer_id, kind, chunk, live) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (customer_id, kind, chunk) DO UPDATE SET live = live + excluded.live";
    COUNT_DOWN = "UPDATE lease_count SET live = live - 1
        WHERE customer_id = ?1 AND kind = ?2 AND chunk = ?3";
    FORGET_EMPTY = "DELETE FROM lease_count
        WHERE customer_id = ?1 AND kind = ?2 AND chunk = ?3 AND live = 0";
}

/// Reads [`lease_columns`], which begin at `first`.
pub(super) fn lease(row: &Row<'_>, first: usize) -> Result<Lease> {
    let product = row.get_ref(first + LEASE_PRODUCT)?.as_str().map_err(rusqlite::Error::from)?;
    lease_of(row, first, encoding::product("lease.product", product)?)
}

/// The same where the product has been read.
pub(super) fn lease_of(row: &Row<'_>, first: usize, product: ProductKey) -> Result<Lease> {
    let time = |index: usize| row.get(first + index).map(Time::from_millis);
    let optional_time = |index: usize| -> rusqlite::Result<Option<Time>> {
        Ok(row.get::<_, Option<i64>>(first + index)?.map(Time::from_millis))
    };
    let auto_extend: Option<i64> = row.get(first + 9)?;
    Ok(Lease {
        id: LeaseId(row.get(first)?),
        order: OrderId(row.get(first + 1)?),
        customer: CustomerId(row.get(first + 2)?),
        product,
        address: AddressId(row.get(first + 4)?),
        state: encoding::state("lease.state", row.get(first + 5)?)?,
        starts_at: time(6)?,
        ends_at: time(7)?,
        reserved_until: optional_time(8)?,
        auto_extend: auto_extend
            .map(|days| encoding::period("lease.auto_extend_days", days))
            .transpose()?,
        retry_at: optional_time(10)?,
        look_at: time(11)?,
        renew_card: row.get::<_, Option<i64>>(first + 12)?.map(CardId),
        replaced_at: optional_time(13)?,
        comment: row.get(first + 14)?,
    })
}

/// The lease, if there is one.
pub(super) fn by_id(connection: &Connection, id: LeaseId) -> Result<Option<Lease>> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(|row| lease(row, 0)).transpose()
}

/// All leases of an order, by id.
pub(super) fn by_order(connection: &Connection, order: OrderId) -> Result<Vec<Lease>> {
    let mut statement = connection.prepare_cached(BY_ORDER)?;
    let mut rows = statement.query([order.0])?;
    let mut leases = Vec::new();
    while let Some(row) = rows.next()? {
        leases.push(lease(row, 0)?);
    }
    Ok(leases)
}

/// See [`crate::Store::due`].
pub(super) fn due(connection: &Connection, until: Time, limit: u32) -> Result<Vec<Due>> {
    let mut statement = connection.prepare_cached(DUE)?;
    let mut rows = statement.query((until.millis(), limit))?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push(Due {
            at: Time::from_millis(row.get(0)?),
            lease: LeaseId(row.get(1)?),
            order: OrderId(row.get(2)?),
            customer: CustomerId(row.get(3)?),
        });
    }
    Ok(due)
}

/// See [`crate::Store::next_due`].
pub(super) fn next_due(connection: &Connection) -> Result<Option<Time>> {
    let mut statement = connection.prepare_cached(NEXT_DUE)?;
    let next = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(next.map(Time::from_millis))
}

/// Adds new leases of one order after another, and counts them.
pub(super) fn add(connection: &Connection, leases: &[Lease]) -> Result<()> {
    let mut statement = connection.prepare_cached(ADD)?;
    let mut product = String::new();
    for (index, lease) in leases.iter().enumerate() {
        if index == 0 || leases[index - 1].product != lease.product {
            product = lease.product.to_string();
        }
        statement.execute((
            lease.id.0,
            lease.order.0,
            lease.customer.0,
            &product,
            encoding::kind_number(lease.product.kind),
            lease.address.0,
            encoding::state_number(lease.state),
            lease.starts_at.millis(),
            lease.ends_at.millis(),
            lease.reserved_until.map(Time::millis),
            lease.auto_extend.map(|period| period.days()),
            lease.retry_at.map(Time::millis),
            lease.look_at.millis(),
            lease.renew_card.map(|card| card.0),
            lease.replaced_at.map(Time::millis),
            lease.comment.as_deref(),
        ))?;
    }
    let live: Vec<&Lease> =
        leases.iter().filter(|lease| lease.state == LeaseState::Active).collect();
    let place = |lease: &Lease| (lease.customer, lease.product.kind, chunk(lease.id));
    for run in live.chunk_by(|one, two| place(one) == place(two)) {
        let count = i64::try_from(run.len()).expect("it fits");
        count_up(connection, place(run[0]), count)?;
    }
    Ok(())
}

/// Writes as much of a lease as has changed.
pub(super) fn change(connection: &Connection, lease: &Lease, change: LeaseChange) -> Result<()> {
    let changed = match change {
        LeaseChange::End => {
            connection.prepare_cached(SET_END)?.execute((lease.id.0, lease.ends_at.millis()))?
        }
        LeaseChange::Terms => set_terms(connection, lease)?,
        LeaseChange::State => set_state(connection, lease)?,
        LeaseChange::Whole => {
            connection.prepare_cached(SET_PLACE)?.execute((
                lease.id.0,
                lease.address.0,
                lease.replaced_at.map(Time::millis),
                lease.comment.as_deref(),
            ))?;
            set_state(connection, lease)?
        }
    };
    if changed == 1 { Ok(()) } else { Err(missing("lease", lease.id.0)) }
}

fn set_state(connection: &Connection, lease: &Lease) -> Result<usize> {
    let mut statement = connection.prepare_cached(STATE_OF)?;
    let before: Option<i64> = statement.query_row([lease.id.0], |row| row.get(0)).optional()?;
    let before = before.ok_or_else(|| missing("lease", lease.id.0))?;
    let before = encoding::state("lease.state", before)?;
    if before != lease.state {
        connection
            .prepare_cached(SET_STATE)?
            .execute((lease.id.0, encoding::state_number(lease.state)))?;
    }
    let place = (lease.customer, lease.product.kind, chunk(lease.id));
    match (before == LeaseState::Active, lease.state == LeaseState::Active) {
        (false, true) => count_up(connection, place, 1)?,
        (true, false) => count_down(connection, place)?,
        _ => {}
    }
    set_terms(connection, lease)
}

fn set_terms(connection: &Connection, lease: &Lease) -> Result<usize> {
    Ok(connection.prepare_cached(SET_TERMS)?.execute((
        lease.id.0,
        lease.ends_at.millis(),
        lease.reserved_until.map(Time::millis),
        lease.auto_extend.map(|period| period.days()),
        lease.retry_at.map(Time::millis),
        lease.look_at.millis(),
        lease.renew_card.map(|card| card.0),
    ))?)
}

/// Whose, of what kind, and in which chunk.
type Place = (CustomerId, ProxyKind, i64);

fn count_up(connection: &Connection, (customer, kind, chunk): Place, count: i64) -> Result<()> {
    let values = (customer.0, encoding::kind_number(kind), chunk, count);
    connection.prepare_cached(COUNT_UP)?.execute(values)?;
    Ok(())
}

fn count_down(connection: &Connection, (customer, kind, chunk): Place) -> Result<()> {
    let place = (customer.0, encoding::kind_number(kind), chunk);
    connection.prepare_cached(COUNT_DOWN)?.execute(place)?;
    connection.prepare_cached(FORGET_EMPTY)?.execute(place)?;
    Ok(())
}
