//! What a command works on.

use std::path::Path;

use domain::customer::Customer;
use domain::ids::CustomerId;
use domain::ledger::Wallet;
use domain::time::Time;
use store::Store;

use crate::console::Console;
use crate::problem::Problem;

/// What a command works on: the books, the moment, and whom it talks to.
pub(crate) struct Shop<'a, 'c> {
    /// The books.
    pub(crate) store: &'a dyn Store,
    /// Where the key to their secrets is.
    pub(crate) key_file: &'a Path,
    /// The moment: the shop's clock, which in a sandbox may be ahead.
    pub(crate) now: Time,
    /// Whom it talks to.
    pub(crate) console: &'a mut Console<'c>,
}

impl Shop<'_, '_> {
    /// The customer with this number and his wallet.
    pub(crate) fn customer(&self, id: CustomerId) -> Result<(Customer, Wallet), Problem> {
        let found = self.store.customer(id)?;
        found.ok_or_else(|| no_customer(id))
    }
}

/// There is no such customer.
pub(crate) fn no_customer(id: CustomerId) -> Problem {
    Problem::failed(format!("there is no customer {}", id.0))
        .hint("`sublet customer list` shows them all")
}
