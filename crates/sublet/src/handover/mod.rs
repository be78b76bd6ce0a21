//! One server follows another, and nobody who connects notices.
//!
//! The new process asks the running one, over a socket in the file system that their user alone can
//! open, for the very sockets that it listens at: whoever waits there in the kernel's queue is lost
//! by nobody. Then the old one finishes what it does with the books and says so; the new one opens
//! them, learns what is served, and says that it is ready; the old one accepts nobody any more, and
//! ends when its last tunnel has.
//!
//! Bytes on the line: the new one sends [`HELLO`]; the old one sends how many descriptors there are,
//! as five bytes, and the descriptors, each lot with a byte [`LOT`]; the new one sends [`TAKE`]; the
//! old one [`FREE`] when it has let go of the books; the new one [`READY`], and the old one
//! [`LEAVING`].

mod descriptors;
mod giving;
mod taking;

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use giving::{Giver, Heir};
pub(crate) use taking::{Taken, take};

/// Who I am, and which version of this I speak.
const HELLO: u8 = b'1';
const LOT: u8 = b'd';
const TAKE: u8 = b't';
const FREE: u8 = b'f';
const READY: u8 = b'r';
const LEAVING: u8 = b'l';

/// How long either may take to say what is due, if it has nothing to do for it.
const PROMPT: Duration = Duration::from_secs(10);
/// How long the old one may take to let go of the books: requests are finished first.
const LETTING_GO: Duration = Duration::from_secs(90);
/// How long the new one may take to open the books and to learn what is served.
const LEARNING: Duration = Duration::from_secs(300);

/// Waits for a byte that is due.
fn hear(line: &mut UnixStream, expected: u8) -> io::Result<()> {
    let mut byte = [0];
    line.read_exact(&mut byte)?;
    if byte == [expected] { Ok(()) } else { Err(io::Error::other("it says something else")) }
}

/// Where the server of the books in this file is asked.
pub(crate) fn beside(books: &Path) -> PathBuf {
    books.with_file_name("hand-over.sock")
}
