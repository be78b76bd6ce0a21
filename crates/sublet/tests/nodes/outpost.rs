//! A gateway that runs, apart from its shop.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use e2e::http::Request;
use e2e::shop::Setup;
use serde_json::Value;
use tempfile::TempDir;

use crate::BINARY;
use crate::town::{Town, setup};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs, apart from its shop. It ends with this value.
pub(crate) struct Outpost {
    child: Child,
    log: PathBuf,
    /// What it said when it was ready.
    pub(crate) ready: Value,
}

impl Outpost {
    /// One with its folder at `data`, which follows `controls`. It may be ready later, or never.
    pub(crate) fn begin(data: &Path, controls: &[&str], words: &[&str]) -> Outpost {
        std::fs::create_dir_all(data).unwrap();
        let log = data.with_extension("log");
        let appended = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(BINARY);
        command.args(["--json", "gateway", "--listen-admin", "127.0.0.1:0", "--data"]).arg(data);
        for control in controls {
            command.args(["--control", control]);
        }
        command.args(words).env("SUBLET_LOG", "debug").env_remove("SUBLET_GATEWAY_TOKEN");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(appended);
        Outpost { child: child.spawn().unwrap(), log, ready: Value::Null }
    }

    /// The same, once it is ready.
    #[track_caller]
    pub(crate) fn start(data: &Path, controls: &[&str], words: &[&str]) -> Outpost {
        let mut outpost = Outpost::begin(data, controls, words);
        let out = outpost.child.stdout.take().unwrap();
        match e2e::server::first_line(out, data.parent().unwrap()) {
            Some(ready) => outpost.ready = ready,
            None => panic!("the gateway does not get ready: {}", outpost.logged()),
        }
        assert_eq!(outpost.ready["event"], "ready");
        outpost
    }

    /// What it has logged.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// It logs `what`, at the latest soon.
    #[track_caller]
    pub(crate) fn soon_logs(&self, what: &str) {
        soon(|| self.logged().contains(what), || format!("no {what:?} in {}", self.logged()));
    }

    /// The same for so many times.
    #[track_caller]
    pub(crate) fn soon_logs_times(&self, what: &str, times: usize) {
        let so_far = || self.logged().matches(what).count();
        soon(|| so_far() >= times, || format!("not {times} of {what:?} in {}", self.logged()));
    }

    /// Whether it runs still.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it says that it is.
    pub(crate) fn status(&self) -> Value {
        let admin: SocketAddr = self.ready["admin"].as_str().unwrap().parse().unwrap();
        Request::get("/readyz").send(admin).json()
    }

    /// A signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Ends it at once.
    pub(crate) fn kill9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        soon(|| self.child.try_wait().unwrap().is_some(), || "it does not end".to_owned());
        self.child.wait().unwrap()
    }

    /// What it printed, when it has ended and was never ready.
    pub(crate) fn printed(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut out) = self.child.stdout.take() {
            out.read_to_string(&mut text).unwrap();
        }
        text
    }
}

impl Drop for Outpost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Something becomes true, at the latest soon.
#[track_caller]
pub(crate) fn soon(mut is_so: impl FnMut() -> bool, says: impl Fn() -> String) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{}", says());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port that nobody else here has.
pub(crate) fn port() -> u16 {
    // Below those that the system gives, and above those of the towns.
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 60).unwrap();
    30_100 + process * 40 + GIVEN.fetch_add(1, Ordering::Relaxed)
}

/// A shop without a gateway of its own, and a gateway that follows it.
pub(crate) struct Away {
    pub(crate) town: Town,
    /// Where the shop tells gateways what to serve.
    pub(crate) control: String,
    /// Before its folder, so that it ends first.
    pub(crate) outpost: Option<Outpost>,
    folder: TempDir,
}

impl Away {
    /// A shop, and a gateway that serves.
    #[track_caller]
    pub(crate) fn open() -> Away {
        let mut away = Away::alone();
        let token = away.token("rotterdam");
        away.start(&["--token", &token]);
        away
    }

