//! The process that goes on.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{
    BEHIND, FREE, HELLO, LEAVING, LETTING_GO, PROMPT, READY, STAYING, TAKE, descriptors, hear,
    hear_whether,
};
use crate::problem::Problem;

/// What was taken over.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Where the HTTP server listens.
    pub(crate) http: Option<TcpListener>,
    /// Where the gateway listens.
    pub(crate) gateway: Vec<TcpListener>,
    /// The process before this one.
    pub(crate) waiting: Waiting,
}

/// A process that goes on until it is told not to.
#[derive(Debug)]
pub(crate) struct Waiting {
    line: UnixStream,
}

/// Takes over from the process that is asked at `socket`. When this returns, it has let go of what
/// only one may have; its gateway goes on until [`Waiting::go_on`]. Nothing, if there is none.
pub(crate) fn take(socket: &Path) -> Result<Option<Taken>, Problem> {
    match try_to_take(socket) {
        Ok(taken) => Ok(Some(taken)),
        Err(error)
            if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) =>
        {
            tracing::info!("There is nobody to take over from");
            Ok(None)
        }
        Err(error) => {
            let shown = socket.display();
            Err(Problem::failed(format!("who is asked at {shown} does not hand over: {error}")))
        }
    }
}

fn try_to_take(socket: &Path) -> io::Result<Taken> {
    let mut line = UnixStream::connect(socket)?;
    line.set_write_timeout(Some(PROMPT))?;
    line.set_read_timeout(Some(PROMPT))?;
    line.write_all(&[HELLO])?;
    let (with_http, all) = descriptors::receive(&line)?;
    let mut listeners = all.into_iter().map(TcpListener::from);
    let http = if with_http { listeners.next() } else { None };
    let gateway = listeners.collect();
    line.write_all(&[TAKE])?;
    line.set_read_timeout(Some(LETTING_GO))?;
    hear(&mut line, FREE)?;
    Ok(Taken { http, gateway, waiting: Waiting { line } })
}

impl Waiting {
    /// Says that everything is served here now, so that the other one can leave; or, if it `is_behind`,
    /// that this is what was kept. Whether it leaves.
    pub(crate) fn go_on(mut self, is_behind: bool) -> io::Result<bool> {
        self.line.write_all(&[if is_behind { BEHIND } else { READY }])?;
        self.line.set_read_timeout(Some(PROMPT))?;
        hear_whether(&mut self.line, LEAVING, STAYING)
    }
}
