//! Rotations, and the modems that do them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{AddressId, CustomerId, LeaseId, RotationId};
use domain::rotation::{Cause, Dialer, Rotated, Rotation, State, Timer, due};
use domain::time::Time;

use super::failure::missing;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use super::value::Value;
use crate::encoding::corrupt;
use crate::encoding::rotation::StateColumns;
use crate::records::NewAddress;
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
        FROM lease JOIN customer_order ON customer_order.id = lease.order_id
        JOIN address ON address.id = lease.address_id WHERE lease.id = $1";
    DIALER = "SELECT exit_ip, exits, dialing, asked_at_ms, rotation_id FROM modem WHERE name = $1";
    /// A modem has a row before it is locked: what is not there cannot be.
    ADD_DIALER = "INSERT INTO modem (name, exits, dialing, changed) VALUES ($1, 0, 0, 0)
        ON CONFLICT (name) DO NOTHING";
    OWN_DIALER = "SELECT exit_ip, exits, dialing, asked_at_ms, rotation_id FROM modem
        WHERE name = $1 FOR NO KEY UPDATE";
    KEEP_DIALER = "UPDATE modem SET exit_ip = $2, exits = $3, dialing = $4, asked_at_ms = $5,
        rotation_id = $6 WHERE name = $1";
    CHANGED = "SELECT name, changed FROM modem WHERE changed > $1 ORDER BY changed";
    RAISE = "INSERT INTO exit_state (id, version, next_rotation) VALUES (1, 1, 1)
        ON CONFLICT (id) DO UPDATE SET version = exit_state.version + 1 RETURNING version";
    NOTE = "UPDATE modem SET changed = $2 WHERE name = ANY($1)";
    NEXT_ID = "INSERT INTO exit_state (id, version, next_rotation) VALUES (1, 0, 2)
        ON CONFLICT (id) DO UPDATE SET next_rotation = exit_state.next_rotation + 1
        RETURNING next_rotation - 1";
    ADD = "INSERT INTO rotation (id, modem, lease_id, cause, tries, state, asked_at_ms, claim)
        VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0)";
    KEEP = "UPDATE rotation SET state = $2, until_ms = $3, old_ip = $4, new_ip = $5, failure = $6,
        begun_at_ms = $7, ended_at_ms = $8, claim = $9 WHERE id = $1";
    ONE = concat!(columns!(), "WHERE id = $1");
    OPEN = concat!(columns!(), "WHERE ended_at_ms IS NULL ORDER BY modem");
    OF_LEASE = concat!(columns!(), "WHERE lease_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    LAST_OF_MODEM = concat!(columns!(), "WHERE modem = $1 ORDER BY id DESC LIMIT 1");
    FORGET = "DELETE FROM rotation WHERE id = ANY(ARRAY(SELECT id FROM rotation
        WHERE ended_at_ms <= $1 ORDER BY ended_at_ms LIMIT $2))";
    IS_ANY_OLD = "SELECT EXISTS (SELECT FROM rotation WHERE ended_at_ms <= $1)";
    TIMERS = "SELECT address.modem, address.id, lease.id, lease.starts_at_ms,
        customer_order.rotation_seconds, modem.asked_at_ms
        FROM address CROSS JOIN LATERAL (
            SELECT * FROM lease WHERE lease.id = address.lease_id AND lease.state = 0
            AND lease.ends_at_ms > $3 LIMIT 1
        ) AS lease CROSS JOIN LATERAL (
            SELECT * FROM customer_order WHERE customer_order.id = lease.order_id
            AND customer_order.rotation_seconds > 0 LIMIT 1
        ) AS customer_order LEFT JOIN modem ON modem.name = address.modem
        WHERE address.modem IS NOT NULL AND (address.modem, address.id) > ($1, $2)
        ORDER BY address.modem, address.id LIMIT $4";
    RENEW_LINK = "UPDATE lease SET reboot_epoch = reboot_epoch + 1
        WHERE id = $1 AND customer_id = $2 AND state = 0 AND ends_at_ms > $3
        RETURNING reboot_epoch";
    MOVED = "SELECT known.id, new.modem
        FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]), CAST($3 AS TEXT[]))
        AS new (ip, slot, modem) CROSS JOIN LATERAL (
            SELECT id FROM address WHERE address.ip = new.ip AND address.slot = new.slot
            AND address.drawn = 0 AND address.modem IS DISTINCT FROM new.modem LIMIT 1
        ) AS known";
    SET_MODEM = "UPDATE address SET modem = $2 WHERE id = ANY($1)";
}

/// A desk in a transaction.
pub(super) struct Rows<'t> {
    pub(super) tx: &'t Tx<'t>,
    pub(super) catalogue: Arc<Catalogue>,
    /// Whether it is for writing: then modems are kept from others until the end.
    pub(super) owns: bool,
}

