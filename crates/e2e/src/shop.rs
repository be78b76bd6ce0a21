//! A shop that runs: the real program with a database of its own, and its operator.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::books::Books;
use crate::customer::Customer;
use crate::http::{Answer, Request, cents};
use crate::server::{Server, wait};

/// The catalogue that the repository offers as an example.
pub const SAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/catalogue.sample.toml"));

/// A catalogue in which everything costs the same.
pub const FLAT: &str = include_str!("../catalogues/flat.toml");

/// A shop before it opens.
#[derive(Clone, Debug)]
pub struct Setup {
    binary: PathBuf,
    catalogue: String,
    stock: Vec<String>,
    serve: Vec<String>,
    log: String,
    sync_takes: u32,
}

/// A shop that is open, in a folder that goes away with it.
#[derive(Debug)]
pub struct Shop {
    setup: Setup,
    folder: TempDir,
    server: Option<Server>,
    token: String,
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

impl Setup {
    /// A sandbox with the sample catalogue and nothing in stock, run by the program at `binary`.
    pub fn new(binary: impl AsRef<Path>) -> Setup {
        Setup {
            binary: binary.as_ref().to_owned(),
            catalogue: SAMPLE.to_owned(),
            stock: vec![],
            serve: vec![],
            log: "info".to_owned(),
            sync_takes: 0,
        }
    }

    /// Sells from another catalogue.
    #[must_use]
    pub fn catalogue(mut self, text: &str) -> Setup {
        text.clone_into(&mut self.catalogue);
        self
    }

    /// Has stock, as the words after `stock add`.
    #[must_use]
    pub fn stock(mut self, words: &str) -> Setup {
        self.stock.push(words.to_owned());
        self
    }

    /// Serves with a further option.
    #[must_use]
    pub fn serve(mut self, option: &str) -> Setup {
        self.serve.push(option.to_owned());
        self
    }

    /// Logs what `filter` lets through.
    #[must_use]
    pub fn log(mut self, filter: &str) -> Setup {
        filter.clone_into(&mut self.log);
        self
    }

    /// Has every sync of the server's disk take so many microseconds longer.
    #[must_use]
    pub fn slow_syncs(mut self, microseconds: u32) -> Setup {
        self.sync_takes = microseconds;
        self
    }

    /// Sets it up and opens it.
    #[track_caller]
    pub fn open(self) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let mut shop = Shop { setup: self, folder, server: None, token: String::new() };
        shop.run(&["init", "--sandbox"]);
        shop.apply_catalogue(&shop.setup.catalogue);
        for words in shop.setup.stock.clone() {
            shop.stock(&words);
        }
        let made = shop.run(&["operator", "token", "create", "--name", "tests"]);
        made[0]["token"].as_str().unwrap().clone_into(&mut shop.token);
        shop.reopen();
        shop
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

    /// A second shop with a copy of this one's books. Both must be closed.
    #[track_caller]
    pub fn copied(&self) -> Shop {
        assert!(self.server.is_none(), "close the shop before its books are copied");
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        Shop { setup: self.setup.clone(), folder, server: None, token: self.token.clone() }
    }

    /// The folder with everything that belongs to it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of its database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("sublet.db")
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
        let mut command = Command::new(&self.setup.binary);
        command.arg("--database").arg(format!("sqlite:{}", self.database().display()));
        command.env_remove("SUBLET_DATABASE").env_remove("SUBLET_KEY_FILE").stdin(Stdio::null());
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

    /// What its database holds.
    #[track_caller]
    pub fn books(&self) -> Books {
        Books::open(&self.database())
    }

    /// Where it listens.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().expect("the shop is closed").address
    }

    /// Starts the server, which must not run.
    #[track_caller]
    pub fn reopen(&mut self) {
        self.reopen_with(|_| {});
    }

    /// The same, with the server's command line changed by `prepare`.
    #[track_caller]
    pub fn reopen_with(&mut self, prepare: impl FnOnce(&mut Command)) {
        assert!(self.server.is_none(), "the shop is open already");
        let mut command = self.serve_command();
        prepare(&mut command);
        self.server = Some(Server::spawn(&mut command, &self.setup.log, self.folder.path()));
    }

    /// The command line of its server, on a port that is free.
    pub fn serve_command(&self) -> Command {
        let mut command = self.command();
        command.args(["--json", "serve", "--listen", "127.0.0.1:0"]).args(&self.setup.serve);
        if self.setup.sync_takes > 0 {
            crate::shim::slow_syncs(&mut command, self.setup.sync_takes);
        }
        command
    }

    /// Ends the server as a power cut would end the process: at once.
    #[track_caller]
    pub fn kill9(&mut self) {
        let mut server = self.server.take().unwrap();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
    }

    /// Ends the server at once and starts it again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        self.reopen();
    }

    /// Asks the server to end; it goes on until its requests are done.
    #[track_caller]
    pub fn ask_to_end(&self) {
        let id = self.server.as_ref().unwrap().child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for the end of the server.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let mut server = self.server.take().unwrap();
        wait(&mut server.child)
    }

    /// Asks the server to end and waits for a good end.
    #[track_caller]
    pub fn sigterm(&mut self) {
        self.ask_to_end();
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.logged());
    }

    /// Lets time pass, such as `30d`, and waits until everything that was due has been done.
    #[track_caller]
    pub fn advance(&self, span: &str) -> Value {
        self.move_clock(&json!({ "advance": span }))
    }

    /// Moves the clock, which must succeed.
    #[track_caller]
    pub fn move_clock(&self, body: &Value) -> Value {
        let answer = self.clock_request(body).send(self.address());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The request that moves the clock.
    pub fn clock_request(&self, body: &Value) -> Request {
        Request::post("/sandbox/v1/clock", body)
            .header("Authorization", &format!("Bearer {}", self.token))
    }

    /// A call of a customer that only reads.
    #[track_caller]
    pub fn get(&self, customer: &Customer, call: &str) -> Answer {
        customer.reading(call).send(self.address())
    }

    /// A call of a customer with a body.
    #[track_caller]
    pub fn post(&self, customer: &Customer, call: &str, body: &Value) -> Answer {
        customer.posting(call, body).send(self.address())
    }

    /// What is in a customer's wallet, in minor units.
    #[track_caller]
    pub fn balance(&self, customer: &Customer) -> i64 {
        cents(&self.get(customer, "/balance").ok()["balance"])
    }

    /// The live addresses of a customer, in the order in which they are listed.
    #[track_caller]
    pub fn addresses(&self, customer: &Customer, kind: &str) -> Vec<Value> {
        let listed = self.get(customer, &format!("/ipAddress?proxyType={kind}")).ok();
        let orders = listed[kind].as_array().unwrap();
        orders.iter().flat_map(|order| order["ipAddresses"].as_array().unwrap().clone()).collect()
    }

    /// Orders and gives the new addresses back.
    #[track_caller]
    pub fn order(&self, customer: &Customer, body: &Value) -> Vec<Value> {
        let number = self.post(customer, "/order", body).ok()["orderNumber"].clone();
        let listed = self.get(customer, "/ipAddress").ok();
        for kind in ["IPv4", "IPv6", "MOBILE", "ISP"] {
            for order in listed[kind].as_array().unwrap() {
                if order["orderNumber"] == number {
                    return order["ipAddresses"].as_array().unwrap().clone();
                }
            }
        }
        panic!("the order {number} is not listed: {listed}");
    }
}
