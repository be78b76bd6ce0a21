//! What leases have used.

use domain::ids::{CustomerId, LeaseId};
use domain::time::Time;
use domain::usage::{Day, DayOfLease, Days, Meter, MeterReading, Report, Taken, Used};

use super::row::Row;
use super::session::Ask;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::encoding::{corrupt, small};
use crate::records::UsageFilter;
use crate::usage::Progress;

statements! {
    /// Whoever takes a report of the same meter waits until this one is taken.
    METER = "SELECT last_number, part_day, part_lease_id, bytes_up, bytes_down, flows
        FROM meter WHERE id = $1 FOR UPDATE";
    ADD_METER = "INSERT INTO meter (id, gateway, last_number, part_day, part_lease_id, bytes_up,
        bytes_down, flows, at_ms) VALUES ($1, $2, 0, NULL, NULL, 0, 0, 0, 0)
        ON CONFLICT (id) DO NOTHING";
    SET_METER = "UPDATE meter SET gateway = $2, last_number = $3, part_day = $4,
        part_lease_id = $5, bytes_up = $6, bytes_down = $7, flows = $8, at_ms = $9
        WHERE id = $1";
    METERS = "SELECT id, gateway, last_number, at_ms, bytes_up, bytes_down, flows FROM meter
        WHERE id > $1 ORDER BY id LIMIT $2";
    /// Rows are written in the order in which they are given, so that two who write the same never
    /// wait for each other in a circle. What names no lease is passed over. The numbers stay small
    /// enough for every reader of JSON.
    ADD = "INSERT INTO usage_day AS old (day, lease_id, customer_id, bytes_up, bytes_down, flows)
        SELECT new.day, new.lease_id, owner.customer_id, new.bytes_up, new.bytes_down, new.flows
        FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]),
            CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]))
            AS new (day, lease_id, bytes_up, bytes_down, flows)
        CROSS JOIN LATERAL (SELECT lease.customer_id FROM lease
            WHERE lease.id = new.lease_id LIMIT 1) AS owner
        ON CONFLICT (day, lease_id) DO UPDATE SET
        bytes_up = LEAST(old.bytes_up + excluded.bytes_up, 9007199254740991),
        bytes_down = LEAST(old.bytes_down + excluded.bytes_down, 9007199254740991),
        flows = LEAST(old.flows + excluded.flows, 9007199254740991)";
    LIST = "SELECT day, lease_id, customer_id, bytes_up, bytes_down, flows FROM usage_day
        WHERE (day, lease_id) > ($1, $2) AND day <= $3 ORDER BY day, lease_id LIMIT $4";
    LIST_OF = "SELECT day, lease_id, customer_id, bytes_up, bytes_down, flows FROM usage_day
        WHERE customer_id = $5 AND (day, lease_id) > ($1, $2) AND day <= $3
        ORDER BY day, lease_id LIMIT $4";
    LIST_LEASE = "SELECT found.day, found.lease_id, found.customer_id, found.bytes_up,
        found.bytes_down, found.flows FROM unnest(CAST($1 AS BIGINT[])) AS wanted (day)
        CROSS JOIN LATERAL (SELECT usage_day.day, usage_day.lease_id, usage_day.customer_id,
            usage_day.bytes_up, usage_day.bytes_down, usage_day.flows FROM usage_day
            WHERE usage_day.day = wanted.day AND usage_day.lease_id = $2 LIMIT 1) AS found
        WHERE $3 = 0 OR found.customer_id = $3 LIMIT $4";
    FORGET = "WITH old AS MATERIALIZED (
            SELECT day, lease_id FROM usage_day WHERE day < $1
            ORDER BY day, lease_id LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM usage_day USING old
        WHERE usage_day.day = old.day AND usage_day.lease_id = old.lease_id";
}