impl Desk for Rows<'_> {
    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.catalogue))
    }

    fn lease(&self, id: LeaseId) -> Result<Option<Rotated>> {
        let Some(row) = self.tx.row(LEASE, &[&id.0])? else { return Ok(None) };
        let seconds = row.optional_int(5)?;
        Ok(Some(Rotated {
            customer: CustomerId(row.int(0)?),
            kind: encoding::kind("lease.kind", row.int(1)?)?,
            state: encoding::state("lease.state", row.int(2)?)?,
            starts_at: row.time(3)?,
            ends_at: row.time(4)?,
            rotation_seconds: seconds
                .map(|it| encoding::small("customer_order.rotation_seconds", it))
                .transpose()?,
            modem: row.optional_text(6)?.map(str::to_owned),
            epoch: encoding::small("lease.reboot_epoch", row.int(7)?)?,
        }))
    }

    fn dialer(&self, name: &str) -> Result<Dialer> {
        let row = match self.owns {
            false => self.tx.row(DIALER, &[&name])?,
            true => {
                self.tx.execute(ADD_DIALER, &[&name])?;
                self.tx.row(OWN_DIALER, &[&name])?
            }
        };
        let Some(row) = row else { return Ok(Dialer::new(name)) };
        let exit = row.optional_text(0)?;
        Ok(Dialer {
            name: name.to_owned(),
            exit: exit.map(|text| encoding::ip("modem.exit_ip", text)).transpose()?,
            exits: encoding::small("modem.exits", row.int(1)?)?,
            dialing: row.flag(2)?,
            asked_at: row.optional_time(3)?,
            open: row.optional_int(4)?.map(RotationId),
        })
    }

    fn keep_dialer(&self, dialer: &Dialer, is_seen: bool) -> Result<()> {
        let values: [&dyn Value; 6] = [
            &dialer.name,
            &dialer.exit.map(|ip| ip.to_string()),
            &i64::from(dialer.exits),
            &i64::from(dialer.dialing),
            &dialer.asked_at.map(Time::millis),
            &dialer.open.map(|id| id.0),
        ];
        self.tx.execute(KEEP_DIALER, &values)?;
        if is_seen {
            note_changed(self.tx, &[dialer.name.as_str()])?;
        }
        Ok(())
    }

    fn next_id(&self) -> Result<RotationId> {
        let row = self.tx.row(NEXT_ID, &[])?;
        row.map_or(Err(missing("exit_state", 1)), |row| row.int(0)).map(RotationId)
    }

    fn add(&self, it: &Rotation) -> Result<()> {
        let (lease, tries) = (it.lease.map(|id| id.0), i64::from(it.tries));
        let (cause, asked) = (it.cause.name(), it.asked_at.millis());
        self.tx.execute(ADD, &[&it.id.0, &it.modem, &lease, &cause, &tries, &asked]).map(|_| ())
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        one(self.tx, id)
    }

    fn keep(&self, it: &Rotation) -> Result<()> {
        let StateColumns { state, until_ms, old_ip, new_ip, failure } = it.state.into();
        let (begun, ended) = (it.begun_at.map(Time::millis), it.ended_at.map(Time::millis));
        let values: [&dyn Value; 9] =
            [&it.id.0, &state, &until_ms, &old_ip, &new_ip, &failure, &begun, &ended, &it.claim];
        self.tx.execute(KEEP, &values).map(|_| ())
    }

    fn open(&self) -> Result<Vec<Rotation>> {
        listed(self.tx, OPEN, &[])
    }
}

fn rotation(row: &Row) -> Result<Rotation> {
    let text = |column| Ok::<_, crate::error::Error>(row.optional_text(column)?.map(str::to_owned));
    let cause = row.text(3)?;
    let columns = StateColumns {
        state: row.text(5)?.to_owned(),
        until_ms: row.optional_int(6)?,
        old_ip: text(7)?,
        new_ip: text(8)?,
        failure: text(9)?,
    };
    Ok(Rotation {
        id: RotationId(row.int(0)?),
        modem: row.text(1)?.to_owned(),
        lease: row.optional_int(2)?.map(LeaseId),
        cause: Cause::from_name(cause).ok_or_else(|| corrupt("rotation.cause", cause))?,
        tries: encoding::small("rotation.tries", row.int(4)?)?,
        state: State::try_from(columns)?,
        asked_at: row.time(10)?,
        begun_at: row.optional_time(11)?,
        ended_at: row.optional_time(12)?,
        claim: row.int(13)?,
    })
}

fn listed(tx: &Tx<'_>, sql: &'static str, values: &[&dyn Value]) -> Result<Vec<Rotation>> {
    tx.rows(sql, values)?.iter().map(rotation).collect()
}

/// See [`crate::Store::rotation`].
pub(super) fn one(tx: &Tx<'_>, id: RotationId) -> Result<Option<Rotation>> {
    Ok(listed(tx, ONE, &[&id.0])?.pop())
}

