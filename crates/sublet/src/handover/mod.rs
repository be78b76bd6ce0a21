//! One process follows another, a server or a gateway on another host, and nobody who connects
//! notices.
//!
//! The new process asks the running one, over a socket in the file system that their user alone can
//! open, for the very sockets that it listens at: whoever waits there in the kernel's queue is lost
//! by nobody. Then the old one lets go of what only one may have, the books or a gateway's folder,
//! and says so; the new one opens that, learns what is served, and says that it is ready; the old one
//! accepts nobody any more, and ends when its last tunnel has.
//!
//! Bytes on the line: the new one sends [`HELLO`]; the old one sends how many descriptors there are,
//! as five bytes, and the descriptors, each lot with a byte [`LOT`]; the new one sends [`TAKE`]; the
//! old one [`FREE`] when it has let go; the new one [`READY`], or [`BEHIND`] if it only knows what was
//! kept, and the old one [`LEAVING`], or [`STAYING`] if that is not enough.

mod descriptors;
mod giving;
mod listening;
mod taking;

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use giving::{Giver, Heir, asked};
pub(crate) use listening::listen;
pub(crate) use taking::{Taken, Waiting, take};

/// Who I am, and which version of this I speak.
const HELLO: u8 = b'1';
const LOT: u8 = b'd';
const TAKE: u8 = b't';
const FREE: u8 = b'f';
const READY: u8 = b'r';
const BEHIND: u8 = b'b';
const LEAVING: u8 = b'l';
const STAYING: u8 = b's';

/// What the socket is called.
const SOCKET: &str = "hand-over.sock";

/// How long either may take to say what is due, if it has nothing to do for it.
const PROMPT: Duration = Duration::from_secs(10);
/// How long the old one may take to let go: requests are finished first.
const LETTING_GO: Duration = Duration::from_secs(90);
/// How long the new one may take to learn what is served.
pub(crate) const LEARNING: Duration = Duration::from_secs(300);

/// Waits for a byte that is due.
fn hear(line: &mut UnixStream, expected: u8) -> io::Result<()> {
    hear_whether(line, expected, expected).map(|_| ())
}

/// Waits for one of two bytes; whether it is the first.
fn hear_whether(line: &mut UnixStream, this: u8, that: u8) -> io::Result<bool> {
    let mut byte = [0];
    if line.read(&mut byte)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has ended"));
    }
    match byte {
        [byte] if byte == this => Ok(true),
        [byte] if byte == that => Ok(false),
        _ => Err(io::Error::other("it says something else")),
    }
}

/// Where the server of the books in this file is asked.
pub(crate) fn beside(books: &Path) -> PathBuf {
    books.with_file_name(SOCKET)
}

/// Where whoever has this folder is asked.
pub(crate) fn within(folder: &Path) -> PathBuf {
    folder.join(SOCKET)
}