    /// The same, where one server of the shop can take over from another wherever its books are.
    #[track_caller]
    pub(crate) fn open_whose_servers_follow() -> Away {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("hand-over.sock");
        let setup = setup().serve("--hand-over").serve(socket.to_str().unwrap());
        let mut away = Away::of(setup, folder);
        let token = away.token("rotterdam");
        away.start(&["--token", &token]);
        away
    }

    /// A shop without any gateway.
    #[track_caller]
    pub(crate) fn alone() -> Away {
        Away::of(setup(), TempDir::new().unwrap())
    }

    /// A shop of two servers, both of which the gateway follows; nothing if its books are in a file.
    #[track_caller]
    pub(crate) fn of_two_servers() -> Option<Away> {
        if std::env::var("SUBLET_TEST_STORE").unwrap_or_default() != "postgres" {
            return None;
        }
        let ports = [port(), port()];
        let setup = setup().nodes(2).serve("--roles").serve("api,web,scheduler");
        let mut town = Town::of(setup.open());
        town.shop.kill9();
        let mut given = ports.iter();
        town.shop.reopen_with(|command| {
            let address = format!("127.0.0.1:{}", given.next().unwrap());
            command.args(["--gateway-listen", &address]);
        });
        let [one, other] = ports.map(|port| format!("https://127.0.0.1:{port}"));
        let mut away = Away { town, control: one, outpost: None, folder: TempDir::new().unwrap() };
        let token = away.token("rotterdam");
        let words = ["--token", &token];
        away.outpost = Some(Outpost::start(&away.data(), &[&away.control, &other], &words));
        Some(away)
    }

    fn of(setup: Setup, folder: TempDir) -> Away {
        let address = format!("127.0.0.1:{}", port());
        let setup = setup.alone().serve("--roles").serve("api,web,scheduler");
        let town = Town::of(setup.serve("--gateway-listen").serve(&address).open());
        Away { town, control: format!("https://{address}"), outpost: None, folder }
    }

    /// The token of a new node.
    #[track_caller]
    pub(crate) fn token(&self, name: &str) -> String {
        let added = self.town.shop.run(&["node", "add", "--gateway", "main", "--name", name]);
        added[0]["token"].as_str().unwrap().to_owned()
    }

    /// The folder of the gateway.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("gateway")
    }

    /// What is saved of what the gateway was told.
    pub(crate) fn saved(&self) -> Vec<u8> {
        std::fs::read(self.data().join("table")).unwrap_or_default()
    }

    /// More is saved than `before`, within seconds, and nothing more for a moment.
    #[track_caller]
    pub(crate) fn soon_saved_since(&self, before: &[u8]) {
        const SAVED: Duration = Duration::from_secs(3);
        const MOMENT: Duration = Duration::from_millis(300);
        let began = Instant::now();
        let (mut last, mut since) = (self.saved(), began);
        while last == before || since.elapsed() < MOMENT {
            assert!(last != before || began.elapsed() < SAVED, "it is not saved");
            std::thread::sleep(Duration::from_millis(20));
            let now = self.saved();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Starts the gateway, which must not run.
    #[track_caller]
    pub(crate) fn start(&mut self, words: &[&str]) {
        self.outpost = Some(Outpost::start(&self.data(), &[&self.control], words));
    }

    /// Has another process take over from the gateway, which is given back.
    #[track_caller]
    pub(crate) fn take_over(&mut self) -> Outpost {
        let new = Outpost::start(&self.data(), &[&self.control], &["--take-over"]);
        self.outpost.replace(new).unwrap()
    }

    /// The gateway.
    pub(crate) fn outpost(&self) -> &Outpost {
        self.outpost.as_ref().unwrap()
    }

    /// Ends the gateway at once.
    pub(crate) fn kill9(&mut self) {
        self.outpost.take().unwrap().kill9();
    }

    /// What the operator is told of the gateway.
    #[track_caller]
    pub(crate) fn listed(&self, name: &str) -> Value {
        let listed = self.town.shop.run(&["node", "list"]);
        listed.into_iter().rev().find(|node| node["node"] == name).unwrap()
    }
}
