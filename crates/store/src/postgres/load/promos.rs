//! Promo codes, and how often they were used.

use std::collections::BTreeSet;

use domain::ids::{CustomerId, PromoId};
use domain::needs::Needs;
use domain::world::Loaded;

use super::stock::Locks;
use crate::postgres::promos::{promo, promo_columns};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;
use crate::{Result, encoding};

statements! {
    GET = concat!("SELECT ", promo_columns!(), " FROM promo WHERE code = ANY($1) ORDER BY id");
    /// Who has these locks may count uses.
    LOCK = concat!(
        "SELECT ", promo_columns!(), " FROM promo WHERE code = ANY($1) ORDER BY id
         FOR NO KEY UPDATE"
    );
    USES = "SELECT promo_id, customer_id, uses FROM promo_use
        WHERE promo_id = ANY(ARRAY(SELECT id FROM promo WHERE code = ANY($1)))
        AND customer_id = ANY($2)";
}

/// The promo codes of a batch, and the customers who named any.
pub(super) struct Promos {
    codes: Vec<String>,
    customers: Vec<i64>,
}

impl Promos {
    pub(super) fn new(needs: &Needs) -> Promos {
        let codes: BTreeSet<&String> = needs.promos.iter().map(|(code, _)| code).collect();
        let customers: BTreeSet<i64> = needs.promos.iter().map(|(_, id)| id.0).collect();
        Promos {
            codes: codes.into_iter().cloned().collect(),
            customers: customers.into_iter().collect(),
        }
    }

    pub(super) fn ask<'a>(
        &'a self,
        locks: Locks,
        asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>,
    ) {
        if !self.codes.is_empty() {
            asks.push((if locks == Locks::None { GET } else { LOCK }, vec![&self.codes]));
            asks.push((USES, vec![&self.codes, &self.customers]));
        }
    }

    pub(super) fn read(&self, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        let [promos, uses] = answers else { return Ok(()) };
        for row in &promos.rows {
            loaded.promos.push(promo(row)?);
        }
        for row in &uses.rows {
            let count = encoding::small("promo_use.uses", row.int(2)?)?;
            loaded.promo_uses.push((PromoId(row.int(0)?), CustomerId(row.int(1)?), count));
        }
        Ok(())
    }
}
