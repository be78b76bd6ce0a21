//! A transaction does all or nothing, and leaves nothing behind on its connection.

use e2e::postgres::Postgres;
use tempfile::TempDir;

use super::super::*;
use super::options;

fn store() -> (PostgresStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let url = Postgres::shared().new_database();
    (PostgresStore::open(&options(&url, &folder)).unwrap(), folder)
}

const WRITE: &str = "UPDATE state SET clock_offset_ms = $1 WHERE id = 1";
const FAIL: &str = "UPDATE state SET clock_offset_ms = -1 WHERE id = 1 AND $1 = 1";

/// Also if whoever runs it takes no note of the failure.
#[test]
fn what_comes_before_a_failure_is_not_kept() {
    let (store, _folder) = store();
    let done = store.write(|tx| {
        tx.execute(WRITE, &[&7_i64])?;
        let failed = tx.execute(FAIL, &[&1_i64]);
        assert!(matches!(failed, Err(Error::Fault(_))), "{failed:?}");
        assert!(tx.execute(WRITE, &[&8_i64]).is_err(), "nothing follows a failure");
        Ok(())
    });
    assert!(matches!(done, Err(Error::Fault(_))), "{done:?}");
    assert_eq!(store.read(state::clock_offset).unwrap(), Span::ZERO);
    store.write(|tx| tx.execute(WRITE, &[&9_i64])).unwrap();
    assert_eq!(store.read(state::clock_offset).unwrap(), Span::from_millis(9));
}

#[test]
fn a_reading_transaction_sees_one_moment() {
    let (store, _folder) = store();
    let seen = store.read(|tx| {
        let before = state::clock_offset(tx)?;
        store.write(|tx| tx.execute(WRITE, &[&5_i64]))?;
        Ok((before, state::clock_offset(tx)?))
    });
    assert_eq!(seen.unwrap(), (Span::ZERO, Span::ZERO));
    assert_eq!(store.read(state::clock_offset).unwrap(), Span::from_millis(5));
    let written = store.read(|tx| tx.execute(WRITE, &[&6_i64]));
    assert!(written.is_err(), "whoever looks does not write");
}

/// A pooler gives the connection to somebody else.
#[test]
fn settings_end_with_their_transaction() {
    let (store, _folder) = store();
    let settings = "SELECT current_setting('enable_seqscan') || current_setting('lock_timeout') ||
        current_setting('plan_cache_mode') || current_setting('enable_nestloop')";
    let ours = store.write(|tx| Ok(tx.row(settings, &[])?.unwrap().text(0)?.to_owned())).unwrap();
    assert_eq!(ours, "off5sforce_generic_planon");
    let session = store.writers.take(PATIENCE).unwrap();
    let sql = "SELECT CASE WHEN current_setting('enable_seqscan') = 'on'
        AND current_setting('lock_timeout') = '0' THEN 1 ELSE 0 END";
    assert_eq!(session.simple_rows(sql, PATIENCE).unwrap(), [[1]]);
}

/// Somebody else has the row for longer than is waited for; the next one tries again.
#[test]
fn a_transaction_that_others_are_in_the_way_of_is_run_again() {
    let (store, _folder) = store();
    let tries = std::cell::Cell::new(0);
    let done = store.write(|tx| {
        tries.set(tries.get() + 1);
        tx.execute(WRITE, &[&3_i64])?;
        match tries.get() {
            1 => tx.script("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"),
            _ => Ok(()),
        }
    });
    done.unwrap();
    assert_eq!(tries.get(), 2);
    assert_eq!(store.read(state::clock_offset).unwrap(), Span::from_millis(3));
}
