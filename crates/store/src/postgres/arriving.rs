//! Books that come into a database from elsewhere.
//!
//! They come table by table, each in a transaction of its own, which also notes that it is there.
//! Until all are there and are proven to be what they were, a row in `moving` keeps everybody else
//! away. Of two who bring books the later one goes on, and the earlier one notices before he does
//! anything more.
//!
//! Indexes and references are taken away while rows come in, and made again afterwards: that takes a
//! fraction of the time. What they are is read from the database, so that none is forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::durability;
use super::migrate::{self, Found};
use super::pool::Pool;
use super::reactor::Reactor;
use super::statements::statements;
use super::target::Target;
use super::transaction::{LONG_PATIENCE, PATIENCE, Tx};
use super::{audit, batches, state, writing};
use crate::Result;
use crate::audit::Report;
use crate::encoding::corrupt;
use crate::error::OpenError;
use crate::transfer::{Origin, Sum, Table, Unmoved};

statements! {
    MOVING = "SELECT place, id_key FROM moving WHERE id = 1";
    /// Whoever makes new books waits, and then sees that others are coming.
    LOCK = "LOCK TABLE installation, moving IN SHARE ROW EXCLUSIVE MODE";
    BEGIN = "INSERT INTO moving (id, place, id_key, run) VALUES (1, $1, $2, $3)";
    TAKE_OVER = "UPDATE moving SET run = $1 WHERE id = 1";
    RUN = "SELECT run FROM moving WHERE id = 1 FOR NO KEY UPDATE";
    /// How each index that holds no row to anything is made and taken away, then each reference.
    SET_ASIDE = "SELECT made, gone FROM (
            SELECT 1 AS turn, pg_get_indexdef(its.indexrelid) AS made,
                format('DROP INDEX %I', pg_class.relname) AS gone
            FROM pg_index AS its JOIN pg_class ON pg_class.oid = its.indexrelid
            WHERE pg_class.relnamespace = CAST(current_schema() AS regnamespace)
            AND NOT EXISTS (SELECT 1 FROM pg_constraint
                WHERE conindid = its.indexrelid AND contype IN ('p', 'u', 'x'))
            UNION ALL
            SELECT 2, format('ALTER TABLE %I ADD CONSTRAINT %I %s', pg_class.relname, conname,
                    pg_get_constraintdef(its.oid)),
                format('ALTER TABLE %I DROP CONSTRAINT %I', pg_class.relname, conname)
            FROM pg_constraint AS its JOIN pg_class ON pg_class.oid = its.conrelid
            WHERE its.contype = 'f'
            AND pg_class.relnamespace = CAST(current_schema() AS regnamespace)
        ) AS both_sorts ORDER BY turn, made";
    ADD_LATER = "INSERT INTO moving_later (id, statement) VALUES ($1, $2)";
    NEXT_LATER = "SELECT id, statement FROM moving_later ORDER BY id LIMIT 1";
    COUNT_LATER = "SELECT COUNT(*) FROM moving_later";
    DROP_LATER = "DELETE FROM moving_later WHERE id = $1";
    PARTS = "SELECT name, count, digest FROM moving_part";
    ADD_PART = "INSERT INTO moving_part (name, count, digest) VALUES ($1, $2, $3)";
    DROP_PARTS = "DELETE FROM moving_part";
    FINISH = "DELETE FROM moving";
    BALANCES = "SELECT customer.currency, CAST(SUM(wallet.balance_minor) AS BIGINT)
        FROM wallet JOIN customer ON customer.id = wallet.customer_id
        GROUP BY customer.currency ORDER BY customer.currency COLLATE \"C\"";
}

/// Memory for making an index.
const INDEX_MEMORY: &str = "SET LOCAL maintenance_work_mem = '256MB'";

/// The first version of the schema that knows of books on their way.
const KNOWN_SINCE: i64 = 2;

