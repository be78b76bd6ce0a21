//! Rotations, and the modems that do them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{AddressId, CustomerId, LeaseId, RotationId};
use domain::rotation::{Cause, Dialer, Rotated, Rotation, State, Timer, due};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::encoding::corrupt;
use crate::encoding::rotation::StateColumns;
use crate::rotating::Desk;
use crate::{Result, encoding};

/// What [`rotation`] reads.
macro_rules! columns {
    () => {
        "SELECT id, modem, lease_id, cause, tries, state, until_ms, old_ip, new_ip, failure,
         asked_at_ms, begun_at_ms, ended_at_ms, claim FROM rotation "
    };
}

statements! {
    LEASE = "SELECT lease.customer_id, lease.kind, lease.state, lease.starts_at_ms,
        lease.ends_at_ms, customer_order.rotation_seconds, address.modem, lease.reboot_epoch
        FROM lease CROSS JOIN customer_order ON customer_order.id = lease.order_id
        CROSS JOIN address ON address.id = lease.address_id WHERE lease.id = ?1";
    DIALER = "SELECT exit_ip, exits, dialing, asked_at_ms, rotation_id FROM modem WHERE name = ?1";
    KEEP_DIALER = "INSERT INTO modem (name, exit_ip, exits, dialing, asked_at_ms, rotation_id,
        changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT (name) DO UPDATE SET
        exit_ip = excluded.exit_ip, exits = excluded.exits, dialing = excluded.dialing,
        asked_at_ms = excluded.asked_at_ms, rotation_id = excluded.rotation_id";
    CHANGED = "SELECT name, changed FROM modem WHERE changed > ?1 ORDER BY changed";
    RAISE = "INSERT INTO exit_state (id, version, next_rotation) VALUES (1, 1, 1)
        ON CONFLICT (id) DO UPDATE SET version = exit_state.version + 1 RETURNING version";
    NOTE = "INSERT INTO modem (name, exits, dialing, changed) VALUES (?1, 0, 0, ?2)
        ON CONFLICT (name) DO UPDATE SET changed = excluded.changed";
    NEXT_ID = "INSERT INTO exit_state (id, version, next_rotation) VALUES (1, 0, 2)
        ON CONFLICT (id) DO UPDATE SET next_rotation = exit_state.next_rotation + 1
        RETURNING next_rotation - 1";
    ADD = "INSERT INTO rotation (id, modem, lease_id, cause, tries, state, asked_at_ms, claim)
        VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, 0)";
    KEEP = "UPDATE rotation SET state = ?2, until_ms = ?3, old_ip = ?4, new_ip = ?5, failure = ?6,
        begun_at_ms = ?7, ended_at_ms = ?8, claim = ?9 WHERE id = ?1";
    ONE = concat!(columns!(), "WHERE id = ?1");
    OPEN = concat!(columns!(), "WHERE ended_at_ms IS NULL ORDER BY modem");
    OF_LEASE = concat!(columns!(), "WHERE lease_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    LAST_OF_MODEM = concat!(columns!(), "WHERE modem = ?1 ORDER BY id DESC LIMIT 1");
    FORGET = "DELETE FROM rotation WHERE id IN (SELECT id FROM rotation
        WHERE ended_at_ms <= ?1 ORDER BY ended_at_ms LIMIT ?2)";
    IS_ANY_OLD = "SELECT EXISTS (SELECT 1 FROM rotation WHERE ended_at_ms <= ?1)";
    TIMERS = "SELECT address.modem, address.id, lease.id, lease.starts_at_ms,
        customer_order.rotation_seconds, modem.asked_at_ms
        FROM address CROSS JOIN lease ON lease.id = address.lease_id
        CROSS JOIN customer_order ON customer_order.id = lease.order_id
        LEFT JOIN modem ON modem.name = address.modem
        WHERE address.modem IS NOT NULL AND (address.modem, address.id) > (?1, ?2)
        AND lease.state = 0 AND lease.ends_at_ms > ?3 AND customer_order.rotation_seconds > 0
        ORDER BY address.modem, address.id LIMIT ?4";
    RENEW_LINK = "UPDATE lease SET reboot_epoch = reboot_epoch + 1
        WHERE id = ?1 AND customer_id = ?2 AND state = 0 AND ends_at_ms > ?3
        RETURNING reboot_epoch";
    SET_MODEM = "UPDATE address SET modem = ?3
        WHERE ip = ?1 AND slot = ?2 AND drawn = 0 AND modem IS NOT ?3";
}

