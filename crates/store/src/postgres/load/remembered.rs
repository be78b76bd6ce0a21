//! Answers that are given again.

use domain::needs::Needs;
use domain::world::Loaded;

use crate::Result;
use crate::postgres::answers::{answer_columns, remembered};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;

statements! {
    GET = concat!(
        "SELECT ", answer_columns!(), " FROM unnest($1::bigint[], $2::bytea[])
         AS asked (customer_id, key)
         JOIN answer ON answer.customer_id = asked.customer_id AND answer.key = asked.key
         LEFT JOIN entry ON entry.id = answer.entry_id"
    );
}

/// The keys of a batch.
pub(super) struct Asked {
    customers: Vec<i64>,
    keys: Vec<Vec<u8>>,
}

impl Asked {
    pub(super) fn new(needs: &Needs) -> Asked {
        Asked {
            customers: needs.remembered.iter().map(|(customer, _)| customer.0).collect(),
            keys: needs.remembered.iter().map(|(_, key)| key.to_vec()).collect(),
        }
    }

    pub(super) fn ask<'a>(&'a self, asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>) {
        if !self.keys.is_empty() {
            asks.push((GET, vec![&self.customers, &self.keys]));
        }
    }

    pub(super) fn read(&self, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        for row in answers.iter().flat_map(|answer| &answer.rows) {
            loaded.remembered.push(remembered(row)?);
        }
        Ok(())
    }
}
