//! Answers that are given again.

use domain::idempotency::{Answer as Told, Remembered};
use domain::ids::{CustomerId, EntryId};
use domain::needs::Needs;
use domain::world::Loaded;

use crate::Result;
use crate::encoding::{corrupt, event, refusal};
use crate::postgres::row::Row;
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;

statements! {
    /// Each is looked up by its key, whatever the server believes of the size of the table.
    GET = "SELECT asked.customer_id, asked.key, known.fingerprint, known.entry_id, known.refused,
        known.until_ms, entry.at_ms, entry.kind, entry.body
        FROM unnest($1::bigint[], $2::bytea[]) AS asked (customer_id, key)
        CROSS JOIN LATERAL (SELECT fingerprint, entry_id, refused, until_ms FROM answer
            WHERE answer.customer_id = asked.customer_id AND answer.key = asked.key
            LIMIT 1) AS known
        LEFT JOIN LATERAL (SELECT at_ms, kind, body FROM entry
            WHERE entry.id = known.entry_id LIMIT 1) AS entry ON TRUE";
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

/// An answer, whether or not its time is over.
fn remembered(row: &Row) -> Result<Remembered> {
    let answer = match row.optional_int(3)? {
        Some(id) => {
            let kind = row.optional_text(7)?.ok_or_else(|| corrupt("answer.entry_id", id))?;
            let (event, _) = event::decode(kind, row.text(8)?)?;
            Told::Done { entry: EntryId(id), at: row.time(6)?, event: Box::new(event) }
        }
        None => refusal::decode(row.text(4)?)?,
    };
    Ok(Remembered {
        customer: CustomerId(row.int(0)?),
        key: row.array(1, "answer.key")?,
        fingerprint: row.array(2, "answer.fingerprint")?,
        answer,
        until: row.time(5)?,
    })
}
