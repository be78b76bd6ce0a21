//! Bringing a database to the schema that this program knows.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::statements::statements;
use super::transaction;
use crate::Result;
use crate::error::OpenError;

/// The migrations in their order. Those that have been released never change.
const MIGRATIONS: &[Migration] = &[
    Migration {
        id: 1,
        name: "books",
        shared: include_str!("../../migrations/0001_books.sql"),
        own: "",
    },
    Migration {
        id: 2,
        name: "moved",
        shared: "",
        own: include_str!("../../migrations/0002_sqlite.sql"),
    },
    Migration {
        id: 4,
        name: "access",
        shared: include_str!("../../migrations/0004_access.sql"),
        own: include_str!("../../migrations/0004_sqlite.sql"),
    },
    Migration {
        id: 5,
        name: "payments",
        shared: include_str!("../../migrations/0005_payments.sql"),
        own: "",
    },
    Migration {
        id: 6,
        name: "usage",
        shared: include_str!("../../migrations/0006_usage.sql"),
        own: "",
    },
    Migration {
        id: 7,
        name: "rotation",
        shared: include_str!("../../migrations/0007_rotation.sql"),
        own: "",
    },
    Migration {
        id: 8,
        name: "nodes",
        shared: include_str!("../../migrations/0008_nodes.sql"),
        own: "",
    },
    Migration {
        id: 9,
        name: "limits",
        shared: include_str!("../../migrations/0009_limits.sql"),
        own: "",
    },
];

/// What SQLite keeps of a file to tell whose it is: `Subl`.
const APPLICATION_ID: i64 = 0x5375_626c;

struct Migration {
    id: i64,
    name: &'static str,
    /// What every engine needs.
    shared: &'static str,
    /// What follows on SQLite.
    own: &'static str,
}

impl Migration {
    fn checksum(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.shared).chain_update(self.own).finalize().into()
    }

    /// The text in SQLite's words. `BIGINT PRIMARY KEY` becomes the row's own number.
    fn text(&self) -> String {
        (self.shared.to_owned() + self.own)
            .replace("BIGINT", "INTEGER")
            .replace("BYTEA", "BLOB")
            .replace(") /* heap */;", ") STRICT;")
            .replace(") /* clustered */;", ") STRICT, WITHOUT ROWID;")
    }
}

/// What the migrations themselves are noted in.
const NOTES: &str = "CREATE TABLE migration (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT";

statements! {
    NOTED = "SELECT checksum FROM migration WHERE id = ?1";
    NEWEST = "SELECT COALESCE(MAX(id), 0) FROM migration";
    NOTE = "INSERT INTO migration (id, name, checksum) VALUES (?1, ?2, ?3)";
    TABLES = "SELECT COUNT(*) FROM sqlite_schema";
}

/// The version of the schema that this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.id)
}

/// Whether nothing was ever put into this database.
pub(super) fn is_empty(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row(TABLES, [], |row| row.get::<_, i64>(0))? == 0)
}

/// Makes the table that migrations are noted in, which makes an empty database ours.
pub(super) fn claim(connection: &Connection) -> Result<()> {
    transaction::writing(connection, |connection| {
        if is_empty(connection)? {
            connection.execute_batch(NOTES)?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        Ok(())
    })
}

/// Refuses a database that is not ours, or whose schema is none that this program knows; says the
/// version that it has.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64> {
    let not_ours =
        |reason: &str| OpenError::NotOurs { path: path.to_path_buf(), reason: reason.to_owned() };
    let application: i64 = connection.pragma_query_value(None, "application_id", |it| it.get(0))?;
    if application != APPLICATION_ID {
        return Err(not_ours("it was made by another program").into());
    }
    let found: i64 = connection.query_row(NEWEST, [], |row| row.get(0))?;
    if known() < found {
        return Err(OpenError::TooNew { found, known: known() }.into());
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.id <= found) {
        let noted: Option<[u8; 32]> =
            connection.query_row(NOTED, [migration.id], |row| row.get(0)).optional()?;
        if noted != Some(migration.checksum()) {
            let reason = format!("its migration {} is not the one known here", migration.name);
            return Err(not_ours(&reason).into());
        }
    }
    Ok(found)
}

