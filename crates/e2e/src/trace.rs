//! What a program did to its files, as the recorder wrote it down.

/// One call that changed a file or made a change durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where in the trace the record ends. Who found the trace this long has seen its effects.
    pub end: usize,
    /// What was done.
    pub action: Action,
}

/// What was done. Names are within the recorded directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the arguments of the call")]
pub enum Action {
    /// A file was made.
    Create { name: String },
    /// Bytes were written.
    Write { name: String, offset: usize, bytes: Vec<u8> },
    /// A file got another length.
    Truncate { name: String, length: usize },
    /// What a file held when the trace had the length `began` is durable.
    Sync { name: String, began: usize },
    /// The names that were in the directory when the trace had the length `began` are durable.
    SyncDirectory { began: usize },
    /// A name was taken away.
    Unlink { name: String },
    /// A file got another name.
    Rename { from: String, to: String },
    /// A file got one more name.
    Link { from: String, to: String },
}

/// Bytes of a record before its names and data.
const HEAD: usize = 17;

/// Reads a trace. A record that a kill has cut off at the end is left out.
///
/// # Panics
///
/// If it is no trace.
pub fn parse(trace: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((action, length)) = parse_one(&trace[at..]) {
        at += length;
        records.push(Record { end: at, action });
    }
    records
}

fn parse_one(trace: &[u8]) -> Option<(Action, usize)> {
    let head = trace.first_chunk::<HEAD>()?;
    let name_length = usize::from(u16::from_le_bytes([head[1], head[2]]));
    let second_length = usize::from(u16::from_le_bytes([head[3], head[4]]));
    let data_length = size(u32::from_le_bytes([head[5], head[6], head[7], head[8]]).into());
    let number: [u8; 8] = std::array::from_fn(|i| head[9 + i]);
    let number = size(u64::from_le_bytes(number));

    let length = HEAD + name_length + second_length + data_length;
    let body = trace.get(HEAD..length)?;
    let (name, body) = body.split_at(name_length);
    let (second, data) = body.split_at(second_length);
    let (name, second) = (text(name), text(second));
    let action = match head[0] {
        b'C' => Action::Create { name },
        b'W' => Action::Write { name, offset: number, bytes: data.to_vec() },
        b'T' => Action::Truncate { name, length: number },
        b'S' => Action::Sync { name, began: number },
        b'D' => Action::SyncDirectory { began: number },
        b'U' => Action::Unlink { name },
        b'R' => Action::Rename { from: name, to: second },
        b'L' => Action::Link { from: name, to: second },
        other => panic!("a record of a trace begins with {other}"),
    };
    Some((action, length))
}

fn size(number: u64) -> usize {
    usize::try_from(number).expect("a file of a test fits into memory")
}

fn text(name: &[u8]) -> String {
    String::from_utf8(name.to_vec()).expect("tests use readable names")
}
