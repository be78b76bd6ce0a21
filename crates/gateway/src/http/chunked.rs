//! Bodies in chunks: read strictly, written anew. Whatever a sender hides in sizes, extensions and
//! trailers, the receiver sees plain chunks.

use std::io::Write as _;

use super::head::slots;
use super::headers::{is_trailer, write_field};

/// What extensions, padding and leading zeros of one body may cost together, in bytes: all are
/// thrown away, so that their sender must not make us read them for ever.
const WASTE_MAX: usize = 16 * 1024;
/// The most bytes behind the last chunk.
const TRAILERS_MAX: usize = 8 * 1024;
/// The most digits of a size: 64 bits.
const DIGITS_MAX: u8 = 16;

/// A body that is not in chunks as the standard has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadChunk;

/// How a body that came in chunks goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In chunks, with the trailers that may be passed on.
    Chunks,
    /// In chunks, without trailers.
    ChunksOnly,
    /// The bytes alone, for a receiver that knows no chunks.
    Bare,
}

/// Reads a body in chunks and writes it anew, piece by piece and without I/O.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    form: Form,
    waste: usize,
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { size: u64, digits: u8 },
    Padding { size: u64 },
    Extension { size: u64 },
    SizeLineFeed { size: u64 },
    Data { left: u64 },
    DataReturn,
    DataLineFeed,
    Trailers,
    Done,
}

const START: State = State::Size { size: 0, digits: 0 };

