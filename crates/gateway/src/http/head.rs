//! Heads of requests and responses, read strictly: what two programs could read in two ways is
//! refused.

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use crate::refusal::Refusal;

/// The most fields that a head may have.
pub const FIELDS_MAX: usize = 128;
/// The most bytes of a head, its last empty line included.
pub const HEAD_MAX: usize = 32 * 1024;

/// Room for the fields of one head, on the stack.
pub(crate) type Slots<'b> = [MaybeUninit<Header<'b>>; FIELDS_MAX];

/// Empty room for fields.
pub(crate) fn slots<'b>() -> Slots<'b> {
    [const { MaybeUninit::uninit() }; FIELDS_MAX]
}

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Finds the end of a head in bytes that arrive in pieces. Each byte is looked at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scanner {
    seen: usize,
}

impl Scanner {
    /// The length of the head with its empty line, if it is complete. `bytes` must begin with
    /// what was given before.
    ///
    /// Lines end in CR LF: a bare LF, which some take for the end of a line and some do not, is an
    /// error, and so is a head of more than [`HEAD_MAX`] bytes.
    pub fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        while let Some(fresh) = bytes.get(self.seen..)
            && let Some(offset) = memchr::memchr(b'\n', fresh)
        {
            let line_end = self.seen + offset + 1;
            let line = bytes.get(..line_end).unwrap_or_default();
            if !line.ends_with(b"\r\n") {
                return Err(HeadError::Malformed);
            }
            if line_end > HEAD_MAX {
                return Err(HeadError::TooLarge);
            }
            self.seen = line_end;
            if line.ends_with(b"\r\n\r\n") {
                return Ok(Some(line_end));
            }
        }
        self.seen = bytes.len();
        if bytes.len() >= HEAD_MAX { Err(HeadError::TooLarge) } else { Ok(None) }
    }
}

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// It is not HTTP, or can be read in two ways.
    Malformed,
    /// It has too many bytes or fields.
    TooLarge,
    /// It is of another version of HTTP.
    Version,
}

impl From<HeadError> for Refusal {
    /// As a client's request is refused.
    fn from(error: HeadError) -> Refusal {
        match error {
            HeadError::Malformed => Refusal::Malformed,
            HeadError::TooLarge => Refusal::HeadTooLarge,
            HeadError::Version => Refusal::VersionNotSupported,
        }
    }
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> HeadError {
        match error {
            httparse::Error::TooManyHeaders => HeadError::TooLarge,
            httparse::Error::Version => HeadError::Version,
            _ => HeadError::Malformed,
        }
    }
}

/// The head of a request.
#[derive(Debug)]
pub struct RequestHead<'h, 'b> {
    /// The method, a token.
    pub method: &'b str,
    /// The target, visible ASCII.
    pub target: &'b str,
    /// The version.
    pub version: Version,
    /// The fields in their order.
    pub fields: &'h [Header<'b>],
}

/// The head of a response.
#[derive(Debug)]
pub struct ResponseHead<'h, 'b> {
    /// The version.
    pub version: Version,
    /// The status, 100 to 999.
    pub status: u16,
    /// The words behind it, often empty.
    pub reason: &'b str,
    /// The fields in their order.
    pub fields: &'h [Header<'b>],
}

/// Reads the head of a request whose end has been found.
pub fn read_request<'h, 'b>(
    head: &'b [u8],
    slots: &'h mut [MaybeUninit<Header<'b>>],
) -> Result<RequestHead<'h, 'b>, HeadError> {
    let mut request = httparse::Request::new(&mut []);
    let status = httparse::ParserConfig::default().parse_request_with_uninit_headers(
        &mut request,
        head,
        slots,
    )?;
    whole(status, head)?;
    let target = request.path.unwrap_or_default();
    // Bytes beyond ASCII are read as UTF-8 here and as Latin-1 there.
    if !target.is_ascii() {
        return Err(HeadError::Malformed);
    }
    Ok(RequestHead {
        method: request.method.unwrap_or_default(),
        target,
        version: version(request.version)?,
        fields: request.headers,
    })
}

/// Reads the head of a response whose end has been found.
pub fn read_response<'h, 'b>(
    head: &'b [u8],
    slots: &'h mut [MaybeUninit<Header<'b>>],
) -> Result<ResponseHead<'h, 'b>, HeadError> {
    let mut response = httparse::Response::new(&mut []);
    let status = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        head,
        slots,
    )?;
    whole(status, head)?;
    let status = response.code.unwrap_or_default();
    if status < 100 {
        return Err(HeadError::Malformed);
    }
    Ok(ResponseHead {
        version: version(response.version)?,
        status,
        reason: response.reason.unwrap_or_default(),
        fields: response.headers,
    })
}

