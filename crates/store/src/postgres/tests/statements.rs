//! Every statement fits the schema, and none walks through a table that grows.

use std::fmt::Write as _;

use e2e::postgres::{Postgres, psql};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::super::*;

/// Statements that are meant to read a whole table, or to sort what they read.
const WHOLE: &[&str] = &[
    "arriving::BALANCES",
    "arriving::COUNT_LATER",
    "arriving::DROP_PARTS",
    "arriving::FINISH",
    "arriving::PARTS",
    "arriving::SET_ASIDE",
    "audit::POSTINGS",
    "customers::SUSPENDED",
    "keys::LIST",
    "limits::ALL",
    "migrate::NOTED",
    "nodes::LIST",
    "nodes::REMOVE_AGAIN",
    "nodes::VALID",
    "operators::LIST",
    "promos::LIST",
    "promos::LIST_OF",
    "rotations::OPEN",
    "servers::ADD",
    "servers::ALIVE",
    "stock::ALL_PREFIXES",
    "stock::LINES",
];

/// Statements that sort no more than they were given, or a page.
const SORTED: &[&str] = &[
    "answers::REMEMBER",
    "feed::LIST",
    "load/leases::SIBLINGS",
    "load/promos::GET",
    "load/promos::LOCK",
    "load/stock::LOCK_PORTS",
    "load/stock::LOCK_PREFIXES",
    "load/stock::PORTS",
    "load/stock::PREFIXES",
    "proxies::LIVE",
    "proxies::RESERVED",
    "servers::LAST_BATCHES",
];

/// An index that has few rows of its table, and may be read whole.
const SMALL: &str = "batch_unnumbered";

fn all() -> Vec<(String, &'static str)> {
    let files = [
        ("answers", answers::STATEMENTS),
        ("arriving", arriving::STATEMENTS),
        ("audit", audit::STATEMENTS),
        ("batches", batches::STATEMENTS),
        ("authorisations", authorisations::STATEMENTS),
        ("catalogues", catalogues::STATEMENTS),
        ("customers", customers::STATEMENTS),
        ("durability", durability::STATEMENTS),
        ("feed", feed::STATEMENTS),
        ("ids", ids::STATEMENTS),
        ("journal", journal::STATEMENTS),
        ("keys", keys::STATEMENTS),
        ("leases", leases::STATEMENTS),
        ("limits", limits::STATEMENTS),
        ("migrate", migrate::STATEMENTS),
        ("nodes", nodes::STATEMENTS),
        ("operators", operators::STATEMENTS),
        ("orders", orders::STATEMENTS),
        ("payments", payments::STATEMENTS),
        ("promos", promos::STATEMENTS),
        ("proxies", proxies::STATEMENTS),
        ("runs", runs::STATEMENTS),
        ("served", served::STATEMENTS),
        ("servers", servers::STATEMENTS),
        ("replacements", replacements::STATEMENTS),
        ("rotations", rotations::STATEMENTS),
        ("state", state::STATEMENTS),
        ("stock", stock::STATEMENTS),
        ("usage", usage::STATEMENTS),
    ];
    let named = |(file, list): &(&str, &[(&str, &'static str)])| -> Vec<_> {
        list.iter().map(|(name, sql)| (format!("{file}::{name}"), *sql)).collect()
    };
    let all = files.iter().chain(load::FILES).chain(save::FILES).flat_map(named);
    // There is no plan for a lock of a whole table.
    all.filter(|(_, sql)| !sql.starts_with("LOCK")).collect()
}

/// How PostgreSQL goes about each statement, for any values, in a transaction of ours.
fn plans(url: &str, statements: &[(String, &'static str)]) -> Vec<Json> {
    let settings = transaction::READ.split_once(';').unwrap().1;
    let mut script = format!("BEGIN;{settings};");
    for (name, sql) in statements {
        let settings = if name.starts_with("save/") { save::HASHED } else { "" };
        let _ = write!(
            script,
            "SAVEPOINT before;{settings};
             PREPARE one AS {sql};
             \\echo ==
             SELECT 'EXPLAIN (FORMAT JSON) EXECUTE one'
                 || COALESCE('(' || string_agg('NULL', ', ') || ')', '')
             FROM pg_prepared_statements CROSS JOIN LATERAL unnest(parameter_types) AS its
             WHERE name = 'one' \\gexec
             DEALLOCATE one;
             ROLLBACK TO before;"
        );
    }
    let output = psql(url, &script).unwrap_or_else(|error| panic!("{error}"));
    let plans = output.split("==\n").skip(1);
    plans.map(|plan| serde_json::from_str(plan).unwrap()).collect()
}

/// A plan's steps.
fn steps(plan: &Json) -> Vec<&Json> {
    match plan {
        Json::Array(list) => list.iter().flat_map(steps).collect(),
        Json::Object(fields) => {
            let inner = ["Plan", "Plans"].iter().filter_map(|name| fields.get(*name));
            std::iter::once(plan).chain(inner.flat_map(steps)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn no_statement_but_those_meant_to_walks_through_a_table_or_sorts() {
    let folder = TempDir::new().unwrap();
    let url = Postgres::shared().new_database();
    drop(PostgresStore::open(&super::options(&url, &folder)).unwrap());
    let statements = all();
    let plans = plans(&url, &statements);
    assert_eq!(plans.len(), statements.len());
    let mut wrong = Vec::new();
    for ((name, sql), plan) in statements.iter().zip(&plans) {
        if WHOLE.contains(&name.as_str()) {
            continue;
        }
        for step in steps(plan) {
            let kind = step["Node Type"].as_str().unwrap_or_default();
            // The first row of an index is no walk.
            let all = kind.starts_with("Index") && step.get("Index Cond").is_none();
            let few = step["Index Name"] == SMALL || sql.contains("LIMIT 1");
            let walks = kind == "Seq Scan" || (all && !few);
            let sorts = kind.contains("Sort") && !SORTED.contains(&name.as_str());
            if walks || sorts {
                let table = step["Relation Name"].as_str().unwrap_or_default();
                wrong.push(format!("{name}: {kind} {table}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}
