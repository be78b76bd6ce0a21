//! The servers of a shop: one, or several on one database.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shop;
use crate::database::Database;
use crate::postgres::wire::Wire;
use crate::server::{Server, wait};
use crate::shim;

/// A server of a shop, running or not.
#[derive(Debug)]
pub(super) struct Node {
    /// Before the wire, so that it ends first.
    server: Option<Server>,
    database: Database,
    /// What makes its commits slow.
    _wire: Option<Wire>,
}

impl Node {
    /// One that has not been started, and whose commits take so many microseconds longer if a server
    /// of their own does them.
    pub(super) fn new(database: Database, sync_takes: u32) -> Node {
        let Database::Server { url, .. } = &database else {
            return Node { server: None, database, _wire: None };
        };
        if sync_takes == 0 {
            return Node { server: None, database, _wire: None };
        }
        let wire = Wire::to(crate::postgres::address_of(url));
        wire.delay_commits(Duration::from_micros(sync_takes.into()));
        let database = database.reached_at(&wire.url(url));
        Node { server: None, database, _wire: Some(wire) }
    }

    fn running(&self) -> &Server {
        self.server.as_ref().expect("the shop is closed")
    }

    fn kill9(&mut self) {
        let mut server = self.server.take().expect("the shop is closed");
        server.child.kill().expect("it is our child");
        server.child.wait().expect("it is our child");
    }
}

/// A server from which another one has taken over.
#[derive(Debug)]
pub struct Leaving(Server);

impl Leaving {
    /// Waits for its end.
    #[track_caller]
    pub fn ended(mut self) -> ExitStatus {
        wait(&mut self.0.child)
    }
}

impl Shop {
    /// Where it listens. With several servers it is another one every time.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        let running: Vec<&Node> = self.nodes.iter().filter(|node| node.server.is_some()).collect();
        assert!(!running.is_empty(), "the shop is closed");
        let next = self.asked.fetch_add(1, Ordering::Relaxed);
        running[next % running.len()].running().address
    }

    /// Where one of its servers listens.
    #[track_caller]
    pub fn address_of(&self, node: usize) -> SocketAddr {
        self.nodes[node].running().address
    }

    /// The process of its first server.
    #[track_caller]
    pub fn process(&self) -> u32 {
        self.nodes[0].running().child.id()
    }

    /// Where its servers listen.
    #[track_caller]
    pub fn addresses_of_servers(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.running().address).collect()
    }

    /// Starts its servers, none of which must run.
    #[track_caller]
    pub fn reopen(&mut self) {
        self.reopen_with(|_| {});
    }

    /// The same, with the servers' command lines changed by `prepare`.
    #[track_caller]
    pub fn reopen_with(&mut self, mut prepare: impl FnMut(&mut Command)) {
        for node in 0..self.nodes.len() {
            self.spawn(node, &mut prepare);
        }
    }

    /// Starts one of its servers, which must not run.
    #[track_caller]
    pub fn reopen_node(&mut self, node: usize) {
        self.spawn(node, |_| {});
    }

    /// Starts one more server on the same database, and gives its number.
    #[track_caller]
    pub fn another_server(&mut self) -> usize {
        self.nodes.push(Node::new(self.database.clone(), 0));
        let node = self.nodes.len() - 1;
        self.reopen_node(node);
        node
    }

    /// Goes on with the database at `url`, into which its books have been moved. It must be closed.
    #[track_caller]
    pub fn moved(&mut self, url: &str) {
        assert!(self.nodes.iter().all(|node| node.server.is_none()), "the shop is open");
        self.database = Database::at(url.to_owned(), self.folder.path());
        self.nodes = vec![Node::new(self.database.clone(), self.setup.sync_takes)];
    }

    #[track_caller]
    fn spawn(&mut self, node: usize, prepare: impl FnOnce(&mut Command)) {
        assert!(self.nodes[node].server.is_none(), "the shop is open already");
        let mut command = self.serve_command_of(node);
        prepare(&mut command);
        self.nodes[node].server =
            Some(Server::spawn(&mut command, &self.setup.log, self.folder.path()));
    }

    /// The command line of its server, on a port that is free.
    pub fn serve_command(&self) -> Command {
        self.serve_command_of(0)
    }

    fn serve_command_of(&self, node: usize) -> Command {
        let database = &self.nodes[node].database;
        let mut command = program(&self.setup.binary, database);
        command.args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        command.args(["--node", &format!("server {node}")]).args(&self.setup.serve);
        if self.nodes.len() > 1 {
            // Links are the same, whoever gives them.
            command.args(["--base-url", "http://shop.test"]);
        }
        if self.setup.sync_takes > 0 && matches!(database, Database::File(_)) {
            shim::slow_syncs(&mut command, self.setup.sync_takes);
        }
        command
    }

    /// Ends its servers as a power cut would end the process: at once.
    #[track_caller]
    pub fn kill9(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill9);
    }

    /// Ends one of its servers at once.
    #[track_caller]
    pub fn kill_node(&mut self, node: usize) {
        self.nodes[node].kill9();
    }

    /// Ends its servers at once and starts them again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        self.reopen();
    }

    /// Has another server take over from its only one, which is given back: it ends by itself when
    /// its last tunnel has.
    #[track_caller]
    pub fn take_over(&mut self) -> Leaving {
        let mut command = self.serve_command_of(0);
        command.arg("--take-over");
        let new = Server::spawn(&mut command, &self.setup.log, self.folder.path());
        let old = self.nodes[0].server.replace(new);
        Leaving(old.expect("the shop is closed"))
    }

    /// Asks its servers to end; they go on until their requests are done.
    #[track_caller]
    pub fn ask_to_end(&self) {
        for node in &self.nodes {
            let id = node.running().child.id().to_string();
            let asked = Command::new("kill").args(["-TERM", &id]).status();
            assert!(asked.is_ok_and(|status| status.success()), "it is our child");
        }
    }

    /// Waits for the end of its servers. Gives what the first of them said that did not end well, or
    /// what all did.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let mut ends = vec![];
        for node in &mut self.nodes {
            let mut server = node.server.take().expect("the shop is closed");
            ends.push(wait(&mut server.child));
        }
        ends.iter().find(|end| !end.success()).copied().unwrap_or(ends[0])
    }

    /// Asks its servers to end and waits for a good end.
    #[track_caller]
    pub fn sigterm(&mut self) {
        self.ask_to_end();
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.logged());
    }
}

/// The program with a database, and with nothing from the environment that would name another.
pub(crate) fn program(binary: &Path, database: &Database) -> Command {
    let mut command = Command::new(binary);
    command.args(database.words());
    command.env_remove("SUBLET_DATABASE").env_remove("SUBLET_KEY_FILE");
    command
}
