//! The process that leaves.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::net::UnixListener;
use tokio::task::spawn_blocking;

use super::{FREE, HELLO, LEARNING, LEAVING, PROMPT, READY, TAKE, descriptors, hear};

/// Where whoever is to go on asks for it.
#[derive(Debug)]
pub(crate) struct Giver {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is, so that another's is not removed.
    file: (u64, u64),
}

/// Whoever goes on.
#[derive(Debug)]
pub(crate) struct Heir {
    line: UnixStream,
}

impl Giver {
    /// Begins to listen, unless a server does already that we do not follow.
    pub(crate) fn open(path: &Path, follows: bool) -> io::Result<Giver> {
        if !follows && UnixStream::connect(path).is_ok() {
            return Err(io::Error::other("another server is asked there"));
        }
        // It may well not be there.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let known = std::fs::symlink_metadata(path)?;
        Ok(Giver { listener, path: path.to_owned(), file: (known.dev(), known.ino()) })
    }

    /// Waits until somebody who may has taken what `lend` gives: descriptors, and whether the first
    /// one is of the HTTP server.
    pub(crate) async fn given<L>(&self, lend: L) -> Heir
    where
        L: Fn(bool) -> io::Result<(bool, Vec<OwnedFd>)> + Clone + Send + 'static,
    {
        loop {
            let accepted = self.listener.accept().await;
            let line = accepted.and_then(|(line, _)| line.into_std());
            let lend = lend.clone();
            let given = spawn_blocking(move || give(line?, &lend)).await;
            match given {
                Ok(Ok(heir)) => return heir,
                Ok(Err(error)) => {
                    tracing::error!("Nothing was handed over: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                Err(_) => tracing::error!("Handing over panicked"),
            }
        }
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        let now = std::fs::symlink_metadata(&self.path).map(|known| (known.dev(), known.ino()));
        if now.ok() == Some(self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn give<L>(mut line: UnixStream, lend: &L) -> io::Result<Heir>
where
    L: Fn(bool) -> io::Result<(bool, Vec<OwnedFd>)>,
{
    line.set_nonblocking(false)?;
    line.set_read_timeout(Some(PROMPT))?;
    line.set_write_timeout(Some(PROMPT))?;
    let other = socket_peercred(&line)?.uid;
    if other != geteuid() && !other.is_root() {
        return Err(io::Error::other(format!("user {} may not ask", other.as_raw())));
    }
    hear(&mut line, HELLO)?;
    let (with_http, all) = lend(true)?;
    let taken = descriptors::send(&line, with_http, &all).and_then(|()| hear(&mut line, TAKE));
    if taken.is_err() {
        // All goes on as before.
        lend(false)?;
    }
    taken.map(|()| Heir { line })
}

impl Heir {
    /// Says that the books are free, and waits until everything is served there. An error is that
    /// it will not be.
    pub(crate) async fn follow(self) -> io::Result<()> {
        let Heir { mut line } = self;
        let waiting = spawn_blocking(move || {
            line.write_all(&[FREE])?;
            line.set_read_timeout(Some(LEARNING))?;
            hear(&mut line, READY)?;
            line.write_all(&[LEAVING])
        });
        waiting.await.map_err(io::Error::other)?
    }
}
