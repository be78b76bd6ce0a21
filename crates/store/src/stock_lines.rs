//! What is in stock, a line for each pool and gateway.

use std::collections::BTreeMap;

use domain::address::Prefix;
use domain::product::ProductKey;

use crate::records::StockLine;

/// The lines, as far as they have been added up.
#[derive(Debug, Default)]
pub(crate) struct StockLines(BTreeMap<(ProductKey, String), StockLine>);

impl StockLines {
    /// The line of a pool at a gateway.
    pub(crate) fn at(&mut self, pool: ProductKey, gateway: String) -> &mut StockLine {
        self.0.entry((pool.clone(), gateway.clone())).or_insert_with(|| StockLine {
            pool,
            gateway,
            free: 0,
            leased: 0,
            cooling: 0,
            undrawn: 0,
        })
    }

    /// Adds what can still be drawn from a prefix.
    pub(crate) fn add_undrawn(&mut self, prefix: Prefix) {
        let left = u64::try_from(prefix.capacity() - prefix.drawn).unwrap_or(0);
        let line = self.at(prefix.pool, prefix.gateway);
        line.undrawn = line.undrawn.saturating_add(left);
    }

    /// All lines, by pool and gateway.
    pub(crate) fn into_lines(self) -> Vec<StockLine> {
        self.0.into_values().collect()
    }
}
