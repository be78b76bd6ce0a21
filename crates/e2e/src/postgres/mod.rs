//! A PostgreSQL server of the tests' own.
//!
//! It is made for the tests and goes away with them, so they may do to it what is done to no other:
//! kill it, freeze it, and have another take its place. It listens on the loopback interface alone
//! and trusts whoever connects. [`wire::Wire`] stands between it and its clients and cuts them off.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod installation;
mod messages;
pub mod pooler;
mod processes;
mod standby;
mod watchdog;
pub mod wire;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::shim;

use installation::Installation;
use watchdog::Watchdog;
use wire::Wire;

pub use standby::Acknowledged;

/// The server that the tests are to share, as the URL of somebody who may make databases.
const GIVEN: &str = "SUBLET_TEST_POSTGRES";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often another port is tried.
const PORTS_TRIED: u32 = 20;

/// Many small servers fit on one machine, and nothing that was acknowledged may be lost in a kill.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=16MB",
    "dynamic_shared_memory_type=mmap",
    "max_wal_size=256MB",
    "max_parallel_workers_per_gather=0",
    "jit=off",
    "synchronous_commit=on",
    // Looking at each of its files takes seconds after every kill.
    "recovery_init_sync_method=syncfs",
    "wal_level=replica",
    "max_wal_senders=4",
    "wal_receiver_status_interval=1s",
    "timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=%m [%p] ",
];

/// A server, and what belongs to it. It ends with this value.
#[derive(Debug)]
pub struct Postgres {
    /// The URL of a server that somebody else runs.
    given: Option<String>,
    own: Option<Own>,
}

/// What only a server of our own has.
#[derive(Debug)]
struct Own {
    installation: Installation,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    child: Mutex<Option<Child>>,
    /// What is preloaded, so that it waits for no disk.
    unsynced: Option<PathBuf>,
    /// What leads to the server that it follows.
    follows: Option<Wire>,
    /// The last to be dropped, because it removes the folder.
    _watchdog: Watchdog,
}

impl Postgres {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Postgres {
        Postgres::own(Own::prepare(Own::initialise, Disk::WaitedFor))
    }