/// See [`crate::Store::rotations`].
pub(super) fn of_lease(
    tx: &Tx<'_>,
    lease: LeaseId,
    after: Option<RotationId>,
    limit: u32,
) -> Result<Vec<Rotation>> {
    listed(tx, OF_LEASE, &[&lease.0, &after.map_or(0, |id| id.0), &i64::from(limit)])
}

/// See [`crate::Store::rotation_timers`].
pub(super) fn timers(
    tx: &Tx<'_>,
    after: Option<&(String, AddressId)>,
    limit: u32,
    now: Time,
) -> Result<Vec<Timer>> {
    let (modem, address) = after.map_or(("", 0), |(modem, id)| (modem.as_str(), id.0));
    let rows = tx.rows(TIMERS, &[&modem, &address, &now.millis(), &i64::from(limit)])?;
    let timer = |row: &Row| {
        let seconds = encoding::small("customer_order.rotation_seconds", row.int(4)?)?;
        Ok(Timer {
            modem: row.text(0)?.to_owned(),
            address: AddressId(row.int(1)?),
            lease: LeaseId(row.int(2)?),
            due: due(Some(seconds), row.time(3)?, row.optional_time(5)?).unwrap_or(Time::FAR),
        })
    };
    rows.iter().map(timer).collect()
}

/// See [`crate::Store::dialers`].
pub(super) fn dialers(
    rows: &Rows<'_>,
    names: &BTreeSet<String>,
) -> Result<Vec<(Dialer, Option<Rotation>)>> {
    let one = |name: &String| {
        let last = listed(rows.tx, LAST_OF_MODEM, &[name])?.pop();
        Ok((rows.dialer(name)?, last))
    };
    names.iter().map(one).collect()
}

/// See [`crate::Store::modems_changed`].
pub(super) fn changed(tx: &Tx<'_>, after: i64) -> Result<(i64, BTreeSet<String>)> {
    let (mut last, mut names) = (after, BTreeSet::new());
    for row in tx.rows(CHANGED, &[&after])? {
        names.insert(row.text(0)?.to_owned());
        last = row.int(1)?;
    }
    Ok((last, names))
}

/// Notes that gateways have to look at the leases of modems again. Their rows are owned.
fn note_changed(tx: &Tx<'_>, names: &[&str]) -> Result<()> {
    let row = tx.row(RAISE, &[])?;
    let number = row.map_or(Err(missing("exit_state", 1)), |row| row.int(0))?;
    tx.execute(NOTE, &[&names.to_vec(), &number]).map(|_| ())
}

/// See [`crate::Store::renew_reboot_link`].
pub(super) fn renew_link(
    tx: &Tx<'_>,
    customer: CustomerId,
    lease: LeaseId,
    now: Time,
) -> Result<Option<u32>> {
    let row = tx.row(RENEW_LINK, &[&lease.0, &customer.0, &now.millis()])?;
    row.map(|row| encoding::small("lease.reboot_epoch", row.int(0)?)).transpose()
}

/// Forgets up to `limit` jobs that ended by then; says how many.
pub(super) fn forget(tx: &Tx<'_>, by: Time, limit: u32) -> Result<u32> {
    let gone = tx.execute(FORGET, &[&by.millis(), &i64::from(limit)])?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

/// Whether any job ended so long ago.
pub(super) fn is_any_old(tx: &Tx<'_>, by: Time) -> Result<bool> {
    tx.row(IS_ANY_OLD, &[&by.millis()])?.map_or(Ok(false), |row| row.truth(0))
}

/// Says which modems addresses are behind that are in stock already.
pub(super) fn set_modems(tx: &Tx<'_>, known: &[NewAddress]) -> Result<()> {
    let behind = known.iter().filter_map(|it| Some((it, it.modem.as_deref()?)));
    let (addresses, modems): (Vec<&NewAddress>, Vec<&str>) = behind.unzip();
    if modems.is_empty() {
        return Ok(());
    }
    let ips: Vec<String> = addresses.iter().map(|it| IpAddr::to_string(&it.ip)).collect();
    let slots: Vec<i64> = addresses.iter().map(|it| it.slot.into()).collect();
    let mut moved: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in tx.rows(MOVED, &[&ips, &slots, &modems])? {
        moved.entry(row.text(1)?.to_owned()).or_default().push(row.int(0)?);
    }
    for (name, ids) in &moved {
        tx.execute(ADD_DIALER, &[name])?;
        tx.row(OWN_DIALER, &[name])?;
        tx.execute(SET_MODEM, &[ids, name])?;
    }
    match moved.is_empty() {
        true => Ok(()),
        false => note_changed(tx, &moved.keys().map(String::as_str).collect::<Vec<_>>()),
    }
}
