//! A shop before it opens.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use super::Shop;
use crate::database::Engine;

/// The catalogue that the repository offers as an example.
pub const SAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/catalogue.sample.toml"));

/// A catalogue in which everything costs the same.
pub const FLAT: &str = include_str!("../../catalogues/flat.toml");

/// How many servers a shop has, if its test does not say; more than one needs PostgreSQL.
const NODES: &str = "SUBLET_TEST_NODES";

/// A shop before it opens.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) binary: PathBuf,
    pub(super) catalogue: String,
    pub(super) stock: Vec<String>,
    pub(super) serve: Vec<String>,
    pub(super) log: String,
    pub(super) sync_takes: u32,
    pub(super) engine: Engine,
    pub(super) nodes: usize,
    pub(super) reached: Option<Reached>,
}

/// A database of a PostgreSQL server that the test runs itself, and the ways to it.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// The operator's URL.
    pub(super) operator: String,
    /// The URL of each server of the shop.
    pub(super) nodes: Vec<String>,
}

impl Setup {
    /// A sandbox with the sample catalogue and nothing in stock, run by the program at `binary`.
    ///
    /// Its books are kept by the engine that `SUBLET_TEST_STORE` names.
    #[track_caller]
    pub fn new(binary: impl AsRef<Path>) -> Setup {
        let engine = Engine::of_the_tests();
        let nodes = std::env::var(NODES).map_or(1, |nodes| nodes.parse().expect("it is a number"));
        Setup {
            binary: binary.as_ref().to_owned(),
            // At other ports than those that the demo serves, beside which other proofs run.
            catalogue: SAMPLE.replace("= 8081", "= 7081").replace("= 8082", "= 7082"),
            stock: vec![],
            serve: vec![],
            log: "info".to_owned(),
            sync_takes: 0,
            engine,
            nodes: if engine == Engine::Postgres { nodes } else { 1 },
            reached: None,
        }
    }

    /// Keeps its books in a file, whatever engine the tests use: for what is about that file, its
    /// disk, or its backups.
    #[must_use]
    pub fn in_a_file(mut self) -> Setup {
        self.engine = Engine::Sqlite;
        self.nodes = 1;
        self
    }

    /// Has one server, however many the tests use: for what each server knows by itself.
    #[must_use]
    pub fn alone(mut self) -> Setup {
        self.nodes = 1;
        self
    }

    /// Has so many servers on one database, which PostgreSQL must keep.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Setup {
        self.engine = Engine::Postgres;
        self.nodes = nodes;
        self
    }

    /// Keeps its books in a database that the test has made: the operator reaches it at one URL, and
    /// each of the servers at its own.
    #[must_use]
    pub fn reached(mut self, operator: &str, nodes: &[String]) -> Setup {
        self.reached = Some(Reached { operator: operator.to_owned(), nodes: nodes.to_vec() });
        self.nodes(nodes.len())
    }

    /// Sells from another catalogue.
    #[must_use]
    pub fn catalogue(mut self, text: &str) -> Setup {
        text.clone_into(&mut self.catalogue);
        self
    }

    /// Has more in its catalogue.
    #[must_use]
    pub fn catalogue_too(mut self, text: &str) -> Setup {
        self.catalogue.push_str(text);
        self
    }

    /// The same as [`Setup::own_ports`], but IPv4 passes datagrams on too, and as many connections as
    /// come.
    #[must_use]
    pub fn traffic(self, shared_host: &str) -> Setup {
        let mut setup = self.own_ports(shared_host);
        setup.catalogue = setup.catalogue.replace(
            "[kinds.IPv4]",
            "[kinds.IPv4]\nlimits = { new_connections_per_second = 0, udp = true }",
        );
        setup
    }

    /// Sells from [`FLAT`], with a gateway whose ports no other shop of these tests has. What shares a
    /// host is reached at `shared_host`.
    ///
    /// # Panics
    ///
    /// If one program of tests has opened too many.
    #[must_use]
    pub fn own_ports(self, shared_host: &str) -> Setup {
        // Those behind the shared ones are for whatever else a test listens with.
        const EACH: u16 = 12;
        const PROCESS: u16 = 32 * EACH;
        static GIVEN: AtomicU16 = AtomicU16::new(0);
        // Below the ports that the system gives to those who do not ask for one.
        let process = u16::try_from(std::process::id() % 57).expect("it is below 57");
        let given = EACH * GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(given < PROCESS, "give each of these tests fewer shops");
        let http = 10_000 + process * PROCESS + given;
        let (socks, shared) = (http + 1, http + 2);
        let catalogue = FLAT
            .replace("http_port = 7081", &format!("http_port = {http}"))
            .replace("socks_port = 7082", &format!("socks_port = {socks}"))
            .replace("host = \"127.0.0.1\"", &format!("host = \"{shared_host}\""))
            .replace("[20000, 29999]", &format!("[{shared}, {}]", shared + 7));
        self.catalogue(&catalogue)
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

    /// Has whatever the servers do be durable so many microseconds later.
    #[must_use]
    pub fn slow_syncs(mut self, microseconds: u32) -> Setup {
        self.sync_takes = microseconds;
        self
    }

    /// Sets it up and opens it.
    #[track_caller]
    pub fn open(self) -> Shop {
        let mut shop = Shop::closed(self);
        shop.run(&["init", "--sandbox"]);
        shop.apply_catalogue(&shop.setup.catalogue);
        for words in shop.setup.stock.clone() {
            shop.stock(&words);
        }
        let made = shop.run(&["operator", "token", "create", "--name", "tests"]);
        made[0]["token"].as_str().expect("it is told once").clone_into(&mut shop.token);
        shop.reopen();
        shop
    }
}