    /// The one that all tests of this process share: one that was started for them, or the one that
    /// `SUBLET_TEST_POSTGRES` names.
    #[track_caller]
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(GIVEN) {
            Ok(url) if !url.is_empty() => Postgres { given: Some(url), own: None },
            // Nobody cuts the power of a server that many tests share.
            _ => Postgres::own(Own::prepare(Own::initialise, Disk::NotWaitedFor)),
        })
    }

    fn own(own: Own) -> Postgres {
        Postgres { given: None, own: Some(own) }
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        match (&self.own, &self.given) {
            (Some(own), _) => format!("postgres://postgres@127.0.0.1:{}/{database}", own.port),
            (None, given) => with_database(given.as_deref().unwrap_or_default(), database),
        }
    }

    /// Where it listens.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.owned().port).into()
    }

    /// Makes a new, empty database and gives its URL.
    #[track_caller]
    pub fn new_database(&self) -> String {
        let name = format!("test_{}", random_name());
        self.psql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
        );
        self.url(&name)
    }

    /// Makes a database with all that is in the one of this name, which nobody may be using, and gives
    /// its URL.
    #[track_caller]
    pub fn copied_database(&self, of: &str) -> String {
        let name = format!("test_{}", random_name());
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {of}"));
        self.url(&name)
    }

    /// Removes a database that [`Postgres::new_database`] has made, whoever still uses it.
    #[track_caller]
    pub fn drop_database(&self, url: &str) {
        let name = database_of(url);
        self.psql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// Runs statements in one of its databases. The rows come as lines, their columns between bars.
    #[track_caller]
    pub fn psql(&self, database: &str, sql: &str) -> String {
        psql(&self.url(database), sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Ends it and all its processes as a power cut would: at once.
    #[track_caller]
    pub fn kill9(&self) {
        let own = self.owned();
        let mut child = own.child.lock().unwrap().take().expect("the server runs");
        // Those that are still waited for count as gone: they work nowhere.
        processes::kill(&own.data);
        child.wait().unwrap();
    }

    /// Starts it again on what it has left, at the same address, and waits until it has recovered.
    #[track_caller]
    pub fn start_again(&self) {
        let own = self.owned();
        assert!(own.child.lock().unwrap().is_none(), "the server runs already");
        let began = Instant::now();
        // Somebody else may have the port for a moment.
        while let Err(error) = own.run() {
            assert!(began.elapsed() < PATIENCE, "the server does not start again: {error}");
        }
    }

    /// Kills it and starts it again.
    #[track_caller]
    pub fn restart(&self) {
        self.kill9();
        self.start_again();
    }

    /// Has all its processes stand still, as if it could be reached and did not answer.
    #[track_caller]
    pub fn freeze(&self) {
        processes::freeze(&self.owned().data);
    }

    /// Has its processes go on.
    #[track_caller]
    pub fn thaw(&self) {
        processes::signal(&self.owned().data, Signal::CONT);
    }

    /// What it has logged.
    #[track_caller]
    pub fn logged(&self) -> String {
        self.owned().logged()
    }

    #[track_caller]
    fn owned(&self) -> &Own {
        self.own.as_ref().expect("this can only be done to a server of the tests' own")
    }

    #[track_caller]
    fn owned_mut(&mut self) -> &mut Own {
        self.own.as_mut().expect("this can only be done to a server of the tests' own")
    }
}

/// Whether a server waits until the disk has what it acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    WaitedFor,
    NotWaitedFor,
}

impl Own {
    /// Fills an empty folder with a new database cluster.
    fn initialise(installation: &Installation, data: &Path) {
        let mut command = installation.server("initdb", data);
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        command.args(["--no-sync", "--wal-segsize=4", "--pgdata"]).arg(data);
        succeed(&mut command);
    }

    /// Makes a new folder, has `fill` put a database cluster into it, and runs that.
    #[track_caller]
    fn prepare(fill: impl FnOnce(&Installation, &Path), disk: Disk) -> Own {
        let installation = Installation::find();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.keep().canonicalize().unwrap();
        let data = folder.join("data");
        let watchdog = Watchdog::over(&data, &folder);
        // A server refuses a folder that others can look into.
        std::fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
        for folder in [&folder, &data] {
            installation.give(folder);
        }
        fill(&installation, &data);
        let log = folder.join("log");
        let unsynced = (disk == Disk::NotWaitedFor).then(|| shim::no_syncs(&folder));
        let (child, follows) = (Mutex::new(None), None);
        let mut own =
            Own { installation, data, log, port: 0, child, unsynced, follows, _watchdog: watchdog };
        for _ in 0..PORTS_TRIED {
            own.port = free_port();
            match own.run() {
                Ok(()) => return own,
                Err(log) => assert!(log.contains("could not bind"), "{log}"),
            }
        }
        panic!("no port is free: {}", own.logged());
    }

    /// Runs the server and waits until it takes connections. Says what it has logged if it ends.
    fn run(&self) -> Result<(), String> {
        let mut command = self.installation.server("postgres", &self.data);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(library) = &self.unsynced {
            shim::preload(&mut command, library);
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // An interrupt from the keyboard ends the tests; the watchdog ends the server.
        command.process_group(0);
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while !self.is_ready(child.id()) {
            if child.try_wait().unwrap().is_some() || PATIENCE < began.elapsed() {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.logged());
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        *self.child.lock().unwrap() = Some(child);
        Ok(())
    }

    /// The last line of its lock file says so.
    fn is_ready(&self, process: u32) -> bool {
        let lock = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = lock.lines();
        lines.next().and_then(|line| line.parse().ok()) == Some(process)
            && lines.nth(6).is_some_and(|line| ["ready", "standby"].contains(&line.trim()))
    }

    fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let Some(mut child) = child else { return };
        let quit = || processes::signal(&self.data, Signal::QUIT);
        if quit() {
            processes::signal(&self.data, Signal::CONT);
            if !processes::gone(&self.data, Duration::from_secs(5)) {
                processes::signal(&self.data, Signal::KILL);
            }
        }
        let _ = child.wait();
    }
}

/// Runs statements in the database at `url`, one transaction each. The rows come as lines, their
/// columns between bars.
///
/// # Errors
///
/// What the server or the client says.
pub fn psql(url: &str, sql: &str) -> Result<String, String> {
    Ok(String::from_utf8(psql_bytes(url, sql)?).unwrap())
}

/// The same for what is no text.
pub(crate) fn psql_bytes(url: &str, sql: &str) -> Result<Vec<u8>, String> {
    let mut command = Installation::find().client("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Beside reading what it says: of much on both sides, either would wait for the other.
    let output = std::thread::scope(|scope| {
        // It fails if there is no server to send it to. What is wrong then is said below.
        scope.spawn(move || drop(stdin.write_all(sql.as_bytes())));
        child.wait_with_output().unwrap()
    });
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// A name that nobody else uses, also not on a server that many share.
fn random_name() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
    text.chars().filter(char::is_ascii_hexdigit).collect()
}

/// A port on which nobody listens. It is none of those that the kernel gives to whoever connects:
/// a server that is killed must find its port free when it comes back.
fn free_port() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.ok().and_then(|range| range.split_whitespace().next()?.parse().ok());
    let span = u32::from(first.unwrap_or(32_768_u16).clamp(12_000, 60_000)) - 10_000;
    loop {
        let chance = u32::from_str_radix(&random_name()[..8], 16).unwrap();
        let port = u16::try_from(10_000 + chance % span).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The same server's URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (server, rest) = url.split_once("://").expect("a URL has a scheme");
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{server}://{authority}/{database}{mark}{options}")
}

/// The URL of the same database, reached at another address.
#[track_caller]
pub(crate) fn url_at(url: &str, address: SocketAddr) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
    let (authority, path) = rest.split_once('/').expect("the URL names a database");
    let user = authority.rsplit_once('@').map(|(user, _)| format!("{user}@"));
    format!("{scheme}://{}{address}/{path}", user.unwrap_or_default())
}

/// Where the server of a URL listens.
#[track_caller]
pub(crate) fn address_of(url: &str) -> SocketAddr {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
    host.to_socket_addrs().unwrap().next().expect("the host has an address")
}

/// The name of the database of a URL.
pub(crate) fn database_of(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_pointed_to_another_database() {
        for (url, expected) in [
            ("postgres://me@db:5432/postgres", "postgres://me@db:5432/new"),
            ("postgres://me:pw@db/?sslmode=require", "postgres://me:pw@db/new?sslmode=require"),
            ("postgresql://db", "postgresql://db/new"),
        ] {
            let url = with_database(url, "new");
            assert_eq!(url, expected);
            assert_eq!(database_of(&url), "new");
        }
    }
}
