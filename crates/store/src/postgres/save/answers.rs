//! Answers that are given again.

use std::collections::BTreeMap;

use domain::idempotency::{Answer, Remembered};

use super::{Plan, rows};
use crate::encoding::refusal;
use crate::postgres::statements::statements;

statements! {
    /// Replaces an answer whose time is over and which nobody has swept yet.
    KEEP = "INSERT INTO answer (customer_id, key, fingerprint, entry_id, refused, until_ms)
        SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[],
            $6::bigint[])
        ON CONFLICT (customer_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
        entry_id = excluded.entry_id, refused = excluded.refused, until_ms = excluded.until_ms";
}

rows!(
    Answers, KEEP, None,
    customer_id: i64,
    key: Vec<u8>,
    fingerprint: Vec<u8>,
    entry_id: Option<i64>,
    refused: Option<String>,
    until_ms: i64,
);

/// Keeps answers. Of those under one key the last counts; a statement may name a row once only.
pub(super) fn keep(remembered: &[Remembered], plan: &mut Plan) {
    let last: BTreeMap<_, _> = remembered.iter().map(|it| ((it.customer, it.key), it)).collect();
    let mut rows = Answers::default();
    for it in last.into_values() {
        let (entry, refused) = match &it.answer {
            Answer::Done { entry, .. } => (Some(entry.0), None),
            Answer::Refused { refusal, balance } => {
                (None, Some(refusal::encode(refusal, *balance)))
            }
        };
        rows.customer_id.push(it.customer.0);
        rows.key.push(it.key.to_vec());
        rows.fingerprint.push(it.fingerprint.to_vec());
        rows.entry_id.push(entry);
        rows.refused.push(refused);
        rows.until_ms.push(it.until.millis());
    }
    plan.push(Box::new(rows));
}
