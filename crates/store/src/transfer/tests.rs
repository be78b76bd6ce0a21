//! What is moved is everything, on either side.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::{Span, Time};
use e2e::postgres::{Postgres, psql};
use rusqlite::Connection;
use tempfile::TempDir;

use super::tables::Kept;
use super::*;
use crate::Store;
use crate::postgres::PostgresStore;
use crate::records::Create;
use crate::sqlite::SqliteStore;

/// What a file has and is not moved: how its schema came to be, where its books have gone to, and
/// what each server on PostgreSQL has of its own. A server that has ended has left nothing there.
const STAYS: [&str; 8] = [
    "migration.id",
    "migration.name",
    "migration.checksum",
    "moved.id",
    "moved.place",
    "moved.at_ms",
    "state.quiet_entry",
    "state.id",
];

/// What comes into being on PostgreSQL: besides the schema's history, servers, and what is on its way.
const COMES: [&str; 6] =
    ["migration", "server", "server_run", "moving", "moving_part", "moving_later"];

type Columns = BTreeSet<String>;

/// All columns of a SQLite file, with their tables.
fn in_a_file(connection: &Connection) -> Columns {
    let sql = "SELECT tables.name || '.' || columns.name FROM sqlite_schema AS tables
        JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
}

/// All columns of a PostgreSQL database that are filled by a move.
fn in_a_database(url: &str) -> Columns {
    let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = 'public'";
    let all = psql(url, sql).unwrap();
    let comes = |column: &str| COMES.contains(&column.split_once('.').unwrap().0);
    all.lines().filter(|column| !comes(column)).map(str::to_owned).collect()
}

fn columns(table: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{table}.{name}")).collect()
}

struct Move {
    folder: TempDir,
    url: String,
}

impl Move {
    fn new() -> Move {
        Move { folder: TempDir::new().unwrap(), url: Postgres::shared().new_database() }
    }

    fn file(&self) -> SqliteStore {
        self.try_file().unwrap()
    }

    fn try_file(&self) -> crate::Result<SqliteStore> {
        SqliteStore::open(&crate::sqlite::Options {
            path: self.folder.path().join("sublet.db"),
            key_file: self.folder.path().join("sublet.key"),
            create: Create::IfMissing { sandbox: true },
            migrate: true,
            readers: 1,
        })
    }

    fn database(&self) -> crate::Result<PostgresStore> {
        PostgresStore::open(&crate::postgres::Options {
            url: self.url.clone(),
            key_file: self.folder.path().join("sublet.key"),
            create: Create::IfMissing { sandbox: true },
            migrate: true,
            readers: 1,
            server: "test".to_owned(),
        })
    }

    fn run(&self) -> crate::Result<Moved> {
        self.run_with(&mut |_| {})
    }

    fn run_with(&self, progress: &mut dyn FnMut(Step)) -> crate::Result<Moved> {
        let options = Options {
            from: self.folder.path().join("sublet.db"),
            key_file: self.folder.path().join("sublet.key"),
            to: self.url.clone(),
            unsettled: Unsettled { window: Span::DAY, kept: Span::DAY },
            now: Time::from_millis(1_800_000_000_000),
        };
        run(&options, progress)
    }
}

#[test]
fn every_column_of_both_schemas_is_moved_or_known_to_stay() {
    let it = Move::new();
    drop((it.file(), it.database().unwrap()));
    let file = Connection::open(it.folder.path().join("sublet.db")).unwrap();
    let mut from = Columns::new();
    for table in TABLES {
        from.extend(match table.kept {
            Kept::There => columns(table.name, table.columns),
            Kept::ThereBut(_) => columns(table.name, &table.columns[..table.columns.len() - 1]),
            Kept::With(other) => columns(other, table.columns),
            Kept::Found(_) => vec![],
        });
        let statement = file.prepare(&table.kept()).unwrap();
        assert_eq!(statement.column_count(), table.columns.len(), "{}", table.name);
    }
    from.extend(STAYS.map(str::to_owned));
    assert_eq!(from, in_a_file(&file));

    let to: Columns = TABLES.iter().flat_map(|table| columns(table.name, table.columns)).collect();
    assert_eq!(to, in_a_database(&it.url));
}

#[test]
fn rows_are_ordered_by_what_makes_them_one() {
    let it = Move::new();
    drop(it.database().unwrap());
    let sql = "SELECT relname || '=' || string_agg(attname, ', ' ORDER BY place)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        CROSS JOIN unnest(indkey) WITH ORDINALITY AS its (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = its.number
        WHERE indisprimary AND relnamespace = CAST('public' AS regnamespace) GROUP BY relname";
    let found = psql(&it.url, sql).unwrap();
    let keys: BTreeMap<&str, &str> =
        found.lines().map(|line| line.split_once('=').unwrap()).collect();
    for table in TABLES {
        assert_eq!(keys[table.name], table.key, "{}", table.name);
    }
}

#[test]
fn a_file_that_is_in_use_stays_and_one_that_has_moved_is_left() {
    let it = Move::new();
    let open = it.file();
    assert!(matches!(it.run(), Err(Error::Unmoved(Unmoved::InUse(_)))));
    let made = open.installation().unwrap();
    drop(open);

    let moved = it.run().unwrap();
    assert!(!moved.before && moved.tables.len() == TABLES.len());
    let left = it.try_file();
    assert!(matches!(left, Err(Error::Open(OpenError::Moved { .. }))), "{left:?}");
    assert_eq!(it.database().unwrap().installation().unwrap(), made);
    // To do it again does nothing.
    assert!(it.run().unwrap().before);
}

#[test]
fn a_database_that_has_books_is_left_alone() {
    let (it, other) = (Move::new(), Move::new());
    drop((it.file(), other.file()));
    other.run().unwrap();
    let it = Move { url: other.url.clone(), ..it };
    assert!(matches!(it.run(), Err(Error::Unmoved(Unmoved::Occupied(_)))));
    drop(it.file());
}

#[test]
fn a_move_that_was_broken_off_keeps_everybody_away_and_goes_on() {
    struct Broken;
    let it = Move::new();
    let made = it.file().installation().unwrap();
    for at in 0..7 {
        let mut steps = 0;
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            it.run_with(&mut |step| {
                if !matches!(step, Step::Proven(_)) {
                    steps += 1;
                }
                if steps == 4 * at + 1 {
                    std::panic::resume_unwind(Box::new(Broken));
                }
            })
        }));
        assert!(broken.is_err(), "{at}");
        let early = it.database();
        assert!(matches!(early, Err(Error::Open(OpenError::Moving { .. }))), "{early:?}");
        // The books are still where they were, and somebody goes on with them.
        it.file().set_sales_locked(at % 2 == 0).unwrap();
    }
    it.run().unwrap();
    let here = it.database().unwrap();
    assert_eq!(here.installation().unwrap(), made);
    assert!(here.sales_locked().unwrap());
}

#[test]
fn the_schema_is_whole_afterwards() {
    let (it, other) = (Move::new(), Move::new());
    drop((it.file(), other.database().unwrap()));
    it.run().unwrap();
    let schema = |url: &str| {
        let sql = "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class
                ON pg_class.oid = indrelid WHERE relnamespace = CAST('public' AS regnamespace)
            UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace) ORDER BY 1";
        psql(url, sql).unwrap()
    };
    assert_eq!(schema(&it.url), schema(&other.url));
    assert!(schema(&it.url).contains("FOREIGN KEY"));
}
