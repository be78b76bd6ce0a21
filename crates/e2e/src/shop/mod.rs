//! A shop that runs: the real program with a database of its own, and its operator.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod calls;
mod servers;
mod setup;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::auditor::Auditor;
use crate::books::Books;
use crate::customer::Customer;
use crate::database::Database;

use servers::Node;

pub use servers::Leaving;
pub(crate) use servers::program;
pub use setup::{FLAT, SAMPLE, Setup};

/// A shop that is open, in a folder that goes away with it.
#[derive(Debug)]
pub struct Shop {
    /// First, so that they end before what they work on goes away.
    nodes: Vec<Node>,
    setup: Setup,
    database: Database,
    token: String,
    /// How often somebody has asked where it listens.
    asked: AtomicUsize,
    folder: TempDir,
}

/// What a command line said and did.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Said {
    /// Its results: every line of standard output is one JSON object.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let object = |line: &str| match serde_json::from_str(line) {
            Ok(Value::Object(object)) => Value::Object(object),
            _ => panic!("not a JSON object: {line}"),
        };
        self.out.lines().map(object).collect()
    }
}

impl Shop {
    /// A shop with the sample catalogue and some of everything in stock.
    #[track_caller]
    pub fn start(binary: impl AsRef<Path>) -> Shop {
        Setup::new(binary)
            .stock("--kind IPv4 --country USA --cidr 198.51.100.0/25")
            .stock("--kind IPv4 --country DEU --cidr 198.51.100.128/26")
            .stock("--kind ISP --country USA --cidr 203.0.113.0/26")
            .stock("--kind IPv6 --country DEU --cidr 2001:db8:77::/64")
            .stock("--kind MOBILE --country USA --operator verizon --cidr 192.0.2.0/28")
            .open()
    }

    /// A shop that is not set up, and has a place for its books.
    #[track_caller]
    fn closed(setup: Setup) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let database = match &setup.reached {
            Some(reached) => Database::at(reached.operator.clone(), folder.path()),
            None => Database::new(setup.engine, folder.path()),
        };
        Shop::of(setup, folder, database)
    }

    fn of(setup: Setup, folder: TempDir, database: Database) -> Shop {
        let databases = match &setup.reached {
            Some(reached) => reached.nodes.iter().map(|url| database.reached_at(url)).collect(),
            None => vec![database.clone(); setup.nodes],
        };
        let node = |database| Node::new(database, setup.sync_takes);
        let nodes = databases.into_iter().map(node).collect();
        let (token, asked) = (String::new(), AtomicUsize::new(0));
        Shop { nodes, setup, database, token, asked, folder }
    }

    /// A second shop with a copy of this one's books. Both must be closed.
    #[track_caller]
    pub fn copied(&self) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            let file = file.unwrap();
            // A server that was killed leaves its socket behind.
            if !file.file_type().unwrap().is_file() {
                continue;
            }
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let database = self.database.copied(folder.path());
        let copied = Shop::of(self.setup.clone(), folder, database);
        Shop { token: self.token.clone(), ..copied }
    }

    /// The folder with everything that belongs to it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its books are, as its operator reaches them.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The operator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it has logged.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A command line of this shop that was not run yet.
    pub fn command(&self) -> Command {
        let mut command = program(&self.setup.binary, &self.database);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command line and says what became of it.
    pub fn say(&self, words: &[&str]) -> Said {
        let output = self.command().args(words).output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command line that must succeed, for its results.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Vec<Value> {
        let said = self.say(&[&["--json"], words].concat());
        assert_eq!(said.code, Some(0), "{words:?} failed: {}{}", said.out, said.err);
        said.objects()
    }

    /// Puts a catalogue in force.
    #[track_caller]
    pub fn apply_catalogue(&self, text: &str) {
        let file = self.folder.path().join("catalogue.toml");
        std::fs::write(&file, text).unwrap();
        self.run(&["catalogue", "apply", file.to_str().unwrap(), "--yes"]);
    }

    /// Adds stock: the words after `stock add`.
    #[track_caller]
    pub fn stock(&self, words: &str) {
        let words: Vec<&str> = ["stock", "add"].into_iter().chain(words.split(' ')).collect();
        self.run(&words);
    }

    /// Adds a promo code: the words after `promo create`.
    #[track_caller]
    pub fn promo(&self, words: &str) {
        let words: Vec<&str> = ["promo", "create"].into_iter().chain(words.split(' ')).collect();
        self.run(&words);
    }

    /// How often a promo code was used, as the operator is told.
    #[track_caller]
    pub fn promo_uses(&self, code: &str) -> i64 {
        let promos = self.run(&["promo", "list"]);
        let found = promos.iter().find(|promo| promo["code"] == code);
        found.unwrap()["uses"].as_i64().unwrap()
    }

    /// A new customer with so much money, such as `100.00`, and an API key.
    #[track_caller]
    pub fn customer(&self, name: &str, money: &str) -> Customer {
        let made = self.run(&["customer", "create", "--name", name]);
        let id = made[0]["customer_id"].as_i64().unwrap();
        if money != "0" {
            self.deposit(id, money);
        }
        Customer { id, key: self.key(id, "") }
    }

    /// A further API key of a customer, with the options that `words` are.
    #[track_caller]
    pub fn key(&self, customer: i64, words: &str) -> String {
        let customer = customer.to_string();
        let mut line = vec!["key", "create", "--customer", &customer];
        line.extend(words.split_whitespace());
        self.run(&line)[0]["api_key"].as_str().unwrap().to_owned()
    }

    /// Credits a wallet.
    #[track_caller]
    pub fn deposit(&self, customer: i64, money: &str) {
        self.run(&["wallet", "deposit", "--customer", &customer.to_string(), "--amount", money]);
    }

    /// Proves the books.
    #[track_caller]
    pub fn audit(&self) {
        let said = self.say(&["--json", "audit"]);
        assert_eq!(said.code, Some(0), "the books are wrong: {}{}", said.out, said.err);
        let summary = said.objects().pop().unwrap();
        assert_eq!((&summary["ok"], &summary["violations"]), (&json!(true), &json!(0)));
    }

    /// Somebody who looks at its books.
    pub fn auditor(&self) -> Auditor {
        Auditor::new(&self.setup.binary, &self.database)
    }

    /// What its database holds.
    #[track_caller]
    pub fn books(&self) -> Books {
        Books::open(&self.database)
    }
}
