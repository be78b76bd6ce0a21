//! The journal and the ledger.

use domain::journal::Entry;

use super::{Plan, rows};
use crate::encoding::event;
use crate::postgres::statements::statements;

statements! {
    ADD = "INSERT INTO entry (id, at_ms, customer_id, kind, fingerprint, postings, body)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[],
            $6::bigint[], $7::text[])";
    ADD_POSTINGS = "INSERT INTO posting
        (account_id, version, entry_id, amount_minor, balance_after_minor)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])";
}

rows!(
    Entries, ADD, None,
    id: i64,
    at_ms: i64,
    customer_id: i64,
    kind: &'static str,
    fingerprint: Option<Vec<u8>>,
    postings: i64,
    body: String,
);

rows!(
    Postings, ADD_POSTINGS, None,
    account_id: i64,
    version: i64,
    entry_id: i64,
    amount_minor: i64,
    balance_after_minor: Option<i64>,
);

/// Appends entries with their postings.
pub(super) fn append(entries: &[Entry], plan: &mut Plan) {
    let (mut lines, mut postings) = (Entries::default(), Postings::default());
    for entry in entries {
        lines.id.push(entry.id.0);
        lines.at_ms.push(entry.at.millis());
        lines.customer_id.push(entry.customer.0);
        lines.kind.push(entry.event.name());
        lines.fingerprint.push(entry.fingerprint.map(|it| it.to_vec()));
        lines.postings.push(i64::try_from(entry.postings.len()).expect("it fits"));
        lines.body.push(event::encode(entry));
        for posting in &entry.postings {
            postings.account_id.push(posting.account.0);
            postings.version.push(posting.version);
            postings.entry_id.push(entry.id.0);
            postings.amount_minor.push(posting.amount);
            postings.balance_after_minor.push(posting.balance_after);
        }
    }
    plan.push(Box::new(lines));
    plan.push(Box::new(postings));
}
