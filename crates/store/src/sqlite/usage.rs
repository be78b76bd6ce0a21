//! What leases have used.

use domain::ids::{CustomerId, LeaseId};
use domain::time::Time;
use domain::usage::{Day, DayOfLease, Days, Meter, MeterReading, Report, Taken, Used};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::Result;
use crate::encoding::{corrupt, small};
use crate::records::UsageFilter;
use crate::usage::{Part, Progress};

statements! {
    METER = "SELECT last_number, part_day, part_lease_id, bytes_up, bytes_down, flows
        FROM meter WHERE id = ?1";
    PUT_METER = "INSERT INTO meter (id, gateway, last_number, part_day, part_lease_id, bytes_up,
        bytes_down, flows, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET gateway = excluded.gateway,
        last_number = excluded.last_number, part_day = excluded.part_day,
        part_lease_id = excluded.part_lease_id, bytes_up = excluded.bytes_up,
        bytes_down = excluded.bytes_down, flows = excluded.flows, at_ms = excluded.at_ms";
    METERS = "SELECT id, gateway, last_number, at_ms, bytes_up, bytes_down, flows FROM meter
        WHERE id > ?1 ORDER BY id LIMIT ?2";
    /// The numbers stay small enough for every reader of JSON.
    ADD = "UPDATE usage_day SET bytes_up = MIN(bytes_up + ?3, 9007199254740991),
        bytes_down = MIN(bytes_down + ?4, 9007199254740991),
        flows = MIN(flows + ?5, 9007199254740991)
        WHERE day = ?1 AND lease_id = ?2";
    /// What a lease uses first on a day, if there is such a lease.
    BEGIN_DAY = "INSERT INTO usage_day (day, lease_id, customer_id, bytes_up, bytes_down, flows)
        SELECT ?1, id, customer_id, ?3, ?4, ?5 FROM lease WHERE id = ?2";
    LIST = "SELECT day, lease_id, customer_id, bytes_up, bytes_down, flows FROM usage_day
        WHERE (day, lease_id) > (?1, ?2) AND day <= ?3 ORDER BY day, lease_id LIMIT ?4";
    LIST_OF = "SELECT day, lease_id, customer_id, bytes_up, bytes_down, flows FROM usage_day
        WHERE customer_id = ?5 AND (day, lease_id) > (?1, ?2) AND day <= ?3
        ORDER BY day, lease_id LIMIT ?4";
    ONE = "SELECT day, lease_id, customer_id, bytes_up, bytes_down, flows FROM usage_day
        WHERE day = ?1 AND lease_id = ?2";
    FORGET = "DELETE FROM usage_day WHERE (day, lease_id) IN
        (SELECT day, lease_id FROM usage_day WHERE day < ?1 ORDER BY day, lease_id LIMIT ?2)";
}

/// So many lines are taken in one transaction. Others who write wait for no more than that: about
/// eight milliseconds where all are the first of their leases on a day, and three otherwise.
const AT_ONCE: usize = 1_000;

/// See [`crate::Store::take_usage`]. Says too whether anything was written.
pub(super) fn take(
    connection: &Connection,
    gateway: &str,
    report: &Report,
    now: Time,
) -> Result<(Taken, bool)> {
    let progress = progress(connection, &report.meter)?;
    let part = match progress.next(report, AT_ONCE) {
        Ok(part) => part,
        Err(taken) => return Ok((taken, false)),
    };
    let (mut add, mut begin) =
        (connection.prepare_cached(ADD)?, connection.prepare_cached(BEGIN_DAY)?);
    let mut unknown = 0;
    for ((day, lease), used) in &part.lines {
        let values =
            (day.0, lease.0, whole(used.bytes_up), whole(used.bytes_down), whole(used.flows));
        if add.execute(values)? == 0 && begin.execute(values)? == 0 {
            unknown += 1;
        }
    }
    put(connection, gateway, report, &part, now)?;
    Ok((part.taken(unknown), true))
}

