//! The PostgreSQL server that is measured: one that is named, or one of the benchmark's own, which
//! goes away with it.

use std::fs::DirBuilder;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use store::postgres::scratch;

/// Where Debian keeps PostgreSQL's programs, which are not on the path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that is acknowledged is on the disk. The log begins each line with a code.
const SETTINGS: &[&str] = &[
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_line_prefix=%e ",
    "lc_messages=C",
    "timezone=UTC",
];

/// Runs a server, ends it when its input ends, and removes its folder: so it also goes when this
/// process is killed.
const KEEPER: &str = r#"
folder=$1
log=$2
shift 2
"$@" >>"$log" 2>&1 &
read -r _
kill -QUIT $!
wait $!
rm -rf "$folder"
"#;

/// PostgreSQL's programs.
pub(super) struct Programs {
    folders: Vec<PathBuf>,
}

/// Whoever may run a server, which root may not.
#[derive(Clone, Copy)]
struct User {
    id: u32,
    group: u32,
}

/// A server, until dropped.
pub(super) struct Server {
    pub(super) programs: Programs,
    pub(super) scratch: scratch::Server,
    own: Option<Own>,
}

/// What only a server of our own has.
struct Own {
    keeper: Child,
    folder: PathBuf,
    log: PathBuf,
}

impl Programs {
    /// Looks on the path, and where Debian has them.
    fn find() -> Programs {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Programs { folders: std::env::split_paths(&path).chain(debian()).collect() }
    }

    fn path(&self, program: &str) -> Result<PathBuf> {
        let mut all = self.folders.iter().map(|folder| folder.join(program));
        all.find(|path| path.is_file()).with_context(|| {
            format!(
                "there is no {program} on the path or in {DEBIAN}/*/bin: install PostgreSQL, in \
                 Debian the package postgresql"
            )
        })
    }

    pub(super) fn command(&self, program: &str) -> Result<Command> {
        self.path(program).map(Command::new)
    }
}

/// Debian's versions, newest first.
fn debian() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|version| Path::new(DEBIAN).join(format!("{version}/bin"))).collect()
}

impl User {
    /// The one that the package has made for it, or else the one who owns nothing.
    fn find() -> Result<User> {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let read = |name: &str| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(str::parse);
            Some(User { id: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
        };
        read("postgres").or_else(|| read("nobody")).context("root may not run a PostgreSQL server")
    }
}

impl Server {
    /// The one with this URL, whose user may make databases.
    pub(super) fn named(url: &str) -> Server {
        Server { programs: Programs::find(), scratch: scratch::Server::at(url), own: None }
    }

    /// Starts one with its files in `folder`, which is removed at the end.
    pub(super) fn start(folder: PathBuf) -> Result<Server> {
        let programs = Programs::find();
        let user = if rustix::process::geteuid().is_root() { Some(User::find()?) } else { None };
        let (data, log) = (folder.join("data"), folder.join("log"));
        for made in [&folder, &data] {
            DirBuilder::new()
                .mode(0o700)
                .recursive(true)
                .create(made)
                .with_context(|| made.display().to_string())?;
            if let Some(user) = user {
                chown(made, Some(user.id), Some(user.group))?;
            }
        }
        let by_user = |mut command: Command| {
            if let Some(user) = user {
                command.uid(user.id).gid(user.group);
            }
            command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let mut initdb = by_user(programs.command("initdb")?);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        let made = initdb.args(["--no-sync", "--pgdata"]).arg(&data).output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port()?;
        let mut keeper = by_user(Command::new("sh"));
        keeper.args(["-c", KEEPER, "keeper"]).args([&folder, &log]);
        keeper.arg(programs.path("postgres")?).arg("-D").arg(&data);
        keeper.args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            keeper.args(["-c", setting]);
        }
        // Whoever interrupts this program by the keyboard ends the server by that.
        keeper.process_group(0).stdin(Stdio::piped()).stderr(Stdio::null());
        let own = Own { keeper: keeper.spawn()?, folder, log };
        own.wait_until_ready(&data)?;
        let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
        Ok(Server { programs, scratch: scratch::Server::at(&url), own: Some(own) })
    }

    /// How often transactions gave way to others, by the codes of their errors in the log; `None`
    /// where the log is somebody else's.
    pub(super) fn gave_way(&self) -> Option<u64> {
        let log = std::fs::read_to_string(&self.own.as_ref()?.log).ok()?;
        // Serialization failure, deadlock, lock timeout.
        let codes = ["40001 ERROR", "40P01 ERROR", "55P03 ERROR"];
        let gave_way = |line: &&str| codes.iter().any(|code| line.starts_with(code));
        u64::try_from(log.lines().filter(gave_way).count()).ok()
    }
}

impl Own {
    /// The last line of its lock file says so.
    fn wait_until_ready(&self, data: &Path) -> Result<()> {
        let since = Instant::now();
        loop {
            let lock = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if lock.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            if log.contains("FATAL:") || PATIENCE < since.elapsed() {
                bail!("the PostgreSQL server does not start: {log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // This closes its input first.
        let _ = self.keeper.wait();
        // It could not remove the folder itself where that lies in one that is not its own.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
