//! Saving what a batch has changed.
//!
//! One statement a table, with the rows as lists; all of them go to the server in one go. Each
//! says how many rows it must have written: a row that is not as it was read is an error.

mod access;
mod answers;
mod counts;
mod journal;
mod leases;
mod means;
mod orders;
mod promos;
mod stock;
mod wallets;

use domain::lease::Lease;
use domain::world::Changes;

use super::session::Ask;
use super::transaction::Tx;
use super::value::Value;
use crate::Result;
use crate::error::Error;
use crate::vault::Vault;

/// Every file's statements, for the test that prepares them.
#[cfg(test)]
pub(super) const FILES: &[(&str, &[(&str, &str)])] = &[
    ("save/access", access::STATEMENTS),
    ("save/answers", answers::STATEMENTS),
    ("save/counts", counts::STATEMENTS),
    ("save/journal", journal::STATEMENTS),
    ("save/leases", leases::STATEMENTS),
    ("save/means", means::STATEMENTS),
    ("save/orders", orders::STATEMENTS),
    ("save/promos", promos::STATEMENTS),
    ("save/stock", stock::STATEMENTS),
    ("save/wallets", wallets::STATEMENTS),
];

/// Rows of one statement: a list for each column.
trait Rows {
    /// The statement.
    fn sql(&self) -> &'static str;

    /// Its values.
    fn values(&self) -> Vec<&dyn Value>;

    /// How many rows there are; none is not worth a statement.
    fn count(&self) -> usize;

    /// What is told where not all rows were written; `None` where that is no matter.
    fn name(&self) -> Option<&'static str>;
}

/// Makes a type of rows, with a list for each column in the order of the statement's values.
macro_rules! rows {
    ($(#[$doc:meta])* $rows:ident, $sql:ident, $name:expr, $($column:ident: $type:ty,)*) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $rows {
            $($column: Vec<$type>,)*
        }

        impl $crate::postgres::save::Rows for $rows {
            fn sql(&self) -> &'static str {
                $sql
            }

            fn values(&self) -> Vec<&dyn $crate::postgres::value::Value> {
                vec![$(&self.$column,)*]
            }

            fn count(&self) -> usize {
                let counts = [$(self.$column.len(),)*];
                counts[0]
            }

            fn name(&self) -> Option<&'static str> {
                $name
            }
        }
    };
}

use rows;

/// The statements of a batch, in their order.
type Plan = Vec<Box<dyn Rows>>;

/// Rows are found by their ids and joined with what they become by hashing, whatever the server
/// believes of the size of a table: no list is ever walked through for each row.
pub(super) const HASHED: &str = "SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = on";

/// Writes the changes; `before` are the leases as they were loaded. `last` comes behind them all.
///
/// Leases go before the addresses they hold: an address that one lease gives back in this batch
/// is not let again in it, but the constraints are looked at row by row.
pub(super) fn save(
    tx: &Tx<'_>,
    vault: &Vault,
    changes: &Changes,
    before: &[Lease],
    last: Option<Ask<'_>>,
) -> Result<()> {
    let mut plan = Plan::new();
    journal::append(&changes.entries, &mut plan);
    wallets::set(&changes.wallets, &mut plan);
    stock::add(&changes.addresses_new, &mut plan);
    leases::change(&changes.leases, &mut plan);
    orders::add(&changes.orders, &changes.leases_new, &mut plan);
    access::save(vault, changes, &mut plan)?;
    access::add_replacements(&changes.entries, &mut plan);
    leases::add(&changes.leases_new, &mut plan);
    counts::count(changes, before, &mut plan);
    stock::save(changes, &mut plan);
    promos::set_uses(&changes.promo_uses, &mut plan);
    means::put(vault, changes, &mut plan)?;
    answers::keep(&changes.remembered, &mut plan);
    plan.retain(|rows| rows.count() > 0);

    let values: Vec<Vec<&dyn Value>> = plan.iter().map(|rows| rows.values()).collect();
    let mut asks: Vec<Ask<'_>> = plan
        .iter()
        .zip(&values)
        .map(|(rows, values)| Ask { sql: rows.sql(), values: values.as_slice() })
        .collect();
    asks.extend(last);
    let answers = tx.all_behind(HASHED, &asks)?;
    for (rows, answer) in plan.iter().zip(answers) {
        if let Some(name) = rows.name()
            && u64::try_from(rows.count()).ok() != Some(answer.count)
        {
            return Err(Error::Fault(format!("a {name} is not as it was read").into()));
        }
    }
    Ok(())
}
