//! What the store is measured against: the same work done by the server alone, in functions of its
//! own, with the rows of an extension in the leanest layout and nothing of what makes them a
//! product (no journal body, no promo codes, no leases of several kinds, no checks beyond existence
//! and funds).
//!
//! An extension is one call and one transaction, as `pgbench` makes them over several connections.
//! A sweep renews the leases of a hundred accounts a call.

use std::fmt::Write as _;

use super::scratch::{Scratch, Server};
use super::session::Session;
use super::transaction::LONG_PATIENCE;
use crate::Result;
use crate::error::Error;

/// A database of the leanest layout.
pub struct Baseline {
    database: Scratch,
    customers: u32,
    leases: u32,
    hot_leases: u32,
}

/// Room for the next version of a row beside the last one; no index has in it what an extension
/// changes.
const LAYOUT: &str = "
    CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (0 <= balance),
        version BIGINT NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE lease (id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL, price BIGINT NOT NULL,
        state SMALLINT NOT NULL, ends_at BIGINT NOT NULL) WITH (fillfactor = 80);
    CREATE TABLE due (account_id BIGINT PRIMARY KEY, at BIGINT NOT NULL);
    CREATE TABLE transfer (id BIGINT PRIMARY KEY, kind SMALLINT NOT NULL, at BIGINT NOT NULL);
    CREATE TABLE posting (account_id BIGINT NOT NULL, version BIGINT NOT NULL,
        transfer_id BIGINT NOT NULL, amount BIGINT NOT NULL, balance_after BIGINT,
        PRIMARY KEY (account_id, version));
    CREATE TABLE answer (account_id BIGINT NOT NULL, key UUID NOT NULL, fingerprint BYTEA NOT NULL,
        answer TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (account_id, key));
    CREATE SEQUENCE transfer_id CACHE 100;";

const INDEXES: &str = "
    CREATE INDEX lease_of_account ON lease (account_id, id);
    CREATE INDEX due_at ON due (at, account_id);";

const EXTEND: &str = "
CREATE FUNCTION extend(p_account BIGINT, p_lease BIGINT, p_days BIGINT, p_key UUID, p_print BYTEA)
RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    v_balance BIGINT; v_version BIGINT; v_print BYTEA; v_answer TEXT; v_price BIGINT;
    v_end BIGINT; v_transfer BIGINT;
BEGIN
    SELECT balance, version INTO v_balance, v_version FROM account WHERE id = p_account
        FOR NO KEY UPDATE;
    SELECT fingerprint, answer INTO v_print, v_answer FROM answer
        WHERE account_id = p_account AND key = p_key;
    IF FOUND THEN
        IF v_print <> p_print THEN RAISE EXCEPTION 'the key was used for something else'; END IF;
        RETURN v_answer;
    END IF;
    SELECT price * p_days, ends_at INTO v_price, v_end FROM lease
        WHERE id = p_lease AND account_id = p_account AND state = 1;
    IF NOT FOUND THEN RAISE EXCEPTION 'no such lease'; END IF;
    IF v_balance < v_price THEN RAISE EXCEPTION 'not enough money'; END IF;
    v_transfer := nextval('transfer_id');
    INSERT INTO transfer VALUES (v_transfer, 1, v_end);
    INSERT INTO posting VALUES
        (p_account, v_version + 1, v_transfer, -v_price, v_balance - v_price),
        (0, v_transfer, v_transfer, v_price, NULL);
    UPDATE account SET balance = v_balance - v_price, version = v_version + 1
        WHERE id = p_account;
    UPDATE lease SET ends_at = v_end + p_days * 86400000 WHERE id = p_lease;
    INSERT INTO answer VALUES (p_account, p_key, p_print, v_balance - v_price, v_end);
    RETURN v_balance - v_price;
END $$;";