/// The parser must have stopped where the scanner found the end, and there must be a first line:
/// an empty one would be skipped.
fn whole(status: Status<usize>, head: &[u8]) -> Result<(), HeadError> {
    let complete = status == Status::Complete(head.len());
    if complete && !head.starts_with(b"\r\n") { Ok(()) } else { Err(HeadError::Malformed) }
}

fn version(minor: Option<u8>) -> Result<Version, HeadError> {
    match minor {
        Some(0) => Ok(Version::Http10),
        Some(1) => Ok(Version::Http11),
        _ => Err(HeadError::Version),
    }
}

/// Without the spaces and tabs around it.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str) -> Result<String, HeadError> {
        let mut slots = slots();
        let head = read_request(head.as_bytes(), &mut slots)?;
        Ok(format!("{} {} {:?} {}", head.method, head.target, head.version, head.fields.len()))
    }

    #[test]
    fn a_head_ends_at_the_same_place_however_it_arrives() {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut scanner = Scanner::default();
            let early = scanner.end(&bytes[..cut]).unwrap();
            let end = early.or_else(|| scanner.end(bytes).unwrap());
            assert_eq!(end, Some(27), "{cut}");
        }
    }

    #[test]
    fn lines_end_in_both_characters() {
        for bytes in ["GET / HTTP/1.1\n\r\n", "GET / HTTP/1.1\r\na: b\n\r\n", "\n", "a\r\n\n"] {
            let found = Scanner::default().end(bytes.as_bytes());
            assert_eq!(found, Err(HeadError::Malformed), "{bytes:?}");
        }
        assert_eq!(request("GET / HTTP/1.1\r\na: b\rc\r\n\r\n"), Err(HeadError::Malformed));
    }

    #[test]
    fn a_head_has_a_length_that_is_enough() {
        let line = format!("a: {}\r\n", "b".repeat(1019));
        let bytes = format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(33));
        assert_eq!(Scanner::default().end(bytes.as_bytes()), Err(HeadError::TooLarge));
        let bytes = format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(30));
        assert_eq!(Scanner::default().end(bytes.as_bytes()), Ok(Some(bytes.len())));
        assert_eq!(Scanner::default().end(&[b'a'; HEAD_MAX]), Err(HeadError::TooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
        assert_eq!(request(&many), Err(HeadError::TooLarge));
    }

    #[test]
    fn only_one_and_a_half_versions_are_spoken() {
        assert_eq!(request("GET / HTTP/1.0\r\n\r\n").unwrap(), "GET / Http10 0");
        assert_eq!(request("GET / HTTP/1.1\r\n\r\n").unwrap(), "GET / Http11 0");
        for version in ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.10", "http/1.1", "HTTP/1"] {
            assert!(request(&format!("GET / {version}\r\n\r\n")).is_err(), "{version}");
        }
        assert!(request("GET /\r\n\r\n").is_err());
    }

    #[test]
    fn fields_are_written_in_one_way() {
        for field in [
            "a : b",
            " a: b",
            "a:b\r\n c",
            "a:b\r\n\tc",
            ": b",
            "a b: c",
            "a",
            "a\0: b",
            "a: b\0",
            "a\t: b",
            "(a): b",
            "a: b\x7f",
            "\u{e4}: b",
            "a;b: c",
            "a\r: b",
        ] {
            let head = format!("GET / HTTP/1.1\r\n{field}\r\n\r\n");
            assert_eq!(request(&head), Err(HeadError::Malformed), "{field:?}");
            let head = format!("GET / HTTP/1.1\r\nx: y\r\n{field}\r\nz: z\r\n\r\n");
            assert_eq!(request(&head), Err(HeadError::Malformed), "{field:?}");
        }
        assert_eq!(request("GET / HTTP/1.1\r\na:\r\nb: \u{e4}\r\n\r\n").unwrap(), "GET / Http11 2");
    }

    #[test]
    fn first_lines_are_written_in_one_way() {
        for line in [
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            " GET / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET\t/\tHTTP/1.1",
            "GET / a HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET /\u{e4} HTTP/1.1",
            "GET /\x01 HTTP/1.1",
            "GET HTTP/1.1",
            "",
            " ",
            "/ HTTP/1.1",
            "GET / HTTP/1.1\r",
        ] {
            assert!(request(&format!("{line}\r\nHost: a\r\n\r\n")).is_err(), "{line:?}");
        }
    }
}