/// A desk at a connection, within a transaction.
pub(super) struct Rows<'c> {
    pub(super) connection: &'c Connection,
    pub(super) catalogue: Arc<Catalogue>,
}

impl Desk for Rows<'_> {
    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.catalogue))
    }

    fn lease(&self, id: LeaseId) -> Result<Option<Rotated>> {
        let mut statement = self.connection.prepare_cached(LEASE)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Rotated {
            customer: CustomerId(row.get(0)?),
            kind: encoding::kind("lease.kind", row.get(1)?)?,
            state: encoding::state("lease.state", row.get(2)?)?,
            starts_at: Time::from_millis(row.get(3)?),
            ends_at: Time::from_millis(row.get(4)?),
            rotation_seconds: row.get(5)?,
            modem: row.get(6)?,
            epoch: row.get(7)?,
        }))
    }

    fn dialer(&self, name: &str) -> Result<Dialer> {
        let mut statement = self.connection.prepare_cached(DIALER)?;
        let mut rows = statement.query([name])?;
        let Some(row) = rows.next()? else { return Ok(Dialer::new(name)) };
        Ok(Dialer {
            name: name.to_owned(),
            exit: exit(row.get(0)?)?,
            exits: row.get(1)?,
            dialing: row.get(2)?,
            asked_at: time(row, 3)?,
            open: row.get::<_, Option<i64>>(4)?.map(RotationId),
        })
    }

    fn keep_dialer(&self, dialer: &Dialer, is_seen: bool) -> Result<()> {
        self.connection.prepare_cached(KEEP_DIALER)?.execute((
            &dialer.name,
            dialer.exit.map(|ip| ip.to_string()),
            dialer.exits,
            dialer.dialing,
            dialer.asked_at.map(Time::millis),
            dialer.open.map(|id| id.0),
        ))?;
        if is_seen {
            note_changed(self.connection, [dialer.name.as_str()])?;
        }
        Ok(())
    }

    fn next_id(&self) -> Result<RotationId> {
        let mut statement = self.connection.prepare_cached(NEXT_ID)?;
        Ok(statement.query_row([], |row| row.get(0).map(RotationId))?)
    }

    fn add(&self, it: &Rotation) -> Result<()> {
        let lease = it.lease.map(|id| id.0);
        let values = (it.id.0, &it.modem, lease, it.cause.name(), it.tries, it.asked_at.millis());
        self.connection.prepare_cached(ADD)?.execute(values)?;
        Ok(())
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        one(self.connection, id)
    }

    fn keep(&self, it: &Rotation) -> Result<()> {
        let StateColumns { state, until_ms, old_ip, new_ip, failure } = it.state.into();
        let (begun, ended) = (it.begun_at.map(Time::millis), it.ended_at.map(Time::millis));
        let values = (it.id.0, state, until_ms, old_ip, new_ip, failure, begun, ended, it.claim);
        self.connection.prepare_cached(KEEP)?.execute(values)?;
        Ok(())
    }

    fn open(&self) -> Result<Vec<Rotation>> {
        listed(self.connection, OPEN, [])
    }
}

fn time(row: &Row<'_>, column: usize) -> Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Time::from_millis))
}

fn exit(text: Option<String>) -> Result<Option<IpAddr>> {
    text.map(|text| encoding::ip("modem.exit_ip", &text)).transpose()
}

fn rotation(row: &Row<'_>) -> Result<Rotation> {
    let cause: String = row.get(3)?;
    let columns = StateColumns {
        state: row.get(5)?,
        until_ms: row.get(6)?,
        old_ip: row.get(7)?,
        new_ip: row.get(8)?,
        failure: row.get(9)?,
    };
    Ok(Rotation {
        id: RotationId(row.get(0)?),
        modem: row.get(1)?,
        lease: row.get::<_, Option<i64>>(2)?.map(LeaseId),
        cause: Cause::from_name(&cause).ok_or_else(|| corrupt("rotation.cause", cause))?,
        tries: row.get(4)?,
        state: State::try_from(columns)?,
        asked_at: Time::from_millis(row.get(10)?),
        begun_at: time(row, 11)?,
        ended_at: time(row, 12)?,
        claim: row.get(13)?,
    })
}