/// Applies what has not been applied, each in a transaction of its own.
pub(super) fn apply(connection: &Connection) -> Result<()> {
    for migration in MIGRATIONS {
        transaction::writing(connection, |connection| {
            // Another process may have been faster.
            let noted: i64 = connection.query_row(NEWEST, [], |row| row.get(0))?;
            if noted < migration.id {
                connection.execute_batch(&migration.text())?;
                let checksum = migration.checksum();
                connection.execute(NOTE, (migration.id, migration.name, checksum))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shop of before, with an order by login, one by address, and leases of both.
    const BEFORE: &str = "
        INSERT INTO state VALUES (1, 9, 4, 7, 5, 1, 1, 0, 1, 0);
        INSERT INTO customer VALUES (1, 'Ann', NULL, 'USD', 0, 5), (2, 'Bob', NULL, 'USD', 0, 5);
        INSERT INTO address VALUES (1, 'IPv4/USA', '192.0.2.1', 0, 0, 'main', 0, 1, 5, 0),
            (2, 'IPv4/USA', '192.0.2.2', 0, 0, 'main', 0, 2, 6, 0);
        INSERT INTO customer_order VALUES
            (2, 1, 'IPv4/USA', 30, 1, 'one', 'ann', x'010203', NULL, NULL, NULL, 7),
            (3, 2, 'IPv6/USA', 90, 1, 'two', NULL, NULL, '203.0.113.9', 'SOCKS', 300, 8);
        INSERT INTO lease VALUES (5, 2, 1, 'IPv4/USA', 1, 1, 0, 7, 99, NULL, NULL, NULL, 99),
            (6, 3, 2, 'IPv4/USA', 1, 2, 0, 8, 99, NULL, NULL, NULL, 99);";

    fn rows(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let value = |index| row.get_ref(index).map(|it| format!("{:?}", it.data_type()));
            let shown = |index| -> rusqlite::Result<String> {
                Ok(match row.get::<_, rusqlite::types::Value>(index)? {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    rusqlite::types::Value::Null => "-".to_owned(),
                    _ => value(index)?,
                })
            };
            (0..columns).map(shown).collect::<rusqlite::Result<Vec<String>>>()
        };
        let rows = statement.query_map([], row).unwrap();
        rows.map(|row| row.unwrap().join(" ")).collect()
    }

    #[test]
    fn what_orders_had_so_far_is_with_their_authorisations_now() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        claim(&connection).unwrap();
        for migration in MIGRATIONS.iter().filter(|migration| migration.id < 3) {
            connection.execute_batch(&migration.text()).unwrap();
            let checksum = migration.checksum();
            connection.execute(NOTE, (migration.id, migration.name, checksum)).unwrap();
        }
        connection.execute_batch(BEFORE).unwrap();
        apply(&connection).unwrap();
        assert_eq!(
            rows(
                &connection,
                "SELECT id, customer_id, order_id, active, login, source_ip, usual, chosen, shown,
                 hex(password_sealed) FROM authorisation ORDER BY id"
            ),
            ["2 1 2 1 ann - 0 0 1 010203", "3 2 3 1 - 203.0.113.9 0 0 1 "]
        );
        assert_eq!(
            rows(&connection, "SELECT * FROM customer_order ORDER BY id"),
            ["2 1 IPv4/USA 30 1 one - - 7", "3 2 IPv6/USA 90 1 two SOCKS 300 8"]
        );
        assert_eq!(rows(&connection, "SELECT next_authorisation FROM state"), ["4"]);
        assert_eq!(
            rows(&connection, "SELECT id, order_id, replaced_at_ms, comment FROM lease"),
            ["5 2 - -", "6 3 - -"]
        );
        assert_eq!(rows(&connection, "PRAGMA foreign_key_check"), [""; 0]);
        let orphan = "UPDATE lease SET order_id = 4 WHERE id = 5";
        assert!(connection.execute(orphan, []).is_err(), "references are looked at again");
    }
}