/// Refuses a database of this version of the schema if books are on their way into it.
pub(super) fn refuse(tx: &Tx<'_>, version: i64, place: &Path) -> Result<()> {
    if version < KNOWN_SINCE {
        return Ok(());
    }
    match tx.row(MOVING, &[])? {
        None => Ok(()),
        Some(row) => {
            let (database, from) = (PathBuf::from(place), row.text(0)?.to_owned());
            Err(OpenError::Moving { database, from }.into())
        }
    }
}

/// A database into which books come.
pub(crate) struct Arriving {
    pool: Pool,
    place: String,
    /// By which this run is known.
    run: [u8; 16],
}

/// What was found in a database into which books are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// They are to come, or some of them have.
    Coming,
    /// They have come before, all of them.
    Complete,
}

impl Arriving {
    /// The database at `url`, which is not asked yet.
    pub(crate) fn at(url: &str) -> Result<Arriving> {
        let target = Arc::new(Target::parse(url, Arc::new(Reactor::start()?))?);
        let place = target.to_string();
        Ok(Arriving { pool: Pool::new(target, 1), place, run: batches::mark()? })
    }

    /// Where it is, without what opens it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Keeps everybody else away from the database from now on. Refuses one that has books, unless
    /// they are those that have come before, because they are `gone` from where they were.
    pub(crate) fn begin(&self, origin: &Origin, gone: bool) -> Result<Begun> {
        let place = PathBuf::from(&self.place);
        writing(&self.pool, durability::look)?.demand(origin.sandbox)?;
        let mut found = match writing(&self.pool, |tx| migrate::look(tx, &place))? {
            Found::Ours(found) => found,
            Found::Nothing => {
                writing(&self.pool, |tx| migrate::claim(tx, &place))?;
                0
            }
        };
        while found < migrate::known() {
            if 0 < found && writing(&self.pool, state::installation)?.is_some() {
                return Err(Unmoved::Occupied(self.place.clone()).into());
            }
            writing(&self.pool, |tx| refuse(tx, found, &place))?;
            writing(&self.pool, migrate::apply_next)?;
            found += 1;
        }
        writing(&self.pool, |tx| self.claim(tx, origin, gone))
    }

    fn claim(&self, tx: &Tx<'_>, origin: &Origin, gone: bool) -> Result<Begun> {
        tx.execute(LOCK, &[])?;
        let (ours, run) = (&origin.id_key[..], &self.run[..]);
        if let Some(row) = tx.row(MOVING, &[])? {
            if row.bytes(1)? != ours {
                let (database, from) = (PathBuf::from(&self.place), row.text(0)?.to_owned());
                return Err(OpenError::Moving { database, from }.into());
            }
            tx.execute(TAKE_OVER, &[&run])?;
            return Ok(Begun::Coming);
        }
        match state::installation(tx)? {
            Some(made) if gone && made.id_key == origin.id_key => return Ok(Begun::Complete),
            Some(_) => return Err(Unmoved::Occupied(self.place.clone()).into()),
            None if gone => return Err(Unmoved::Lost(self.place.clone()).into()),
            None => {}
        }
        tx.execute(BEGIN, &[&origin.place, &ours, &run])?;
        for (id, row) in (1_i64..).zip(tx.rows(SET_ASIDE, &[])?) {
            tx.execute(ADD_LATER, &[&id, &row.text(0)?])?;
            tx.script(row.text(1)?)?;
        }
        Ok(Begun::Coming)
    }

    /// Runs something that only the latest run may do.
    fn alone<T>(&self, run: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let session = self.pool.take(PATIENCE)?;
        let tx = Tx::writing(&session);
        tx.begin()?;
        match tx.row(RUN, &[])? {
            Some(row) if row.bytes(0)? == self.run => {}
            _ => return Err(Unmoved::TakenOver.into()),
        }
        let done = run(&tx)?;
        tx.commit()?;
        Ok(done)
    }

    /// The tables that are here, by their names.
    pub(crate) fn parts(&self) -> Result<BTreeMap<String, Sum>> {
        self.alone(|tx| {
            let part = |row: &super::row::Row| {
                let digest = row.array(2, "moving_part.digest")?;
                Ok((row.text(0)?.to_owned(), Sum { count: row.int(1)?, digest }))
            };
            tx.rows(PARTS, &[])?.iter().map(part).collect()
        })
    }

