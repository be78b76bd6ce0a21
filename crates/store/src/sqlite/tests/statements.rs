//! Every statement fits the schema, and none walks through a table that grows.

use std::rc::Rc;

use rusqlite::types::Value;

use super::super::*;
use super::shop::Shop;

/// Statements that are meant to read a whole table.
const WHOLE: &[&str] = &[
    "stock::LINES",
    "stock::ALL_PREFIXES",
    "stock::PORTS",
    "promos::LIST",
    "promos::LIST_OF",
    "keys::LIST",
    "nodes::LIST",
    "operators::LIST",
    "customers::SUSPENDED",
    "audit::POSTINGS",
    "audit::ALL_POSTINGS",
    "audit::LEASES",
    "audit::ADDRESSES",
    "audit::PROMO_USES",
    "migrate::TABLES",
    "rotations::OPEN",
];

fn all() -> Vec<(String, &'static str)> {
    let files = [
        ("answers", answers::STATEMENTS),
        ("audit", audit::STATEMENTS),
        ("authorisations", authorisations::STATEMENTS),
        ("catalogues", catalogues::STATEMENTS),
        ("customers", customers::STATEMENTS),
        ("glance", glance::STATEMENTS),
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
        ("replacements", replacements::STATEMENTS),
        ("rotations", rotations::STATEMENTS),
        ("served", served::STATEMENTS),
        ("state", state::STATEMENTS),
        ("stock", stock::STATEMENTS),
        ("transaction", transaction::STATEMENTS),
        ("usage", usage::STATEMENTS),
    ];
    let named = |(file, list): (&str, &[(&str, &'static str)])| -> Vec<_> {
        list.iter().map(|(name, sql)| (format!("{file}::{name}"), *sql)).collect()
    };
    files.into_iter().flat_map(named).collect()
}

/// How SQLite goes about a statement, a line for each table.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for parameter in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(parameter, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get(3).unwrap());
    }
    lines
}

#[test]
fn every_statement_can_be_prepared() {
    let shop = Shop::new();
    let writer = shop.store.writer();
    for (name, sql) in all() {
        assert!(
            writer.connection.prepare(sql).is_ok(),
            "{name}: {:?}",
            writer.connection.prepare(sql)
        );
    }
}

#[test]
fn no_statement_but_those_meant_to_walks_through_a_table_or_sorts() {
    let shop = Shop::new();
    let writer = shop.store.writer();
    for (name, sql) in all() {
        if WHOLE.contains(&name.as_str()) || name.starts_with("transaction::") {
            continue;
        }
        for line in plan(&writer.connection, sql) {
            // A table that the statement does not name is looked at for a foreign key, and only
            // where a row that others need is taken away. What is given to it is no table.
            let scanned = line.strip_prefix("SCAN ").filter(|rest| !rest.contains("VIRTUAL TABLE"));
            let table = scanned.and_then(|rest| rest.split(' ').next());
            // The first row of an index is no walk either.
            let walks = !sql.ends_with("LIMIT 1") && table.is_some_and(|table| sql.contains(table));
            assert!(!walks && !line.contains("TEMP B-TREE"), "{name}: {line}");
        }
    }
}

#[test]
fn the_index_of_live_leases_answers_alone_how_far_down_a_page_is() {
    let shop = Shop::new();
    let writer = shop.store.writer();
    let plan_of = |wanted: &str| {
        let (_, sql) = all().into_iter().find(|(name, _)| name == wanted).unwrap();
        plan(&writer.connection, sql).join("; ")
    };
    assert!(plan_of("proxies::NTH_LIVE_ID").contains("COVERING INDEX lease_live"));
    assert!(plan_of("proxies::UNNOTED_IDS").contains("INDEX lease_due"));
    assert!(plan_of("stock::FREE").contains("INDEX address_free"));
}

#[test]
fn migrations_can_be_applied_again_without_harm() {
    let shop = Shop::new();
    let writer = shop.store.writer();
    let schema = |connection: &Connection| -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(|sql| sql.unwrap()).collect()
    };
    let before = schema(&writer.connection);
    migrate::claim(&writer.connection).unwrap();
    migrate::apply(&writer.connection).unwrap();
    assert_eq!(schema(&writer.connection), before);
    // Every table was given SQLite's own words.
    let tables = before.iter().filter(|sql| sql.starts_with("CREATE TABLE"));
    assert!(tables.clone().count() > 15);
    for sql in tables {
        assert!(sql.contains("STRICT") && !sql.contains("BIGINT"), "{sql}");
    }
}

#[test]
fn no_statement_is_planned_anew_for_other_values() {
    let shop = Shop::new();
    let writer = shop.store.writer();
    for (name, sql) in all() {
        if !sql.starts_with("SELECT") {
            continue;
        }
        let mut statement = writer.connection.prepare(sql).unwrap();
        for value in [1, 2, 3] {
            for parameter in 1..=statement.parameter_count() {
                let list = Rc::new(vec![Value::from(value)]);
                match sql.contains(&format!("rarray(?{parameter})")) {
                    true => statement.raw_bind_parameter(parameter, list).unwrap(),
                    false => statement.raw_bind_parameter(parameter, value).unwrap(),
                }
            }
            let mut rows = statement.raw_query();
            while rows.next().unwrap().is_some() {}
        }
        let again = statement.get_status(rusqlite::StatementStatus::RePrepare);
        assert_eq!(again, 0, "{name}");
    }
}
