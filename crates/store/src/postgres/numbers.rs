//! Ids, taken in blocks.
//!
//! A block is taken in a transaction of its own, in one message, so that nobody ever waits for
//! somebody who holds the row and says nothing. It is taken after the wallets are locked, so that
//! of two batches that depend on each other the later one has the higher ids. A batch that fails
//! afterwards leaves a gap.

use std::fmt::Write as _;

use domain::world::NextIds;

use super::failure::is_closed;
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
    let ask = || numbers.take(PATIENCE)?.simple_rows(&script, PATIENCE);
    let rows = match ask() {
        Err(error) if is_closed(&error) => {
            numbers.renew();
            ask()?
        }
        answer => answer?,
    };
    let [first] = rows.as_slice() else { return Err(corrupt("number.id", "nothing")) };
    let [entry, order, lease, address, authorisation] = first.as_slice() else {
        return Err(corrupt("number.id", format!("{first:?}")));
    };
    Ok(NextIds {
        entry: *entry,
        order: *order,
        lease: *lease,
        address: *address,
        authorisation: *authorisation,
    })
}

/// The statements that take them. In one message, they are one transaction.
pub(super) fn script(counts: NextIds) -> String {
    let columns = [
        ("next_entry", counts.entry),
        ("next_order", counts.order),
        ("next_lease", counts.lease),
        ("next_address", counts.address),
        ("next_authorisation", counts.authorisation),
    ];
    let mut script = "SET LOCAL synchronous_commit = off; UPDATE number SET ".to_owned();
    for (index, (name, count)) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(script, "{comma}{name} = {name} + {count}");
    }
    script += " WHERE id = 1 RETURNING ";
    for (index, (name, count)) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(script, "{comma}{name} - {count}");
    }
    script
}
