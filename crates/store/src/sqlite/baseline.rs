//! A bare loop over SQLite, which the store is measured against: the rows of an extension in the
//! leanest layout, and nothing of what makes them a product (no journal body, no promo codes, no
//! leases of several kinds, no checks beyond existence and funds).
//!
//! Eight prepared statements an extension, so many extensions a commit, the write-ahead log and a
//! full sync, as the store has them.

#![expect(clippy::float_arithmetic, reason = "a rate for people")]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::Result;
use crate::error::Error;

/// A database of the leanest layout.
pub struct Baseline {
    connection: Connection,
    customers: u64,
    leases: u64,
    dice: u64,
}

const LAYOUT: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (0 <= balance),
        version INTEGER NOT NULL);
    CREATE TABLE lease (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL,
        price INTEGER NOT NULL, state INTEGER NOT NULL, ends_at INTEGER NOT NULL,
        version INTEGER NOT NULL);
    CREATE INDEX lease_of_account ON lease (account_id, id);
    CREATE TABLE transfer (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE posting (account_id INTEGER NOT NULL, version INTEGER NOT NULL,
        transfer_id INTEGER NOT NULL, amount INTEGER NOT NULL, balance_after INTEGER,
        PRIMARY KEY (account_id, version)) WITHOUT ROWID;
    CREATE TABLE answer (account_id INTEGER NOT NULL, key BLOB NOT NULL, fingerprint BLOB NOT NULL,
        answer TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account_id, key)) WITHOUT ROWID;";

const PRICE: i64 = 150;
const PERIOD_MS: i64 = 30 * 86_400_000;

impl Baseline {
    /// Makes a new database of `customers` with `leases` each.
    pub fn create(file: &Path, customers: u32, leases: u32) -> Result<Baseline> {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        let mut connection = Connection::open(file).map_err(fault)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8000;",
            )
            .map_err(fault)?;
        connection.execute_batch(LAYOUT).map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(64);
        let (customers, leases) = (u64::from(customers), u64::from(leases));
        let filling = connection.transaction().map_err(fault)?;
        for customer in 0..customers {
            let account = signed(customer + 1);
            let sql = "INSERT INTO account VALUES (?1, 1000000000000, 0)";
            filling.prepare_cached(sql).and_then(|mut it| it.execute([account])).map_err(fault)?;
            for lease in customer * leases..(customer + 1) * leases {
                let sql = "INSERT INTO lease VALUES (?1, ?2, ?3, 1, 1800000000000, 0)";
                filling
                    .prepare_cached(sql)
                    .and_then(|mut it| it.execute(params![signed(lease), account, PRICE]))
                    .map_err(fault)?;
            }
        }
        filling.commit().map_err(fault)?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| Error::Fault(Box::new(error)))?;
        Ok(Baseline { connection, customers, leases, dice: u64::from_le_bytes(seed) | 1 })
    }

    /// Extends random leases of random customers for `time`, `group` in a commit; says how many a
    /// second.
    pub fn extensions_per_second(&mut self, group: usize, time: Duration) -> Result<f64> {
        let (started, mut done) = (Instant::now(), 0_u32);
        while started.elapsed() < time {
            let wishes: Vec<(i64, i64, [u8; 16])> = (0..group).map(|_| self.wish()).collect();
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(fault)?;
            for (account, lease, key) in wishes {
                extend(&transaction, account, lease, &key).map_err(fault)?;
                done += 1;
            }
            transaction.commit().map_err(fault)?;
        }
        Ok(f64::from(done) / started.elapsed().as_secs_f64())
    }

    fn wish(&mut self) -> (i64, i64, [u8; 16]) {
        let customer = self.next() % self.customers;
        let lease = customer * self.leases + self.next() % self.leases;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.next().to_le_bytes());
        key[8..].copy_from_slice(&self.next().to_le_bytes());
        (signed(customer + 1), signed(lease), key)
    }

    fn next(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }
}

fn extend(c: &Connection, account: i64, lease: i64, key: &[u8; 16]) -> rusqlite::Result<()> {
    let (balance, version): (i64, i64) = c
        .prepare_cached("SELECT balance, version FROM account WHERE id = ?1")?
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = c
        .prepare_cached("SELECT answer FROM answer WHERE account_id = ?1 AND key = ?2")?
        .query_row(params![account, key], |row| row.get::<_, String>(0))
        .optional()?;
    let (price, ends_at): (i64, i64) = c
        .prepare_cached(
            "SELECT price, ends_at FROM lease WHERE id = ?1 AND account_id = ?2 AND state = 1",
        )?
        .query_row([lease, account], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if known.is_some() || balance < price {
        return Err(rusqlite::Error::QueryReturnedNoRows);
    }
    c.prepare_cached("INSERT INTO transfer (kind, at) VALUES (1, ?1)")?.execute([ends_at])?;
    let transfer = c.last_insert_rowid();
    let after = balance - price;
    c.prepare_cached("INSERT INTO posting VALUES (?1, ?2, ?3, ?4, ?5), (0, ?3, ?3, ?6, NULL)")?
        .execute(params![account, version + 1, transfer, -price, after, price])?;
    c.prepare_cached("UPDATE account SET balance = ?2, version = ?3 WHERE id = ?1")?.execute([
        account,
        after,
        version + 1,
    ])?;
    c.prepare_cached("UPDATE lease SET ends_at = ?2, version = version + 1 WHERE id = ?1")?
        .execute([lease, ends_at + PERIOD_MS])?;
    c.prepare_cached("INSERT INTO answer VALUES (?1, ?2, ?2, ?3, ?4)")?.execute(params![
        account,
        key,
        after.to_string(),
        ends_at
    ])?;
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("there are not that many")
}

fn fault(error: rusqlite::Error) -> Error {
    Error::Fault(Box::new(error))
}
