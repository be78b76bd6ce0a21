//! `sublet unlock`: orders again, after a restore.

use clap::Args;

use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
A restored database takes no orders until you have seen that it is the one you want: what was let
after the backup may still be in use. `sublet audit` proves its books.")]
pub(super) struct Unlock;

impl Unlock {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let was_locked = shop.store.sales_locked()?;
        shop.store.set_sales_locked(false)?;
        let result = serde_json::json!({ "sales_locked": false, "was_locked": was_locked });
        let says = if was_locked { "taken again" } else { "taken, as before" };
        shop.console.result(&result, &[("orders", says.to_owned())])
    }
}
