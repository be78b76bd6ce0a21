//! Buffers that are held only while there is something in them.
//!
//! A connection between two requests, or one that waits for a slow destination, holds none: each
//! thread keeps a few for all of its connections.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::HEAD_MAX;

/// The size of a buffer: a head that fits is a head that is read.
const SIZE: usize = HEAD_MAX;
/// How many buffers of each kind a thread keeps for the next who needs one.
const KEPT_MAX: usize = 128;
/// What is to be sent gathers up to here before it is sent, so that a head and a small body make
/// one packet.
pub(super) const GATHER: usize = 16 * 1024;

thread_local! {
    static INPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static OUTPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

type Pool = std::thread::LocalKey<RefCell<Vec<Vec<u8>>>>;

fn take(pool: &'static Pool) -> Option<Vec<u8>> {
    pool.with_borrow_mut(Vec::pop)
}

fn keep(pool: &'static Pool, buffer: Vec<u8>) {
    pool.with_borrow_mut(|pool| {
        if pool.len() < KEPT_MAX {
            pool.push(buffer);
        }
    });
}

/// Bytes that have been read and not yet used.
#[derive(Debug, Default)]
pub struct Input {
    /// Empty, or [`SIZE`] bytes long; longer if more was there to begin with.
    room: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// With bytes that somebody has read already.
    pub fn with(bytes: &[u8]) -> Input {
        let mut input = Input::default();
        input.end = bytes.len();
        if bytes.len() > SIZE {
            input.room = bytes.to_vec();
        } else if !bytes.is_empty() {
            input.hold();
            if let Some(place) = input.room.get_mut(..bytes.len()) {
                place.copy_from_slice(bytes);
            }
        }
        input
    }

    /// What has been read and not used.
    pub fn bytes(&self) -> &[u8] {
        self.room.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets the first bytes.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
        if self.is_empty() {
            self.release();
        }
    }

    /// Reads more behind what there is. 0 is the end. An input that is full is an error of its
    /// user, and says that it is full.
    pub(super) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
    ) -> Poll<io::Result<usize>> {
        self.hold();
        if self.start > 0 && self.end == self.room.len() {
            self.room.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let mut room = ReadBuf::new(self.room.get_mut(self.end..).unwrap_or_default());
        if room.remaining() == 0 {
            return Poll::Ready(Err(io::ErrorKind::StorageFull.into()));
        }
        let polled = Pin::new(from).poll_read(cx, &mut room);
        let count = room.filled().len();
        self.end += count;
        if self.is_empty() {
            self.release();
        }
        polled.map_ok(|()| count)
    }

    fn hold(&mut self) {
        if self.room.is_empty() {
            self.room = take(&INPUTS).unwrap_or_else(|| vec![0; SIZE]);
        }
    }

    fn release(&mut self) {
        self.start = 0;
        self.end = 0;
        let room = std::mem::take(&mut self.room);
        if room.len() == SIZE {
            keep(&INPUTS, room);
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.release();
    }
}

/// Bytes that are to be sent.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    sent: usize,
    /// Whether anything has been sent since the beginning.
    begun: bool,
}

impl Output {
    /// The bytes, to append to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = take(&OUTPUTS).unwrap_or_default();
        }
        &mut self.bytes
    }

    /// How many bytes are still to be sent.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Whether nothing has been sent. Nothing is added behind what is half sent: with a receiver
    /// that is slow enough it would never be forgotten.
    pub(super) fn is_untouched(&self) -> bool {
        self.sent == 0
    }

    /// Sends all. What has been sent is kept until it is forgotten, so that it can be sent again.
    pub(super) fn poll_send<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        while let Some(left) = self.bytes.get(self.sent..).filter(|left| !left.is_empty()) {
            match ready!(Pin::new(&mut *to).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => {
                    self.begun = true;
                    self.sent += count;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether anything has been sent since [`begin`](Self::begin).
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Forgets all, and begins.
    pub(super) fn begin(&mut self) {
        self.clear();
        self.begun = false;
    }

    /// Sends what has been sent before once more.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.sent = 0;
        self.bytes.clear();
        // A buffer that one huge head has stretched is not kept.
        if self.bytes.capacity() > 0 && self.bytes.capacity() <= 2 * SIZE {
            keep(&OUTPUTS, std::mem::take(&mut self.bytes));
        } else {
            self.bytes = Vec::new();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn an_input_that_is_used_up_holds_no_memory() {
        let mut source: &[u8] = b"abcdef";
        let mut input = Input::with(b"123");
        assert_eq!(poll_fn(|cx| input.poll_fill(cx, &mut source)).await.unwrap(), 6);
        input.consume(4);
        assert_eq!(input.bytes(), b"bcdef");
        input.consume(5);
        assert!(input.is_empty() && input.room.is_empty());
        assert_eq!(poll_fn(|cx| input.poll_fill(cx, &mut source)).await.unwrap(), 0);
        assert!(input.room.is_empty());
    }

    #[test]
    fn nothing_that_was_read_before_is_lost() {
        let many: Vec<u8> = (0..3 * SIZE).map(|number| number as u8).collect();
        for length in [0, 1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE] {
            let mut input = Input::with(&many[..length]);
            assert_eq!(input.bytes(), &many[..length]);
            input.consume(length);
            assert!(input.is_empty() && input.room.is_empty());
        }
    }

    #[tokio::test]
    async fn a_full_input_says_so_and_makes_room_when_used() {
        let all = vec![7; 2 * SIZE];
        let mut source = all.as_slice();
        let mut input = Input::default();
        assert_eq!(poll_fn(|cx| input.poll_fill(cx, &mut source)).await.unwrap(), SIZE);
        let full = poll_fn(|cx| input.poll_fill(cx, &mut source)).await.unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        input.consume(10);
        assert_eq!(poll_fn(|cx| input.poll_fill(cx, &mut source)).await.unwrap(), 10);
    }

    #[tokio::test]
    async fn what_was_sent_can_be_sent_again() {
        let mut output = Output::default();
        output.bytes().extend_from_slice(b"abc");
        let mut sink = Vec::new();
        poll_fn(|cx| output.poll_send(cx, &mut sink)).await.unwrap();
        assert_eq!(output.left(), 0);
        output.rewind();
        poll_fn(|cx| output.poll_send(cx, &mut sink)).await.unwrap();
        assert_eq!(sink, b"abcabc");
        output.clear();
        assert_eq!(output.bytes.capacity(), 0);
    }
}
