//! Books that a PostgreSQL server keeps.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{COMES_AND_GOES, State};
use crate::postgres::{psql, psql_bytes};

/// How long the last transactions of a server that is gone may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// All tables at one moment: first their names, then each row behind its table's name.
const EVERYTHING: &str = r"
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT tablename FROM pg_tables WHERE schemaname = 'public';
SELECT format('SELECT %L, to_jsonb(t) FROM %I t', tablename, tablename)
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
        let mut tables: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        let everything = psql(&self.url, EVERYTHING).unwrap();
        for line in everything.lines() {
            let (table, row) = line.split_once('|').unwrap_or((line, ""));
            let rows = tables.entry(table).or_default();
            if !row.is_empty() {
                rows.push(serde_json::from_str(row).unwrap());
            }
        }
        tables.retain(|table, _| !COMES_AND_GOES.contains(table));
        close_gaps(&mut tables);
        let text = |(table, rows): (&str, Vec<Value>)| {
            let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
            rows.sort();
            (table.to_owned(), rows)
        };
        tables.into_iter().map(text).collect()
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

/// The numbers of entries may have gaps, which depend on how requests came together. Each is replaced
/// by its place, also where it is the version of an account of the house, which has no balance.
fn close_gaps(tables: &mut BTreeMap<&str, Vec<Value>>) {
    let Some(entries) = tables.get_mut("entry") else { return };
    entries.sort_by_key(|entry| entry["id"].as_i64());
    let numbers = entries.iter().zip(1_i64..);
    let places: BTreeMap<i64, i64> =
        numbers.map(|(entry, place)| (entry["id"].as_i64().unwrap(), place)).collect();
    let close = |number: &mut Value| {
        let place = number.as_i64().and_then(|number| places.get(&number));
        *number = json!(place.expect("it is the number of an entry"));
    };
    for entry in entries {
        close(&mut entry["id"]);
        let mut body: Value = serde_json::from_str(entry["body"].as_str().unwrap()).unwrap();
        for posting in body["postings"].as_array_mut().into_iter().flatten() {
            if posting[3].is_null() {
                close(&mut posting[1]);
            }
        }
        entry["body"] = body;
    }
    for posting in tables.get_mut("posting").into_iter().flatten() {
        close(&mut posting["entry_id"]);
        if posting["balance_after_minor"].is_null() {
            close(&mut posting["version"]);
        }
    }
}
