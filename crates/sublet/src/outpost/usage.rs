//! What leases have used, on its way to the shop.

use feed::usage::{Answer, Report};

use super::control::Shop;
use crate::nodes::http::USAGE;
use crate::traffic::metering::Books;

/// The books of a shop elsewhere.
pub(super) struct Elsewhere(pub(super) Shop);

impl Books for Elsewhere {
    async fn take(&self, report: &Report) -> Result<Answer, String> {
        self.0.ask(USAGE, report).await
    }
}