impl Chunked {
    /// A body that begins.
    pub fn new(form: Form) -> Chunked {
        Chunked { state: START, form, waste: 0, trailers: Vec::new() }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes from `input`, appends what goes on to `out`, and says how many were taken:
    /// fewer than all if the body has ended, or if `out` has grown by `room` bytes or a little
    /// more.
    pub fn advance(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<usize, BadChunk> {
        let full = out.len().saturating_add(room);
        let mut rest = input;
        while !self.is_done() && out.len() < full {
            if let State::Data { left } = self.state {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(full - out.len());
                let (data, behind) = rest.split_at(most.min(rest.len()));
                if data.is_empty() {
                    break;
                }
                out.extend_from_slice(data);
                rest = behind;
                let left = left.saturating_sub(data.len() as u64);
                self.state = if left == 0 { State::DataReturn } else { State::Data { left } };
                continue;
            }
            let Some((byte, behind)) = rest.split_first() else { break };
            rest = behind;
            self.take(*byte, out)?;
        }
        Ok(input.len() - rest.len())
    }

    /// One byte that is not data.
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), BadChunk> {
        self.state = match (self.state, byte) {
            (State::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
                if digits < DIGITS_MAX =>
            {
                if digits > 0 && size == 0 {
                    self.wasted()?;
                }
                let digit = char::from(byte).to_digit(16).ok_or(BadChunk)?;
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { digits: 0, .. }, _) => return Err(BadChunk),
            (State::Size { size, .. } | State::Padding { size }, b' ' | b'\t') => {
                self.wasted()?;
                State::Padding { size }
            }
            (State::Size { size, .. } | State::Padding { size }, b';') => {
                self.wasted()?;
                State::Extension { size }
            }
            (
                State::Size { size, .. } | State::Padding { size } | State::Extension { size },
                b'\r',
            ) => State::SizeLineFeed { size },
            (State::Extension { size }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.wasted()?;
                State::Extension { size }
            }
            (State::SizeLineFeed { size: 0 }, b'\n') => State::Trailers,
            (State::SizeLineFeed { size }, b'\n') => {
                if self.form != Form::Bare {
                    // Writing to memory does not fail.
                    let _ = write!(out, "{size:x}\r\n");
                }
                State::Data { left: size }
            }
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => {
                if self.form != Form::Bare {
                    out.extend_from_slice(b"\r\n");
                }
                START
            }
            (State::Trailers, byte) => return self.take_trailer(byte, out),
            _ => return Err(BadChunk),
        };
        Ok(())
    }

    fn take_trailer(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), BadChunk> {
        if self.trailers.len() >= TRAILERS_MAX {
            return Err(BadChunk);
        }
        self.trailers.push(byte);
        if byte != b'\n' {
            return Ok(());
        }
        if !self.trailers.ends_with(b"\r\n") {
            return Err(BadChunk);
        }
        if self.trailers.len() == 2 || self.trailers.ends_with(b"\r\n\r\n") {
            self.write_end(out)?;
            self.state = State::Done;
            self.trailers = Vec::new();
        }
        Ok(())
    }

    fn write_end(&self, out: &mut Vec<u8>) -> Result<(), BadChunk> {
        if self.form != Form::Bare {
            out.extend_from_slice(b"0\r\n");
        }
        if self.trailers.len() > 2 {
            self.write_trailers(out)?;
        }
        if self.form != Form::Bare {
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    /// Trailers are read even where they are not passed on: a body that ends badly is refused.
    fn write_trailers(&self, out: &mut Vec<u8>) -> Result<(), BadChunk> {
        // The parser of heads, because the one of bare fields allows what that does not.
        let head = [b"HTTP/1.1 200\r\n", self.trailers.as_slice()].concat();
        let mut slots = slots();
        let head = super::head::read_response(&head, &mut slots).map_err(|_| BadChunk)?;
        if self.form == Form::Chunks {
            head.fields.iter().filter(|field| is_trailer(field.name)).for_each(|field| {
                write_field(out, field);
            });
        }
        Ok(())
    }

    fn wasted(&mut self) -> Result<(), BadChunk> {
        self.waste += 1;
        if self.waste > WASTE_MAX { Err(BadChunk) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything, `step` bytes at a time; the second is how much was taken.
    fn run(input: &[u8], form: Form, step: usize) -> Result<(String, usize, bool), BadChunk> {
        let mut chunked = Chunked::new(form);
        let (mut out, mut taken) = (Vec::new(), 0);
        while taken < input.len() && !chunked.is_done() {
            let end = input.len().min(taken + step);
            taken += chunked.advance(&input[taken..end], &mut out, 7)?;
        }
        Ok((String::from_utf8_lossy(&out).into_owned(), taken, chunked.is_done()))
    }

    #[track_caller]
    fn check(input: &str, chunks: &str, bare: &str) {
        let with_more = format!("{input}GET /");
        for step in [1, 2, 3, 5, 1000] {
            let found = run(with_more.as_bytes(), Form::Chunks, step).unwrap();
            assert_eq!(found, (chunks.to_owned(), input.len(), true), "step {step}");
            let found = run(with_more.as_bytes(), Form::Bare, step).unwrap();
            assert_eq!(found, (bare.to_owned(), input.len(), true), "step {step}");
        }
    }

    #[track_caller]
    fn refuse(input: &[u8]) {
        for step in [1, 3, 1000] {
            assert_eq!(run(input, Form::Chunks, step), Err(BadChunk), "{}", input.escape_ascii());
            assert_eq!(run(input, Form::Bare, step), Err(BadChunk), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn chunks_are_written_plainly() {
        check("0\r\n\r\n", "0\r\n\r\n", "");
        check("5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello");
        check("00005;a=b;c=\"d\"\r\nhello\r\n000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello");
        check("A \t\r\n0123456789\r\n0;x\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789");
        check("2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n", "2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n", "\r\n0");
    }

    #[test]
    fn trailers_are_sifted() {
        check(
            "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: a\r\nAuthorization: b\r\nVia: c\r\n\
             Transfer-Encoding: chunked\r\nProxy-Authorization: d\r\nX-Forwarded-For: e\r\n\r\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            "",
        );
        let found = run(b"0\r\nX-Sum: 1\r\n\r\n", Form::ChunksOnly, 1).unwrap();
        assert_eq!(found.0, "0\r\n\r\n");
    }

    #[test]
    fn sizes_are_plain_hexadecimal() {
        for size in [
            "",
            " 5",
            "+5",
            "-5",
            "0x5",
            "5h",
            "g",
            "5 5",
            "\t5",
            "5,5",
            "5\0",
            ";5",
            "5\u{b}",
            "10000000000000000",
            "ffffffffffffffff0",
            "00000000000000005",
            "5\r",
            "\u{ff15}",
        ] {
            refuse(format!("{size}\r\nhello\r\n0\r\n\r\n").as_bytes());
        }
        refuse(format!("{}\r\n", "f".repeat(1000)).as_bytes());
        refuse(format!("{}\r\n", "0".repeat(1000)).as_bytes());
    }

    #[test]
    fn lines_end_in_both_characters() {
        for body in [
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhelloo\r\n0\r\n\r\n",
            "5\rhello\r\n0\r\n\r\n",
            "0\n\r\n",
            "0\r\n\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "5;\r\rhello\r\n",
            "0\r\nx: y\n\r\n",
            "5;a\0\r\nhello\r\n",
            "0\r\nx: y\r\n z\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "0\r\nx y\r\n\r\n",
            "0\r\nx : y\r\n\r\n",
        ] {
            refuse(body.as_bytes());
        }
    }

    #[test]
    fn what_is_thrown_away_is_bounded() {
        refuse(format!("1;{}\r\n", "x".repeat(WASTE_MAX)).as_bytes());
        refuse("1;xxxxxxx\r\na\r\n".repeat(WASTE_MAX / 8 + 1).as_bytes());
        refuse("0000001\r\na\r\n".repeat(WASTE_MAX / 5 + 1).as_bytes());
        refuse(format!("0\r\nx: {}\r\n\r\n", "x".repeat(TRAILERS_MAX)).as_bytes());
        refuse(format!("0\r\n{}\r\n", "x: y\r\n".repeat(200)).as_bytes());
        // A long body of small chunks is none of that.
        let long = format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(30_000));
        assert_eq!(run(long.as_bytes(), Form::Bare, 1000).unwrap().0.len(), 30_000);
    }

    proptest! {
        #[test]
        fn any_body_arrives_however_it_is_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1usize..50,
        ) {
            let mut input = Vec::new();
            for chunk in &chunks {
                write!(input, "{:X};q\r\n", chunk.len()).unwrap();
                input.extend_from_slice(chunk);
                input.extend_from_slice(b"\r\n");
            }
            input.extend_from_slice(b"0\r\n\r\n");
            let mut chunked = Chunked::new(Form::Bare);
            let mut out = Vec::new();
            let mut rest = input.as_slice();
            while !rest.is_empty() {
                let taken = chunked.advance(&rest[..step.min(rest.len())], &mut out, 13).unwrap();
                rest = &rest[taken..];
            }
            prop_assert!(chunked.is_done());
            prop_assert_eq!(out, chunks.concat());
        }

        #[test]
        fn what_goes_on_is_read_back_the_same(input in prop::collection::vec(
            prop::sample::select(b"0123456789abcf;= \t\r\n\r\n\r\nxX:\0\xff".to_vec()), 0..200))
        {
            let mut first = Chunked::new(Form::Chunks);
            let mut written = Vec::new();
            if first.advance(&input, &mut written, usize::MAX).is_ok() && first.is_done() {
                let mut second = Chunked::new(Form::Chunks);
                let mut again = Vec::new();
                let taken = second.advance(&written, &mut again, usize::MAX);
                prop_assert_eq!(taken, Ok(written.len()));
                prop_assert!(second.is_done());
                prop_assert_eq!(again, written);
            }
        }
    }
}