fn listed(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Rotation>> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(values)?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(rotation(row)?);
    }
    Ok(list)
}

/// See [`crate::Store::rotation`].
pub(super) fn one(connection: &Connection, id: RotationId) -> Result<Option<Rotation>> {
    Ok(listed(connection, ONE, [id.0])?.pop())
}

/// See [`crate::Store::rotations`].
pub(super) fn of_lease(
    connection: &Connection,
    lease: LeaseId,
    after: Option<RotationId>,
    limit: u32,
) -> Result<Vec<Rotation>> {
    listed(connection, OF_LEASE, (lease.0, after.map_or(0, |id| id.0), limit))
}

/// See [`crate::Store::rotation_timers`].
pub(super) fn timers(
    connection: &Connection,
    after: Option<(String, AddressId)>,
    limit: u32,
    now: Time,
) -> Result<Vec<Timer>> {
    let (modem, address) = after.map_or((String::new(), 0), |(modem, id)| (modem, id.0));
    let mut statement = connection.prepare_cached(TIMERS)?;
    let mut rows = statement.query((modem, address, now.millis(), limit))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let (starts_at, seconds) = (Time::from_millis(row.get(3)?), row.get(4)?);
        list.push(Timer {
            modem: row.get(0)?,
            address: AddressId(row.get(1)?),
            lease: LeaseId(row.get(2)?),
            due: due(seconds, starts_at, time(row, 5)?).unwrap_or(Time::FAR),
        });
    }
    Ok(list)
}

/// See [`crate::Store::dialers`].
pub(super) fn dialers(
    rows: &Rows<'_>,
    names: &BTreeSet<String>,
) -> Result<Vec<(Dialer, Option<Rotation>)>> {
    let one = |name: &String| {
        let last = listed(rows.connection, LAST_OF_MODEM, [name])?.pop();
        Ok((rows.dialer(name)?, last))
    };
    names.iter().map(one).collect()
}

/// See [`crate::Store::modems_changed`].
pub(super) fn changed(connection: &Connection, after: i64) -> Result<(i64, BTreeSet<String>)> {
    let mut statement = connection.prepare_cached(CHANGED)?;
    let mut rows = statement.query([after])?;
    let (mut last, mut names) = (after, BTreeSet::new());
    while let Some(row) = rows.next()? {
        names.insert(row.get(0)?);
        last = row.get(1)?;
    }
    Ok((last, names))
}

/// Notes that gateways have to look at the leases of modems again.
pub(super) fn note_changed<'n>(
    connection: &Connection,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<()> {
    let number: i64 = connection.prepare_cached(RAISE)?.query_row([], |row| row.get(0))?;
    for name in names {
        connection.prepare_cached(NOTE)?.execute((name, number))?;
    }
    Ok(())
}

/// See [`crate::Store::renew_reboot_link`].
pub(super) fn renew_link(
    connection: &Connection,
    customer: CustomerId,
    lease: LeaseId,
    now: Time,
) -> Result<Option<u32>> {
    let mut statement = connection.prepare_cached(RENEW_LINK)?;
    let values = (lease.0, customer.0, now.millis());
    Ok(statement.query_row(values, |row| row.get(0)).optional()?)
}

/// Forgets up to `limit` jobs that ended by then; says how many.
pub(super) fn forget(connection: &Connection, by: Time, limit: u32) -> Result<u32> {
    let gone = connection.prepare_cached(FORGET)?.execute((by.millis(), limit))?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

/// Whether any job ended so long ago.
pub(super) fn is_any_old(connection: &Connection, before: Time) -> Result<bool> {
    let mut statement = connection.prepare_cached(IS_ANY_OLD)?;
    Ok(statement.query_row([before.millis()], |row| row.get(0))?)
}

/// Says which modem an address in stock is behind. Says whether that is news.
pub(super) fn set_modem(
    connection: &Connection,
    ip: IpAddr,
    slot: u32,
    modem: &str,
) -> Result<bool> {
    let values = (ip.to_string(), slot, modem);
    Ok(connection.prepare_cached(SET_MODEM)?.execute(values)? == 1)
}
