//! Feeding an auditor with the books, at one moment.

use domain::ids::{AccountId, AddressId, CustomerId, EntryId, LeaseId, PromoId};
use domain::journal::Entry;
use domain::ledger::Posting;
use rusqlite::{Connection, OptionalExtension as _};

use super::leases::{lease, lease_columns};
use super::statements::statements;
use super::{customers, journal, payments, promos};
use crate::Result;
use crate::audit::{Auditor, Report};

statements! {
    POSTING = "SELECT amount_minor, balance_after_minor FROM posting
        WHERE account_id = ?1 AND version = ?2 AND entry_id = ?3";
    POSTINGS = "SELECT COUNT(*) FROM posting";
    ALL_POSTINGS = "SELECT account_id, version, entry_id, amount_minor, balance_after_minor
        FROM posting ORDER BY account_id, version";
    LEASES = concat!("SELECT ", lease_columns!(), " FROM lease ORDER BY id");
    ADDRESSES = "SELECT id, lease_id FROM address ORDER BY id";
    PROMO_USES = "SELECT promo_id, customer_id, uses FROM promo_use
        ORDER BY promo_id, customer_id";
}

/// How many rows are read at a time, and between two calls of `progress`.
const PAGE: u32 = 1000;

/// See [`crate::Store::audit`].
pub(super) fn audit(connection: &Connection, progress: &mut dyn FnMut(u64)) -> Result<Report> {
    let mut auditor = Auditor::new();
    let mut kept = 0_i64;
    let mut after = None;
    loop {
        let page = journal::list(connection, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for entry in page {
            let entry = with_kept_postings(connection, entry)?;
            kept += i64::try_from(entry.postings.len()).expect("it fits");
            auditor.entry(&entry);
        }
        progress(auditor.entries());
    }
    orphans(connection, kept, &mut auditor)?;

    let mut after = None;
    loop {
        let page = customers::list(connection, after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        page.iter().for_each(|(_, wallet)| auditor.wallet(wallet));
    }
    let mut statement = connection.prepare_cached(LEASES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        auditor.lease(&lease(row, 0)?);
    }
    let mut statement = connection.prepare_cached(ADDRESSES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let holder: Option<i64> = row.get(1)?;
        auditor.address(AddressId(row.get(0)?), holder.map(LeaseId));
    }
    promos::list(connection)?.iter().for_each(|promo| auditor.promo(promo));
    let mut statement = connection.prepare_cached(PROMO_USES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        auditor.promo_use(PromoId(row.get(0)?), CustomerId(row.get(1)?), row.get(2)?);
    }
    payments::each(connection, |payment| auditor.payment(payment))?;
    Ok(auditor.finish())
}

/// The entry with its postings as the ledger has them, which must be those that its body names.
fn with_kept_postings(connection: &Connection, mut entry: Entry) -> Result<Entry> {
    let mut statement = connection.prepare_cached(POSTING)?;
    let mut kept = Vec::with_capacity(entry.postings.len());
    for posting in &entry.postings {
        let place = (posting.account.0, posting.version, entry.id.0);
        let row = statement.query_row(place, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((amount, balance_after)) = row {
            kept.push(Posting { amount, balance_after, ..*posting });
        }
    }
    entry.postings = kept;
    Ok(entry)
}

/// Looks for postings that no entry names, if there are more than the entries have.
fn orphans(connection: &Connection, named: i64, auditor: &mut Auditor) -> Result<()> {
    let count: i64 = connection.prepare_cached(POSTINGS)?.query_row([], |row| row.get(0))?;
    if count == named {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(ALL_POSTINGS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let entry = EntryId(row.get(2)?);
        let posting = Posting {
            account: AccountId(row.get(0)?),
            version: row.get(1)?,
            amount: row.get(3)?,
            balance_after: row.get(4)?,
        };
        let place = |it: &Posting| (it.account, it.version);
        let owner = journal::get(connection, entry)?;
        let named =
            owner.is_some_and(|it| it.postings.iter().any(|it| place(it) == place(&posting)));
        if !named {
            auditor.orphan_posting(entry, &posting);
        }
    }
    Ok(())
}
