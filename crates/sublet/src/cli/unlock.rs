//! `sublet unlock`: orders again, after a restore. `sublet lock`: none for now.

use clap::Args;

use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
A restored database takes no orders until you have seen that it is the one you want: what was let
after the backup may still be in use. `sublet audit` proves its books.")]
pub(super) struct Unlock;

#[derive(Debug, Args)]
#[command(after_help = "\
Use it after a PostgreSQL database was set back to an earlier moment, before servers are started on
it, until you have seen what is in it. Leases go on, can be extended, and end; nothing new is let.")]
pub(super) struct Lock;

impl Unlock {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        set(shop, false, ["taken, as before", "taken again"])
    }
}

impl Lock {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        set(shop, true, ["not taken from now on", "not taken, as before"])
    }
}

/// Locks sales or unlocks them; says what that means, if they were unlocked or locked before.
fn set(shop: &mut Shop<'_, '_>, locked: bool, says: [&str; 2]) -> Result<(), Problem> {
    let was_locked = shop.store.sales_locked()?;
    shop.store.set_sales_locked(locked)?;
    let result = serde_json::json!({ "sales_locked": locked, "was_locked": was_locked });
    shop.console.result(&result, &[("orders", says[usize::from(was_locked)].to_owned())])
}
