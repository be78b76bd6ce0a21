//! Books that a PostgreSQL server keeps.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{COMES_AND_GOES, QUIET, State};
use crate::postgres::{psql, psql_bytes};

/// How long the last transactions of a server that is gone may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// All tables at one moment: first their names, then each row behind its table's name.
///
/// The numbers of entries may have gaps, which depend on how requests came together. So each is
/// replaced by its place.
const EVERYTHING: &str = r"
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT tablename FROM pg_tables WHERE schemaname = 'public';
SELECT format(
    CASE tablename
    WHEN 'entry' THEN
        'SELECT %L, to_jsonb(t) || jsonb_build_object(''id'', row_number() OVER (ORDER BY id)) FROM %I t'
    WHEN 'posting' THEN
        'SELECT %L, to_jsonb(t) || jsonb_build_object(''entry_id'', place, ''version'',
                CASE WHEN customer_id IS NULL THEN place ELSE t.version END)
         FROM %I t
         JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM entry) e ON id = entry_id
         LEFT JOIN wallet w ON w.account_id = t.account_id'
    ELSE
        'SELECT %L, to_jsonb(t) FROM %I t'
    END, tablename, tablename)
FROM pg_tables WHERE schemaname = 'public' \gexec
COMMIT;
";

const TABLES: &str = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";

/// Goals by the numbers of entries, as one JSON object.
const GOALS: &str = "
SELECT coalesce(jsonb_object_agg(entry.id, goal), '{}') FROM entry
JOIN customer_order ON customer_order.id = CAST(CAST(body AS jsonb) #>> '{event,order}' AS bigint)
WHERE kind = 'order' AND entry.id > ";

/// Those who have written something that is neither committed nor rolled back.
const UNDER_WAY: &str = "
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND backend_xid IS NOT NULL";

/// One database of the server.
#[derive(Debug)]
pub(super) struct Server {
    url: String,
}

impl Server {
    pub(super) fn at(url: &str) -> Server {
        Server { url: url.to_owned() }
    }

    pub(super) fn state(&self) -> State {
        let mut state = State::new();
        for line in psql(&self.url, EVERYTHING).unwrap().lines() {
            let (table, row) = line.split_once('|').unwrap_or((line, ""));
            if COMES_AND_GOES.contains(&table) {
                continue;
            }
            let rows = state.entry(table.to_owned()).or_default();
            if !row.is_empty() {
                let mut row: Value = serde_json::from_str(row).unwrap();
                row.as_object_mut().unwrap().remove(QUIET);
                rows.push(row.to_string());
            }
        }
        for rows in state.values_mut() {
            rows.sort();
        }
        state
    }

    /// The tables in the form in which a server copies them, which hides nothing: values are as they
    /// were given, and neither compressed nor spelt.
    pub(super) fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let tables = psql(&self.url, TABLES).unwrap();
        let copy = |table: &str| {
            let sql = format!("COPY {table} TO STDOUT (FORMAT binary)");
            (table.to_owned(), psql_bytes(&self.url, &sql).unwrap())
        };
        tables.lines().map(copy).collect()
    }

    pub(super) fn goals(&self, after: i64) -> Result<BTreeMap<i64, String>, String> {
        let goals = psql(&self.url, &format!("{GOALS}{after}"))?;
        let goals: BTreeMap<String, String> =
            serde_json::from_str(&goals).map_err(|error| format!("{error}: {goals}"))?;
        Ok(goals.into_iter().map(|(entry, goal)| (entry.parse().unwrap(), goal)).collect())
    }

    pub(super) fn settle(&self) {
        let began = Instant::now();
        while psql(&self.url, UNDER_WAY).unwrap().trim() != "0" {
            assert!(began.elapsed() < PATIENCE, "a transaction does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