fn put(
    connection: &Connection,
    gateway: &str,
    report: &Report,
    part: &Part,
    now: Time,
) -> Result<()> {
    let after = &part.after;
    connection.prepare_cached(PUT_METER)?.execute((
        report.meter.as_str(),
        gateway,
        after.last,
        after.part.map(|(day, _)| day.0),
        after.part.map(|(_, lease)| lease.0),
        whole(after.used.bytes_up),
        whole(after.used.bytes_down),
        whole(after.used.flows),
        now.millis(),
    ))?;
    Ok(())
}

fn progress(connection: &Connection, meter: &Meter) -> Result<Progress> {
    let mut statement = connection.prepare_cached(METER)?;
    let mut rows = statement.query([meter.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(Progress::default()) };
    let day: Option<i64> = row.get(1)?;
    let lease: Option<i64> = row.get(2)?;
    Ok(Progress {
        last: row.get(0)?,
        part: day.map(Day).zip(lease.map(LeaseId)),
        used: used(row, 3, "meter.bytes_up")?,
    })
}

/// See [`crate::Store::usage`].
pub(super) fn list(
    connection: &Connection,
    filter: &UsageFilter,
    after: Option<(Day, LeaseId)>,
    limit: u32,
) -> Result<Vec<DayOfLease>> {
    let Days { from, to } = filter.days;
    let (day, lease) = after.unwrap_or((from, LeaseId(i64::MIN))).max((from, LeaseId(i64::MIN)));
    if let Some(wanted) = filter.lease {
        let first = if lease < wanted { day } else { Day(day.0 + 1) };
        let days = (first.0..=to.0).map(Day);
        let theirs = |it: &DayOfLease| filter.customer.is_none_or(|id| id == it.customer);
        let mut statement = connection.prepare_cached(ONE)?;
        let mut found = Vec::new();
        for day in days {
            let one = statement.query_row((day.0, wanted.0), |row| Ok(line(row))).optional()?;
            found.extend(one.transpose()?.filter(theirs));
            if found.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                break;
            }
        }
        return Ok(found);
    }
    let mut lines = Vec::new();
    let mut see = |mut rows: rusqlite::Rows<'_>| -> Result<()> {
        while let Some(row) = rows.next()? {
            lines.push(line(row)?);
        }
        Ok(())
    };
    match filter.customer {
        Some(customer) => see(connection
            .prepare_cached(LIST_OF)?
            .query((day.0, lease.0, to.0, limit, customer.0))?)?,
        None => see(connection.prepare_cached(LIST)?.query((day.0, lease.0, to.0, limit))?)?,
    }
    Ok(lines)
}

/// See [`crate::Store::meters`].
pub(super) fn meters(
    connection: &Connection,
    after: Option<&Meter>,
    limit: u32,
) -> Result<Vec<MeterReading>> {
    let mut statement = connection.prepare_cached(METERS)?;
    let mut rows = statement.query((after.map_or("", Meter::as_str), limit))?;
    let mut meters = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        meters.push(MeterReading {
            meter: Meter::parse(id).ok_or_else(|| corrupt("meter.id", id))?,
            gateway: row.get(1)?,
            last: row.get(2)?,
            at: Time::from_millis(row.get(3)?),
            used: used(row, 4, "meter.bytes_up")?,
        });
    }
    Ok(meters)
}

/// See [`crate::Store::forget_usage`].
pub(super) fn forget(connection: &Connection, before: Day, limit: u32) -> Result<u32> {
    let gone = connection.prepare_cached(FORGET)?.execute((before.0, limit))?;
    Ok(u32::try_from(gone).expect("no more than the limit"))
}

fn line(row: &Row<'_>) -> Result<DayOfLease> {
    Ok(DayOfLease {
        day: Day(row.get(0)?),
        lease: LeaseId(row.get(1)?),
        customer: CustomerId(row.get(2)?),
        used: used(row, 3, "usage_day.bytes_up")?,
    })
}

/// Reads three numbers from this column on.
fn used(row: &Row<'_>, first: usize, name: &'static str) -> Result<Used> {
    let number = |column: usize| -> Result<u64> { small(name, row.get(column)?) };
    Ok(Used { bytes_up: number(first)?, bytes_down: number(first + 1)?, flows: number(first + 2)? })
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
