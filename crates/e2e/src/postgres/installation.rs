//! PostgreSQL's programs, and who may run them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is needed of an installation. Debian puts all of them into one folder, and not on the path.
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "psql", "pg_basebackup"];

/// Where Debian keeps its versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// PostgreSQL as it is installed on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    folder: PathBuf,
    user: Option<User>,
}

/// Somebody else than root, who may not run a server.
#[derive(Clone, Copy, Debug)]
struct User {
    id: u32,
    group: u32,
}

impl Installation {
    /// Looks for it. That there is none is a failure and no reason to skip a test.
    pub(crate) fn find() -> Installation {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path);
        let Some(folder) = on_path.chain(debian()).find(|folder| has_all(folder)) else {
            panic!(
                "PostgreSQL is not installed: {PROGRAMS:?} are neither on the path nor in \
                 {DEBIAN}/*/bin; install the package postgresql"
            );
        };
        let user = rustix::process::geteuid().is_root().then(User::find);
        Installation { folder, user }
    }

    /// One of its programs, run by whoever asks.
    pub(crate) fn client(&self, program: &str) -> Command {
        Command::new(self.folder.join(program))
    }

    /// One of its programs, run by whoever may run a server, in a folder that is his.
    pub(crate) fn server(&self, program: &str, folder: &Path) -> Command {
        let mut command = self.client(program);
        command.current_dir(folder);
        self.run_by_server(&mut command);
        command
    }

    /// Has a program be run by whoever may run a server.
    pub(crate) fn run_by_server(&self, command: &mut Command) {
        if let Some(user) = self.user {
            command.uid(user.id).gid(user.group);
        }
    }

    /// Gives a folder to whoever runs the server.
    pub(crate) fn give(&self, folder: &Path) {
        if let Some(user) = self.user {
            std::os::unix::fs::chown(folder, Some(user.id), Some(user.group))
                .expect("root may give a folder away");
        }
    }
}

impl User {
    /// The one that the package made for its servers, or else the one who owns nothing.
    fn find() -> User {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"].iter().find_map(|name| User::read(&passwd, name));
        found.expect("there is nobody who could run a server: PostgreSQL does not run as root")
    }

    fn read(passwd: &str, name: &str) -> Option<User> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some(User { id: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
    }
}

fn has_all(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

/// Debian's versions, newest first.
fn debian() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|version| Path::new(DEBIAN).join(format!("{version}/bin"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_the_list_of_all() {
        let passwd = "root:x:0:0:root:/:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/bash\n";
        let user = User::read(passwd, "postgres").unwrap();
        assert_eq!((user.id, user.group), (101, 104));
        assert!(User::read(passwd, "post").is_none());
    }
}
