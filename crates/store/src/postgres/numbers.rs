//! Ids, taken in blocks.
//!
//! A block is taken in a transaction of its own, in one message, so that nobody ever waits for
//! somebody who holds the row and says nothing. It is taken after the wallets are locked, so that
//! of two batches that depend on each other the later one has the higher ids. A batch that fails
//! afterwards leaves a gap.

use std::fmt::Write as _;

use domain::world::NextIds;

use super::failure::is_lost;
use super::pool::Pool;
use super::transaction::PATIENCE;
use crate::Result;
use crate::encoding::corrupt;

/// The first ids of blocks of as many as `counts` says, which nobody else will get.
///
/// The disk is not waited for: whoever commits with one of these ids comes later in the log, and
/// waits for it all.
pub(super) fn take(numbers: &Pool, counts: NextIds) -> Result<NextIds> {
    let script = script(counts);
    let ask = || {
        let session = numbers.take(PATIENCE)?;
        session.simple_row(&script, PATIENCE).inspect_err(|_| session.give_up())
    };
    let row = match ask() {
        Err(error) if is_lost(&error) => {
            numbers.renew();
            ask()?
        }
        answer => answer?,
    };
    let row = row.ok_or_else(|| corrupt("number.id", "no row"))?;
    let number = |column: usize| {
        let text = row.get(column).map_or("", String::as_str);
        text.parse().map_err(|_| corrupt("number", text))
    };
    Ok(NextIds { entry: number(0)?, order: number(1)?, lease: number(2)?, address: number(3)? })
}

/// The statements that take them, in one message.
pub(super) fn script(counts: NextIds) -> String {
    let columns = [
        ("next_entry", counts.entry),
        ("next_order", counts.order),
        ("next_lease", counts.lease),
        ("next_address", counts.address),
    ];
    let mut script = "BEGIN; SET LOCAL synchronous_commit = off; UPDATE number SET ".to_owned();
    for (index, (name, count)) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(script, "{comma}{name} = {name} + {count}");
    }
    script += " WHERE id = 1 RETURNING ";
    for (index, (name, count)) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(script, "{comma}{name} - {count}");
    }
    script + "; COMMIT"
}
