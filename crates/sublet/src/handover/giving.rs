//! The process that leaves.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::net::UnixListener;
use tokio::task::spawn_blocking;

use super::{
    BEHIND, FREE, HELLO, LEARNING, LEAVING, PROMPT, READY, STAYING, TAKE, descriptors, hear,
    hear_whether,
};

/// Where whoever is to go on asks for it.
#[derive(Debug)]
pub(crate) struct Giver {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is, so that another's is not removed; nothing if another takes its place.
    file: Option<(u64, u64)>,
}

/// Whoever goes on. It hears that nobody gives it anything any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Heir {
    line: UnixStream,
}

impl Drop for Heir {
    fn drop(&mut self) {
        // It may have gone.
        let _ = self.line.shutdown(Shutdown::Both);
    }
}

impl Giver {
    /// Begins to listen, unless somebody does already whom we do not follow. If it cannot, that is
    /// told, and nobody can take over.
    pub(crate) fn open(path: &Path, follows: bool) -> Option<Giver> {
        match Giver::try_to_open(path, follows) {
            Ok(giver) => Some(giver),
            Err(error) => {
                let shown = path.display();
                tracing::error!("Nobody can take over from this process at {shown}: {error}");
                None
            }
        }
    }

    fn try_to_open(path: &Path, follows: bool) -> io::Result<Giver> {
        if !follows && UnixStream::connect(path).is_ok() {
            return Err(io::Error::other("another process is asked there"));
        }
        // It may well not be there.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let known = std::fs::symlink_metadata(path)?;
        Ok(Giver { listener, path: path.to_owned(), file: Some((known.dev(), known.ino())) })
    }

    /// Listens no more, and leaves the place to whoever has taken over.
    pub(crate) fn leave(mut self) {
        self.file = None;
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

/// What [`Giver::given`] says, or nothing ever if nobody can ask.
pub(crate) async fn asked<L>(giver: Option<&Giver>, lend: L) -> Heir
where
    L: Fn(bool) -> io::Result<(bool, Vec<OwnedFd>)> + Clone + Send + 'static,
{
    match giver {
        Some(giver) => giver.given(lend).await,
        None => std::future::pending().await,
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        let now = std::fs::symlink_metadata(&self.path).map(|known| (known.dev(), known.ino()));
        if self.file.is_some() && now.ok() == self.file {
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
    /// Says that what only one may have is free, and waits until everything is served there. An
    /// error is that it will not be. `suffices` is asked whether it is enough if only what was kept
    /// is.
    pub(crate) async fn follow(
        self,
        suffices: impl FnOnce() -> bool + Send + 'static,
    ) -> io::Result<()> {
        let mut line = self.line.try_clone()?;
        let waiting = spawn_blocking(move || {
            line.write_all(&[FREE])?;
            line.set_read_timeout(Some(LEARNING))?;
            if hear_whether(&mut line, READY, BEHIND)? || suffices() {
                return line.write_all(&[LEAVING]);
            }
            line.write_all(&[STAYING])?;
            Err(io::Error::other("it only knows what was kept, and this one knows more"))
        });
        waiting.await.map_err(io::Error::other)?
    }
}