/// One call claims accounts for which something is due, and passes over those that another has.
const SWEEP: &str = "
CREATE FUNCTION sweep(p_accounts INT, p_now BIGINT, p_days BIGINT)
RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE v_accounts BIGINT[]; v_renewed BIGINT;
BEGIN
    v_accounts := ARRAY(SELECT account_id FROM due WHERE at <= p_now ORDER BY at, account_id
        LIMIT p_accounts FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM FROM account WHERE id = ANY(v_accounts) ORDER BY id FOR NO KEY UPDATE;
    WITH picked AS (
        SELECT id, account_id, price FROM lease
        WHERE account_id = ANY(v_accounts) AND state = 1 AND ends_at <= p_now),
    sums AS (
        SELECT account_id, CAST(SUM(price) * p_days AS BIGINT) AS total,
            nextval('transfer_id') AS transfer_id
        FROM picked GROUP BY account_id),
    payable AS (
        SELECT sums.*, account.balance - sums.total AS after, account.version + 1 AS version
        FROM sums JOIN account ON account.id = sums.account_id
        WHERE sums.total <= account.balance),
    transfers AS (INSERT INTO transfer SELECT transfer_id, 2, p_now FROM payable),
    postings AS (
        INSERT INTO posting
        SELECT account_id, version, transfer_id, -total, after FROM payable
        UNION ALL SELECT 0, transfer_id, transfer_id, total, NULL FROM payable),
    charged AS (
        UPDATE account SET balance = payable.after, version = payable.version FROM payable
        WHERE account.id = payable.account_id),
    renewed AS (
        UPDATE lease SET ends_at = lease.ends_at + p_days * 86400000
        FROM picked JOIN payable USING (account_id) WHERE lease.id = picked.id RETURNING 1)
    SELECT COUNT(*) INTO v_renewed FROM renewed;
    UPDATE due SET at = at + p_days * 86400000 WHERE account_id = ANY(v_accounts);
    RETURN v_renewed;
END $$;";

/// When the first period of all leases ends.
const END: i64 = 1_800_000_000_000;

/// How many accounts a call of the sweep takes.
const SWEPT: u32 = 100;

impl Baseline {
    /// Makes a database of `customers` with `leases` each, and one more, who is hot, with
    /// `hot_leases`.
    pub fn create(
        server: &Server,
        customers: u32,
        leases: u32,
        hot_leases: u32,
    ) -> Result<Baseline> {
        let database = server.new_database()?;
        let session = database.connect()?;
        let (hot, count) = (customers + 1, u64::from(customers) * u64::from(leases));
        let last = count + u64::from(hot_leases);
        let rows = format!(
            "INSERT INTO account SELECT id, 1000000000000, 0 FROM generate_series(1, {hot}) AS id;
             INSERT INTO lease
             SELECT id, LEAST((id - 1) / {leases} + 1, {hot}), 5, 1, {END}
             FROM generate_series(1, {last}) AS id;
             INSERT INTO due SELECT id, {END} FROM generate_series(1, {customers}) AS id;"
        );
        for sql in [LAYOUT, &rows, INDEXES, EXTEND, SWEEP] {
            session.simple(sql, LONG_PATIENCE)?;
        }
        drop(session);
        database.settle()?;
        Ok(Baseline { database, customers, leases, hot_leases })
    }

    /// A script that has `pgbench` extend random leases of random customers.
    pub fn spread(&self) -> String {
        let (customers, leases) = (self.customers, self.leases);
        call(&format!(
            "\\set account random(1, {customers})\n\
             \\set lease (:account - 1) * {leases} + random(1, {leases})\n"
        ))
    }

    /// The same for the leases of one customer.
    pub fn hot(&self) -> String {
        let first = u64::from(self.customers) * u64::from(self.leases) + 1;
        let last = first + u64::from(self.hot_leases) - 1;
        call(&format!(
            "\\set account {}\n\\set lease random({first}, {last})\n",
            self.customers + 1
        ))
    }

    /// What `pgbench` must find in its environment.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        self.database.environment()
    }

    /// Has the server clear up behind what was measured.
    pub fn settle(&self) -> Result<()> {
        self.database.settle()
    }

    /// Renews all leases, which are due at the same moment, on one connection; says how many. Those
    /// that were extended before are not due any more.
    pub fn sweep(&self) -> Result<u64> {
        let session = self.database.connect()?;
        let call = format!("SELECT sweep({SWEPT}, {END}, 30)");
        let mut renewed = 0;
        loop {
            match swept(&session, &call)? {
                0 => return Ok(renewed),
                more => renewed += more,
            }
        }
    }
}

fn swept(session: &Session, call: &str) -> Result<u64> {
    let rows = session.simple_rows(call, LONG_PATIENCE)?;
    let renewed = rows.first().and_then(|row| row.first());
    let renewed = renewed.and_then(|renewed| u64::try_from(*renewed).ok());
    renewed.ok_or_else(|| Error::Fault("the sweep has told nothing".into()))
}

/// The call at the end of a script, with what its first lines have chosen.
fn call(choice: &str) -> String {
    let mut script = choice.to_owned();
    let _ = writeln!(
        script,
        "SELECT extend(:account, :lease, 30, gen_random_uuid(), \
         '\\x07070707070707070707070707070707');"
    );
    script
}
