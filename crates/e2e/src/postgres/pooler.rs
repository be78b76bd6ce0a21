//! A pooler of connections (PgBouncer) in front of a server, which gives each transaction whatever
//! connection is free. What a client leaves behind on a connection, another one finds there.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::installation::Installation;
use super::watchdog::Watchdog;
use super::{PATIENCE, free_port, url_at};

/// Where it is installed if it is not on the path of whoever runs the tests.
const USUAL: &str = "/usr/sbin";

/// A pooler. It ends with this value.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    address: SocketAddr,
    /// The last to be dropped, because it removes the folder.
    _watchdog: Watchdog,
}

impl Pooler {
    /// Starts one in front of the server at `server`, to which it makes so many connections for each
    /// database.
    #[track_caller]
    pub fn before(server: SocketAddr, connections: usize) -> Pooler {
        let folder = tempfile::tempdir().unwrap().keep().canonicalize().unwrap();
        let watchdog = Watchdog::over(&folder, &folder);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (settings, log) = (folder.join("settings"), folder.join("log"));
        let text = format!(
            "[databases]\n* = host={} port={}\n\
             [pgbouncer]\nlisten_addr={}\nlisten_port={}\nunix_socket_dir=\nlogfile={}\n\
             auth_type=trust\nauth_file={}\npool_mode=transaction\nmax_client_conn=500\n\
             default_pool_size={connections}\nignore_startup_parameters=extra_float_digits\n",
            server.ip(),
            server.port(),
            address.ip(),
            address.port(),
            log.display(),
            folder.join("users").display(),
        );
        std::fs::write(&settings, text).unwrap();
        std::fs::write(folder.join("users"), "\"postgres\" \"\"\n").unwrap();
        let mut command = Command::new(program());
        command.arg("-q").arg(&settings).current_dir(&folder).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let installation = Installation::find();
        installation.give(&folder);
        installation.run_by_server(&mut command);
        let child = command.spawn().unwrap();
        let mut pooler = Pooler { child, address, _watchdog: watchdog };
        pooler.wait_until_ready(&log);
        pooler
    }

    /// The URL of the same database, reached through it.
    #[track_caller]
    pub fn url(&self, url: &str) -> String {
        url_at(url, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[track_caller]
    fn wait_until_ready(&mut self, log: &Path) {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(
                !ended && began.elapsed() < PATIENCE,
                "the pooler does not start: {}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// That there is none is a failure and no reason to skip a test.
#[track_caller]
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from(USUAL)]);
    let found = folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file());
    found.expect("PgBouncer is not installed; install the package pgbouncer")
}
