//! The program as it is typed: its output, its exit codes, its files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const CATALOGUE: &str = include_str!("../../../docs/catalogue.sample.toml");

/// A folder in which commands are typed.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    /// An empty folder.
    fn new() -> Terminal {
        Terminal { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a database that sells what the sample says.
    fn in_a_shop() -> Terminal {
        let terminal = Terminal::new();
        terminal.json("init");
        std::fs::write(terminal.path("catalogue.toml"), CATALOGUE).unwrap();
        terminal.json("catalogue apply catalogue.toml --yes");
        terminal
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sublet"));
        command.current_dir(self.folder.path()).args(line.split(' ').filter(|it| !it.is_empty()));
        for variable in ["SUBLET_DATABASE", "SUBLET_KEY_FILE", "RUST_LOG", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        command
    }

    fn output(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// The objects that `line` gives.
    #[track_caller]
    fn jsons(&self, line: &str) -> Vec<Value> {
        let output = self.output(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(0), "{line}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one object that `line` gives.
    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let objects = self.jsons(line);
        assert_eq!(objects.len(), 1, "{line}: {objects:?}");
        objects[0].clone()
    }

    /// What is said on standard error by `line`, which ends with `code`.
    #[track_caller]
    fn refused(&self, line: &str, code: i32) -> String {
        let output = self.output(line);
        let says = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {says}");
        assert_eq!(text(&output.stdout), "", "{line}");
        assert!(says.starts_with("error: "), "{line}: {says}");
        assert!(says.lines().skip(1).all(|line| line.starts_with("hint: ")), "{line}: {says}");
        says
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn from_nothing_to_a_customer_with_money_and_a_key() {
    let terminal = Terminal::in_a_shop();
    let stock = terminal.json("stock add --kind IPv4 --country USA --cidr 127.10.0.0/24");
    assert_eq!((&stock["added"], &stock["known"]), (&json!(256), &json!(0)));
    let customer = terminal.json("customer create --name Ann");
    let id = customer["customer_id"].as_i64().expect("it is a number");
    let paid = terminal.json(&format!("wallet deposit --customer {id} --amount 100.00"));
    assert_eq!((&paid["balance"], &paid["currency"]), (&json!("100.00"), &json!("USD")));
    let key = terminal.json(&format!("key create --customer {id}"));
    assert!(key["api_key"].as_str().unwrap().starts_with("sub"));
    let token = terminal.json("operator token create");
    assert!(token["token"].as_str().unwrap().starts_with("sop"));
    terminal.json("promo create SPRING --percent 10 --max-uses 3");
    let audit = terminal.json("audit");
    assert_eq!((&audit["ok"], &audit["entries"]), (&json!(true), &json!(1)));
    let wallet = terminal.json(&format!("wallet show --customer {id}"));
    assert_eq!(wallet["balance"], "100.00");
    let events = terminal.jsons("events");
    assert_eq!((events.len(), &events[0]["event"]), (1, &json!("deposit")));
}

#[test]
fn a_person_reads_tables_without_lines_or_colours() {
    let terminal = Terminal::in_a_shop();
    terminal.json("stock add --kind IPv4 --country USA --cidr 127.10.0.0/30");
    let output = terminal.output("stock list");
    let expected = "\
POOL      GATEWAY  FREE  LEASED  COOLING  UNDRAWN
IPv4/USA  main     4     0       0        0
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_database_is_made_once_and_found_by_option_environment_and_file() {
    let terminal = Terminal::new();
    let says = terminal.refused("customer list", 1);
    assert!(says.contains("`sublet init` makes one"), "{says}");

    let made = terminal.json("init");
    assert_eq!((&made["sandbox"], &made["created"]), (&json!(false), &json!(true)));
    assert!(terminal.path("sublet-data/sublet.key").exists());
    assert_eq!(terminal.json("init")["created"], false);

    terminal.json("init --database sqlite:elsewhere/books.db --key-file keys/books.key");
    assert!(terminal.path("elsewhere/books.db").exists());
    assert!(terminal.path("keys/books.key").exists());
    let options = "--database sqlite:elsewhere/books.db --key-file keys/books.key";
    terminal.json(&format!("{options} customer create --name Elsewhere"));
    assert_eq!(terminal.jsons("customer list"), Vec::<Value>::new());

    let mut listed = terminal.command("customer list --json");
    listed.env("SUBLET_DATABASE", "sqlite:elsewhere/books.db");
    listed.env("SUBLET_KEY_FILE", "keys/books.key");
    assert!(text(&listed.output().unwrap().stdout).contains("Elsewhere"));

    let file = "database = \"sqlite:elsewhere/books.db\"\nkey_file = \"keys/books.key\"\n";
    std::fs::write(terminal.path("sublet.toml"), format!("{file}json = true\n")).unwrap();
    let listed = terminal.output("customer list --config sublet.toml");
    assert!(text(&listed.stdout).starts_with('{'), "{}", text(&listed.stdout));
    std::fs::write(terminal.path("sublet.toml"), "databse = \"x\"\n").unwrap();
    let says = terminal.refused("customer list --config sublet.toml", 2);
    assert!(says.contains("line 1: unknown field `databse`"), "{says}");

    let nobody = "--database postgres://ann:secret@127.0.0.1:1/sublet";
    let says = terminal.refused(&format!("customer list {nobody}"), 1);
    assert!(!says.contains("secret"), "{says}");
    terminal.refused("customer list --database postgres://127.0.0.1:port/sublet", 2);
    terminal.refused("customer list --database mysql://localhost", 2);
}

#[test]
fn a_sandbox_is_one_from_the_start_or_never() {
    let terminal = Terminal::new();
    assert_eq!(terminal.json("init --sandbox")["sandbox"], true);
    assert_eq!(terminal.json("init")["sandbox"], true);
    terminal.json("init --database sqlite:real/books.db");
    let says = terminal.refused("init --sandbox --database sqlite:real/books.db", 1);
    assert!(says.contains("is no sandbox"), "{says}");
}

#[test]
fn a_key_file_that_is_lost_or_wrong_is_named() {
    let terminal = Terminal::new();
    terminal.json("init");
    terminal.json("init --database sqlite:other/books.db");
    let says = terminal.refused("customer list --key-file other/sublet.key", 1);
    assert!(says.contains("does not belong to this database"), "{says}");
    let says = terminal.refused("customer list --key-file none.key", 1);
    assert!(says.contains("none.key") && says.contains("is missing"), "{says}");
}

#[test]
fn wrong_usage_ends_with_2_and_one_line() {
    let terminal = Terminal::new();
    for line in
        ["", "custmer list", "customer create", "key", "stock add --kind IPv9", "--nonsense"]
    {
        let says = terminal.refused(line, 2);
        assert!(says.lines().count() <= 2, "{line}: {says}");
    }
    let version = terminal.output("--version");
    assert_eq!(version.status.code(), Some(0));
    assert!(text(&version.stdout).starts_with("sublet "), "{}", text(&version.stdout));
}

#[test]
fn a_hundred_thousand_addresses_are_imported_and_known_again() {
    let terminal = Terminal::in_a_shop();
    let mut rows = String::from("ip,kind,country,operator,gateway,slots\n");
    for number in 0..100_000_u32 {
        let ip =
            std::net::Ipv4Addr::from(u32::from(std::net::Ipv4Addr::new(127, 64, 0, 0)) + number);
        rows.push_str(&format!("{ip},IPv4,USA,,main,\n"));
    }
    std::fs::write(terminal.path("stock.csv"), &rows).unwrap();
    let first = terminal.json("stock import stock.csv");
    assert_eq!((&first["added"], &first["known"]), (&json!(100_000), &json!(0)));
    let second = terminal.json("stock import stock.csv");
    assert_eq!((&second["added"], &second["known"]), (&json!(0), &json!(100_000)));

    std::fs::write(terminal.path("wrong.csv"), rows.replace("127.64.200.7,", "127.64.200,"))
        .unwrap();
    let says = terminal.refused("stock import wrong.csv", 1);
    assert!(says.contains("wrong.csv, line 51209: ip \"127.64.200\""), "{says}");
    assert_eq!(terminal.json("stock list")["free"], 100_000);
}

#[test]
fn a_backup_is_restored_without_what_was_revoked_and_takes_no_orders() {
    let terminal = Terminal::in_a_shop();
    let id = terminal.json("customer create --name Ann")["customer_id"].clone();
    terminal.json(&format!("wallet deposit --customer {id} --amount 5"));
    let key = terminal.json(&format!("key create --customer {id} --name old"));
    let copy = terminal.json("backup monday.db");
    assert!(copy["bytes"].as_u64().unwrap() > 0);
    let says = terminal.refused("backup monday.db", 1);
    assert!(says.contains("exists already"), "{says}");

    terminal.json(&format!("key revoke {}", key["key_id"]));
    terminal.json(&format!("wallet deposit --customer {id} --amount 7"));
    let says = terminal.refused("restore monday.db", 1);
    assert!(says.contains("exists already"), "{says}");

    let away = terminal.path("lost");
    std::fs::create_dir(&away).unwrap();
    for name in ["sublet.db", "sublet.db-wal", "sublet.db-shm"] {
        let file = terminal.path("sublet-data").join(name);
        if file.exists() {
            std::fs::rename(&file, away.join(name)).unwrap();
        }
    }
    let restored = terminal.json("restore monday.db");
    assert_eq!((&restored["customers"], &restored["keys_revoked"]), (&json!(1), &json!(1)));
    assert_eq!((&restored["entries"], &restored["sales_locked"]), (&json!(1), &json!(true)));
    assert_eq!(terminal.json(&format!("wallet show --customer {id}"))["balance"], "5.00");
    assert_eq!(terminal.json("key list")["state"], "revoked");
    assert_eq!(terminal.json("unlock")["was_locked"], true);
    assert_eq!(terminal.json("unlock")["was_locked"], false);
    assert_eq!(terminal.json("audit")["ok"], true);
}

#[test]
fn books_that_were_tampered_with_fail_the_audit() {
    let terminal = Terminal::in_a_shop();
    let id = terminal.json("customer create --name Ann")["customer_id"].clone();
    terminal.json(&format!("wallet deposit --customer {id} --amount 5"));
    tamper(&terminal.path("sublet-data/sublet.db"));
    let output = terminal.output("audit --json");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: the books are wrong"), "{output:?}");
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.last().unwrap();
    assert_eq!(summary["ok"], false);
    assert_eq!(summary["violations"], lines.len() - 1);
    assert!(lines[0]["violation"].is_string() && lines[0]["detail"].is_string(), "{}", lines[0]);
}

/// Gives a wallet money that nobody has paid in.
fn tamper(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let changed =
        connection.execute("UPDATE wallet SET balance_minor = balance_minor + 1", []).unwrap();
    assert_eq!(changed, 1);
}

#[test]
fn two_commands_at_once_both_count() {
    let terminal = Terminal::in_a_shop();
    let id = terminal.json("customer create --name Ann")["customer_id"].clone();
    let line = format!("wallet deposit --customer {id} --amount 1");
    let mut running: Vec<_> = (0..8).map(|_| terminal.command(&line).spawn().unwrap()).collect();
    assert!(running.iter_mut().all(|command| command.wait().unwrap().success()));
    assert_eq!(terminal.json(&format!("wallet show --customer {id}"))["balance"], "8.00");
}