/// See [`crate::Store::take_usage`]. Nobody waits for the rows that this writes but who writes the
/// same, so that a report is taken whole.
pub(super) fn take(tx: &Tx<'_>, gateway: &str, report: &Report, now: Time) -> Result<Taken> {
    let meter = report.meter.as_str();
    let progress = match progress(tx, meter)? {
        Some(progress) => progress,
        // A made-up meter whose reports cannot be taken leaves nothing behind.
        None if report.number != 1 => Progress::default(),
        None => {
            tx.execute(ADD_METER, &[&meter, &gateway])?;
            progress(tx, meter)?.unwrap_or_default()
        }
    };
    let part = match progress.next(report, usize::MAX) {
        Ok(part) => part,
        Err(taken) => return Ok(taken),
    };
    let column = |of: fn(&((Day, LeaseId), Used)) -> i64| part.lines.iter().map(of).collect();
    let days: Vec<i64> = column(|((day, _), _)| day.0);
    let leases: Vec<i64> = column(|((_, lease), _)| lease.0);
    let bytes_up: Vec<i64> = column(|(_, used)| whole(used.bytes_up));
    let bytes_down: Vec<i64> = column(|(_, used)| whole(used.bytes_down));
    let flows: Vec<i64> = column(|(_, used)| whole(used.flows));
    let after = &part.after;
    let (part_day, part_lease): (Option<i64>, Option<i64>) = (None, None);
    let answers = tx.all(&[
        Ask { sql: ADD, values: &[&days, &leases, &bytes_up, &bytes_down, &flows] },
        Ask {
            sql: SET_METER,
            values: &[
                &meter,
                &gateway,
                &after.last,
                &part_day,
                &part_lease,
                &whole(after.used.bytes_up),
                &whole(after.used.bytes_down),
                &whole(after.used.flows),
                &now.millis(),
            ],
        },
    ])?;
    let added = answers.first().map_or(0, |answer| answer.count);
    let lines = u64::try_from(part.lines.len()).unwrap_or(u64::MAX);
    Ok(part.taken(lines.saturating_sub(added)))
}

fn progress(tx: &Tx<'_>, meter: &str) -> Result<Option<Progress>> {
    let Some(row) = tx.row(METER, &[&meter])? else { return Ok(None) };
    Ok(Some(Progress {
        last: row.int(0)?,
        part: row.optional_int(1)?.map(Day).zip(row.optional_int(2)?.map(LeaseId)),
        used: used(&row, 3, "meter.bytes_up")?,
    }))
}

/// See [`crate::Store::usage`].
pub(super) fn list(
    tx: &Tx<'_>,
    filter: &UsageFilter,
    after: Option<(Day, LeaseId)>,
    limit: u32,
) -> Result<Vec<DayOfLease>> {
    let Days { from, to } = filter.days;
    let (day, lease) = after.unwrap_or((from, LeaseId(i64::MIN))).max((from, LeaseId(i64::MIN)));
    let limit = i64::from(limit);
    let rows = match (filter.lease, filter.customer) {
        (Some(wanted), customer) => {
            let first = if lease < wanted { day.0 } else { day.0 + 1 };
            let days: Vec<i64> = (first..=to.0).collect();
            let customer = customer.map_or(0, |customer| customer.0);
            tx.rows(LIST_LEASE, &[&days, &wanted.0, &customer, &limit])?
        }
        (None, Some(customer)) => {
            tx.rows(LIST_OF, &[&day.0, &lease.0, &to.0, &limit, &customer.0])?
        }
        (None, None) => tx.rows(LIST, &[&day.0, &lease.0, &to.0, &limit])?,
    };
    rows.iter().map(line).collect()
}

/// See [`crate::Store::meters`].
pub(super) fn meters(tx: &Tx<'_>, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>> {
    let rows = tx.rows(METERS, &[&after.map_or("", Meter::as_str), &i64::from(limit)])?;
    let reading = |row: &Row| {
        let id = row.text(0)?;
        Ok(MeterReading {
            meter: Meter::parse(id).ok_or_else(|| corrupt("meter.id", id))?,
            gateway: row.text(1)?.to_owned(),
            last: row.int(2)?,
            at: row.time(3)?,
            used: used(row, 4, "meter.bytes_up")?,
        })
    };
    rows.iter().map(reading).collect()
}

/// See [`crate::Store::forget_usage`].
pub(super) fn forget(tx: &Tx<'_>, before: Day, limit: u32) -> Result<u32> {
    let gone = tx.execute(FORGET, &[&before.0, &i64::from(limit)])?;
    Ok(u32::try_from(gone).expect("no more than the limit"))
}

fn line(row: &Row) -> Result<DayOfLease> {
    Ok(DayOfLease {
        day: Day(row.int(0)?),
        lease: LeaseId(row.int(1)?),
        customer: CustomerId(row.int(2)?),
        used: used(row, 3, "usage_day.bytes_up")?,
    })
}

/// Reads three numbers from this column on.
fn used(row: &Row, first: usize, name: &'static str) -> Result<Used> {
    let number = |column: usize| -> Result<u64> { small(name, row.int(column)?) };
    Ok(Used { bytes_up: number(first)?, bytes_down: number(first + 1)?, flows: number(first + 2)? })
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
