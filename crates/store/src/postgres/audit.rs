//! Feeding an auditor with the books, at one moment.
//!
//! While the database reads one page of the journal, another is taken apart and judged on a thread
//! of its own. No more than a few pages are ever in memory.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use domain::ids::{AccountId, AddressId, CustomerId, EntryId, LeaseId, PromoId};
use domain::journal::Entry;
use domain::ledger::Posting;

use super::journal::{entry, entry_columns};
use super::leases::{lease, lease_columns};
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use super::{customers, journal, payments, promos};
use crate::audit::{Auditor, Report};
use crate::error::Error;
use crate::{Result, encoding};

statements! {
    ENTRIES = concat!(
        "SELECT ", entry_columns!(), " FROM entry WHERE id > $1 ORDER BY id LIMIT $2"
    );
    /// One row, because so many would cost more than what is in them.
    KEPT = "SELECT array_agg(posting.account_id), array_agg(posting.version),
        array_agg(posting.entry_id), array_agg(posting.amount_minor),
        array_agg(posting.balance_after_minor)
        FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]))
        AS run (account_id, first, last)
        JOIN posting ON posting.account_id = run.account_id
        AND run.first <= posting.version AND posting.version <= run.last";
    POSTINGS = "SELECT COUNT(*) FROM posting";
    ALL_POSTINGS = "SELECT account_id, version, entry_id, amount_minor, balance_after_minor
        FROM posting WHERE (account_id, version) > ($1, $2)
        ORDER BY account_id, version LIMIT $3";
    LEASES = concat!(
        "SELECT ", lease_columns!(), " FROM lease WHERE id > $1 ORDER BY id LIMIT $2"
    );
    ADDRESSES = "SELECT id, lease_id FROM address WHERE id > $1 ORDER BY id LIMIT $2";
    PROMO_USES = "SELECT promo_id, customer_id, uses FROM promo_use
        WHERE (promo_id, customer_id) > ($1, $2) ORDER BY promo_id, customer_id LIMIT $3";
}

/// How many rows are read at a time, and between two calls of `progress`.
const PAGE: u32 = 5_000;

/// See [`crate::Store::audit`].
pub(super) fn audit(tx: &Tx<'_>, progress: &mut dyn FnMut(u64)) -> Result<Report> {
    in_pages(tx, PAGE, progress)
}

/// The same, with so many rows in a page.
pub(super) fn in_pages(tx: &Tx<'_>, page: u32, progress: &mut dyn FnMut(u64)) -> Result<Report> {
    let size = i64::from(page);
    let (mut auditor, kept) = entries(tx, size, progress)?;
    orphans(tx, kept, size, &mut auditor)?;

    let mut after = None;
    loop {
        let page = customers::list(tx, after, page)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        page.iter().for_each(|(_, wallet)| auditor.wallet(wallet));
    }
    by_id(tx, LEASES, size, |row| {
        auditor.lease(&lease(row, 0)?);
        Ok(())
    })?;
    by_id(tx, ADDRESSES, size, |row| {
        auditor.address(AddressId(row.int(0)?), row.optional_int(1)?.map(LeaseId));
        Ok(())
    })?;
    promos::list(tx)?.iter().for_each(|promo| auditor.promo(promo));
    by_two(tx, PROMO_USES, size, |row| {
        let uses = encoding::small("promo_use.uses", row.int(2)?)?;
        auditor.promo_use(PromoId(row.int(0)?), CustomerId(row.int(1)?), uses);
        Ok(())
    })?;
    payments::each(tx, page, |payment| auditor.payment(payment))?;
    Ok(auditor.finish())
}

/// Reads rows in pages, by their id, which is their first column.
fn by_id(
    tx: &Tx<'_>,
    statement: &'static str,
    size: i64,
    mut see: impl FnMut(&Row) -> Result<()>,
) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let page = tx.rows(statement, &[&after, &size])?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.int(0)?;
        page.iter().try_for_each(&mut see)?;
    }
}

/// The same, by their first two columns.
fn by_two(
    tx: &Tx<'_>,
    statement: &'static str,
    size: i64,
    mut see: impl FnMut(&Row) -> Result<()>,
) -> Result<()> {
    let mut after = (i64::MIN, i64::MIN);
    loop {
        let page = tx.rows(statement, &[&after.0, &after.1, &size])?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.int(0)?, last.int(1)?);
        page.iter().try_for_each(&mut see)?;
    }
}

/// Something that was read of the journal.
enum Read {
    /// The next entries.
    Entries(Vec<Row>),
    /// The postings that are kept of the oldest entries that wait.
    Kept(Option<Row>),
}

/// Feeds an auditor with the journal. Says also how many of the postings that entries name there
/// are.
fn entries(tx: &Tx<'_>, size: i64, progress: &mut dyn FnMut(u64)) -> Result<(Auditor, i64)> {
    thread::scope(|scope| {
        let (reads, to_judge) = sync_channel(1);
        let (names, named) = channel();
        let judge = scope.spawn(move || judge(&to_judge, &names));
        let read = read_journal(tx, size, reads, &named, progress);
        let judged = judge.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // If the judge has found something that cannot be read, that is why reading has ended.
        let judged = judged?;
        read?;
        Ok(judged)
    })
}

