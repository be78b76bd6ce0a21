//! A reader of HTTP messages that takes nothing but the plainest form, written apart from the one
//! that is tested: whatever goes out must satisfy it.

/// How a message says where its body ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    Sized(Vec<u8>),
    Chunked(Vec<u8>),
    UntilClose(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut all = self.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let (_, value) = all.next()?;
        assert!(all.next().is_none(), "{name} is there twice: {self:?}");
        Some(value)
    }

    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// What may follow a response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
    /// To HEAD, for example.
    Bodiless,
}

/// Reads one message from the start of `bytes`: the message and its length. `None` if it is not
/// complete; a panic, if it could mean anything else.
pub(crate) fn read(bytes: &[u8], kind: Kind, at_end: bool) -> Option<(Message, usize)> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    // Bytes beyond ASCII may stand in values, and are nobody's business.
    let head: String = bytes[..head_end - 4].iter().map(|byte| char::from(*byte)).collect();
    let show = bytes.escape_ascii();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap().to_owned();
    let words = first.splitn(3, ' ').collect::<Vec<_>>();
    assert!(words.len() >= 2 && first.is_ascii(), "{show}");
    assert!(first.bytes().all(|byte| byte >= b' ' && byte != 0x7f || byte == b'\t'), "{show}");
    match kind {
        Kind::Request => {
            assert!(
                words[0].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                "{show}"
            );
            assert!(words[1].starts_with('/') || words[1] == "*", "{show}");
            assert_eq!(words[2], "HTTP/1.1", "{show}");
        }
        Kind::Response | Kind::Bodiless => {
            assert_eq!(words[0], "HTTP/1.1", "{show}");
            assert!(
                words[1].len() == 3 && words[1].bytes().all(|byte| byte.is_ascii_digit()),
                "{show}"
            );
        }
    }
    let fields: Vec<(String, String)> = lines
        .map(|line| {
            assert!(!line.contains(['\r', '\n', '\0']), "{show}");
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}: {show}"));
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()), "{show}");
            assert!(
                !name.contains(['(', ')', ',', ';', ':', '"', '/', '[', ']', '{', '}']),
                "{show}"
            );
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let mut message = Message { first, fields, body: Body::None };
    let length = message.field("Content-Length").map(|length| {
        assert!(length.bytes().all(|byte| byte.is_ascii_digit()), "{show}");
        length.parse::<usize>().unwrap()
    });
    let coding = message.field("Transfer-Encoding");
    assert!(coding.is_none_or(|coding| coding == "chunked"), "{show}");
    assert!(length.is_none() || coding.is_none(), "two lengths: {show}");
    if kind == Kind::Request {
        assert!(message.field("Host").is_some(), "{show}");
    }
    let bodiless = kind == Kind::Bodiless
        || kind == Kind::Response && matches!(message.status(), 100..200 | 204 | 304);
    if bodiless {
        return Some((message, head_end));
    }
    let rest = &bytes[head_end..];
    let taken = if coding.is_some() {
        let (body, taken) = chunks(rest)?;
        message.body = Body::Chunked(body);
        taken
    } else if let Some(length) = length {
        message.body = Body::Sized(rest.get(..length)?.to_vec());
        length
    } else if kind == Kind::Response {
        if !at_end {
            return None;
        }
        message.body = Body::UntilClose(rest.to_vec());
        rest.len()
    } else {
        0
    };
    Some((message, head_end + taken))
}

fn chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line_end = at + bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..line_end]).unwrap();
        assert!(size.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "size {size:?}");
        assert!(size == "0" || !size.starts_with('0'), "size {size:?}");
        let size = usize::from_str_radix(size, 16).unwrap();
        at = line_end + 2;
        if size == 0 {
            break;
        }
        body.extend_from_slice(bytes.get(at..at + size)?);
        assert_eq!(bytes.get(at + size..at + size + 2)?, b"\r\n");
        at += size + 2;
    }
    loop {
        let line_end = at + bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let line = &bytes[at..line_end];
        at = line_end + 2;
        if line.is_empty() {
            return Some((body, at));
        }
    }
}

/// Reads all messages; everything must be one.
pub(crate) fn read_all(mut bytes: &[u8], kind: Kind) -> Vec<Message> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (message, length) = read(bytes, kind, true)
            .unwrap_or_else(|| panic!("half a message: {}", bytes.escape_ascii()));
        messages.push(message);
        bytes = &bytes[length..];
    }
    messages
}