    /// Forgets what has come so far.
    pub(crate) fn start_anew(&self, tables: &[Table]) -> Result<()> {
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        self.alone(|tx| {
            tx.script(&format!("TRUNCATE {}", names.join(", ")))?;
            tx.execute(DROP_PARTS, &[]).map(|_| ())
        })
    }

    /// Fills a table: `fill` is given what takes its stream, and says what was in it.
    pub(crate) fn fill(
        &self,
        table: &Table,
        fill: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> Result<()>) -> Result<Sum>,
    ) -> Result<Sum> {
        let (name, columns) = (table.name, table.columns.join(", "));
        self.alone(|tx| {
            let copy = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
            let (sum, rows) = tx.copy_in(&copy, |copy| fill(&mut |piece| copy.send(piece)))?;
            if u64::try_from(sum.count) != Ok(rows) {
                return Err(corrupt(name, format!("{rows} rows of {}", sum.count)));
            }
            tx.execute(ADD_PART, &[&name, &sum.count, &&sum.digest[..]])?;
            Ok(sum)
        })
    }

    /// Makes the indexes and references. `progress` is told how many are made, and how many there
    /// are to make.
    pub(crate) fn complete(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let all = self.alone(|tx| tx.row(COUNT_LATER, &[])?.map_or(Ok(0), |row| row.int(0)))?;
        let all = all.unsigned_abs();
        for made in 0.. {
            progress(made, all);
            let more = self.alone(|tx| {
                let Some(row) = tx.row(NEXT_LATER, &[])? else { return Ok(false) };
                tx.script(INDEX_MEMORY)?;
                tx.script(row.text(1)?)?;
                tx.execute(DROP_LATER, &[&row.int(0)?])?;
                Ok(true)
            })?;
            if !more {
                break;
            }
        }
        self.alone(|tx| tx.script("ANALYZE"))
    }

    /// Reads what has come, all at one moment.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Here<'_>) -> Result<T>) -> Result<T> {
        let session = self.pool.take(PATIENCE)?;
        look(&Here { tx: Tx::reading(&session, LONG_PATIENCE) })
    }

    /// Lets everybody use the books.
    pub(crate) fn finish(&self) -> Result<()> {
        self.alone(|tx| {
            for statement in [DROP_PARTS, FINISH] {
                tx.execute(statement, &[])?;
            }
            Ok(())
        })
    }
}

/// Books as they have come, at one moment.
pub(crate) struct Here<'c> {
    tx: Tx<'c>,
}

impl Here<'_> {
    /// What a table is like.
    pub(crate) fn sum(&self, table: &Table) -> Result<Sum> {
        let mut digest = Sha256::new();
        self.tx.copy_out(&rows(table), |piece| {
            digest.update(piece);
            Ok(())
        })?;
        let count = self.tx.numbers(&format!("SELECT COUNT(*) FROM {}", table.name))?;
        let count = count.into_iter().flatten().next();
        let count = count.ok_or_else(|| corrupt(table.name, "no count"))?;
        Ok(Sum { count, digest: digest.finalize().into() })
    }

    /// The money in all wallets, by currency.
    pub(crate) fn balances(&self) -> Result<Vec<(String, i64)>> {
        let rows = self.tx.rows(BALANCES, &[])?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?))).collect()
    }

    /// See [`crate::Store::audit`].
    pub(crate) fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        audit::audit(&self.tx, progress)
    }
}

/// The statement that copies a table out in the order of its key.
fn rows(table: &Table) -> String {
    let (name, columns, key) = (table.name, table.columns.join(", "), table.key);
    let key = if table.has_text_key() { format!("{key} COLLATE \"C\"") } else { key.to_owned() };
    format!("COPY (SELECT {columns} FROM {name} ORDER BY {key}) TO STDOUT (FORMAT binary)")
}