/// Reads a page ahead of the one that is being judged.
fn read_journal(
    tx: &Tx<'_>,
    size: i64,
    reads: SyncSender<Read>,
    named: &Receiver<Runs>,
    progress: &mut dyn FnMut(u64),
) -> Result<()> {
    let gone = || Error::Fault("the audit was broken off".into());
    let compare = || {
        let Runs { accounts, firsts, lasts } = named.recv().map_err(|_| gone())?;
        let kept = tx.row(KEPT, &[&accounts, &firsts, &lasts])?;
        reads.send(Read::Kept(kept)).map_err(|_| gone())
    };
    let (mut after, mut entries) = (i64::MIN, 0);
    loop {
        let page = tx.rows(ENTRIES, &[&after, &size])?;
        let Some(last) = page.last() else { break };
        let count = u64::try_from(page.len()).expect("it fits");
        after = last.int(0)?;
        reads.send(Read::Entries(page)).map_err(|_| gone())?;
        if entries > 0 {
            compare()?;
            progress(entries);
        }
        entries += count;
    }
    if entries > 0 {
        compare()?;
        progress(entries);
    }
    Ok(())
}

/// Takes entries apart, asks for their postings, and shows them to an auditor with those.
fn judge(reads: &Receiver<Read>, names: &Sender<Runs>) -> Result<(Auditor, i64)> {
    let (mut auditor, mut kept) = (Auditor::new(), 0);
    let mut waiting: VecDeque<Vec<Entry>> = VecDeque::new();
    for read in reads {
        match read {
            Read::Entries(rows) => {
                let page = rows.iter().map(|row| entry(row, 0)).collect::<Result<Vec<_>>>()?;
                if names.send(Runs::of(&page)).is_err() {
                    break;
                }
                waiting.push_back(page);
            }
            Read::Kept(row) => {
                let postings = row.as_ref().map_or(Ok(HashMap::new()), postings)?;
                for mut entry in waiting.pop_front().expect("only what waits is asked for") {
                    keep(&mut entry, &postings);
                    kept += i64::try_from(entry.postings.len()).expect("it fits");
                    auditor.entry(&entry);
                }
            }
        }
    }
    Ok((auditor, kept))
}

/// The entry with its postings as the ledger has them, which must be those that its body names.
fn keep(entry: &mut Entry, kept: &HashMap<Place, (EntryId, Posting)>) {
    let id = entry.id;
    entry.postings.retain_mut(|posting| match kept.get(&(posting.account, posting.version)) {
        Some((owner, kept)) if *owner == id => {
            *posting = *kept;
            true
        }
        _ => false,
    });
}

/// Where postings are, column by column: runs of versions that follow each other. Those of a house
/// account lie together for all entries of a page, those of a wallet that is used much too.
#[derive(Debug, Default, PartialEq, Eq)]
struct Runs {
    accounts: Vec<i64>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
}

/// Up to so many versions are read that nobody asked for, rather than begin another run.
const GAP: i64 = 16;

impl Runs {
    /// Where the postings are that the entries name.
    fn of(entries: &[Entry]) -> Runs {
        let postings = entries.iter().flat_map(|entry| &entry.postings);
        let mut places: Vec<(i64, i64)> =
            postings.map(|posting| (posting.account.0, posting.version)).collect();
        places.sort_unstable();
        let mut runs = Runs::default();
        for (account, version) in places {
            match (runs.accounts.last(), runs.lasts.last_mut()) {
                (Some(same), Some(last))
                    if *same == account && version.saturating_sub(*last) <= GAP =>
                {
                    *last = version;
                }
                _ => {
                    runs.accounts.push(account);
                    runs.firsts.push(version);
                    runs.lasts.push(version);
                }
            }
        }
        runs
    }
}

/// Looks for postings that no entry names, if there are more than the entries have.
fn orphans(tx: &Tx<'_>, named: i64, size: i64, auditor: &mut Auditor) -> Result<()> {
    let count = tx.row(POSTINGS, &[])?.map_or(Ok(0), |row| row.int(0))?;
    if count == named {
        return Ok(());
    }
    let mut after = (i64::MIN, i64::MIN);
    loop {
        let page = tx.rows(ALL_POSTINGS, &[&after.0, &after.1, &size])?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.int(0)?, last.int(1)?);
        let postings = page.iter().map(posting).collect::<Result<Vec<_>>>()?;
        let owners: BTreeSet<EntryId> = postings.iter().map(|(_, (entry, _))| *entry).collect();
        let named: BTreeSet<(EntryId, Place)> = journal::get(tx, &owners)?
            .iter()
            .flat_map(|entry| entry.postings.iter().map(|it| (entry.id, (it.account, it.version))))
            .collect();
        for (place, (entry, posting)) in &postings {
            if !named.contains(&(*entry, *place)) {
                auditor.orphan_posting(*entry, posting);
            }
        }
    }
}

/// Postings, by their places, with the entries that they are of.
fn postings(row: &Row) -> Result<HashMap<Place, (EntryId, Posting)>> {
    let [accounts, versions, entries, amounts] =
        [row.ints(0)?, row.ints(1)?, row.ints(2)?, row.ints(3)?];
    let balances = row.optional_ints(4)?;
    let columns = accounts.into_iter().zip(versions).zip(entries).zip(amounts).zip(balances);
    let posting = |((((account, version), entry), amount), balance_after)| {
        let account = AccountId(account);
        let posting = Posting { account, version, amount, balance_after };
        ((account, version), (EntryId(entry), posting))
    };
    Ok(columns.map(posting).collect())
}

/// What there is one posting of: an account and a version.
type Place = (AccountId, i64);

/// A posting, by its place, with the entry that it is of.
fn posting(row: &Row) -> Result<(Place, (EntryId, Posting))> {
    let posting = Posting {
        account: AccountId(row.int(0)?),
        version: row.int(1)?,
        amount: row.int(3)?,
        balance_after: row.optional_int(4)?,
    };
    Ok(((posting.account, posting.version), (EntryId(row.int(2)?), posting)))
}
