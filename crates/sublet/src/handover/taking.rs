//! The process that goes on.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{FREE, HELLO, LEAVING, LETTING_GO, PROMPT, READY, TAKE, descriptors, hear};
use crate::problem::Problem;

/// What was taken over.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Where the HTTP server listens.
    pub(crate) http: Option<TcpListener>,
    /// Where the gateway listens.
    pub(crate) gateway: Vec<TcpListener>,
    line: UnixStream,
}

/// Takes over from the server that is asked at `socket`. When this returns, it has let go of the
/// books; its gateway goes on until [`Taken::go_on`]. Nothing, if there is none.
pub(crate) fn take(socket: &Path) -> Result<Option<Taken>, Problem> {
    match try_to_take(socket) {
        Ok(taken) => Ok(Some(taken)),
        Err(error)
            if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) =>
        {
            Ok(None)
        }
        Err(error) => {
            let shown = socket.display();
            Err(Problem::failed(format!("the server at {shown} does not hand over: {error}")))
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
    Ok(Taken { http, gateway, line })
}

impl Taken {
    /// Says that everything is served here now, so that the other one can leave.
    pub(crate) fn go_on(mut self) -> io::Result<()> {
        self.line.write_all(&[READY])?;
        self.line.set_read_timeout(Some(PROMPT))?;
        hear(&mut self.line, LEAVING)
    }
}
