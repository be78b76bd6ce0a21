//! The file of a table.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use feed::stream::{self, Broken, Change, Entry, Port, Position, Reader};

use super::End;
use crate::outpost::sealed::Seal;

/// What a file begins with: its form. What tells it from all others follows.
pub(super) const FORM: &[u8; 8] = b"subtab-1";

/// How many bytes a piece has at most before it is sealed.
pub(super) const PIECE: usize = 1 << 20;

/// How many bytes stand before the first piece.
pub(super) const HEAD: u64 = 8 + 16;

/// What sealing adds to a piece: a nonce and a tag.
const SEALING: usize = 24 + 16;

/// A table.
#[derive(Debug, Default)]
pub(in crate::outpost) struct Table {
    /// The leases.
    pub(in crate::outpost) leases: Vec<Entry>,
    /// The ports at which is listened for many of them.
    pub(in crate::outpost) listen: BTreeSet<Port>,
    /// How far it has come.
    pub(in crate::outpost) position: Position,
}

/// Why a saved table is not served.
#[derive(Debug, thiserror::Error)]
pub(in crate::outpost) enum Refused {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Nothing says how much of it was in force.
    #[error("its mark is missing")]
    NoMark,
    /// The mark is not one of ours.
    #[error("its mark is damaged, or of another gateway")]
    Mark,
    /// It is no table.
    #[error("it is no table")]
    Form,
    /// It was replaced by a newer one.
    #[error("it is older than the one that was last in force")]
    Older,
    /// A part of it is missing or damaged.
    #[error("only {found} of its {marked} pieces are whole: it is cut, damaged or older")]
    Cut {
        /// How many are whole.
        found: u64,
        /// How many were in force.
        marked: u64,
    },
    /// It was told wrongly.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It is another's.
    #[error("it is the table of the gateway {0}")]
    Foreign(String),
}

/// The place of a piece, which is sealed with it.
pub(super) fn place(id: &[u8; 16], number: u64) -> Vec<u8> {
    [b"piece".as_slice(), id, &number.to_be_bytes()].concat()
}

/// What tells the file at `path` from all others; nothing if there is none, or it is no table.
pub(super) fn id_of(path: &Path) -> io::Result<Option<[u8; 16]>> {
    match File::open(path) {
        Ok(mut file) => head(&mut file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn head(from: &mut impl Read) -> io::Result<Option<[u8; 16]>> {
    let (mut form, mut id) = ([0; 8], [0; 16]);
    let read = from.read_exact(&mut form).and_then(|()| from.read_exact(&mut id));
    match read {
        Ok(()) => Ok((form == *FORM).then_some(id)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the table of the gateway `node` as far as it is whole.
pub(super) fn read(path: &Path, seal: &Seal, node: &str) -> Result<(Table, End), Refused> {
    let mut file = BufReader::with_capacity(PIECE, File::open(path)?);
    let id = head(&mut file)?.ok_or(Refused::Form)?;
    let mut end = End { id, pieces: 0, bytes: HEAD, whole: 0 };
    let (mut number, mut bytes) = (0, HEAD);
    let (mut reader, mut rest) = (Reader::default(), Vec::new());
    let (mut table, mut leases) = (Table::default(), HashMap::new());
    while let Some(sealed) = piece(&mut file)? {
        let Some(plain) = seal.unseal(&place(&id, number), &sealed) else { break };
        number += 1;
        bytes += 4 + u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        rest.extend_from_slice(&plain);
        let mut taken = 0;
        while let Some(length) = rest[taken..].iter().position(|byte| *byte == b'\n') {
            let line = &rest[taken..taken + length];
            taken += length + 1;
            let stream::Read::Batch(batch) = reader.read(line)? else { continue };
            if let Some(begin) = &batch.begin
                && begin.node != node
            {
                return Err(Refused::Foreign(begin.node.clone()));
            }
            if batch.is_whole() {
                leases.clear();
                end.whole = bytes;
            }
            for change in batch.changes {
                match change {
                    Change::Put(entry) => drop(leases.insert(entry.lease.id, entry)),
                    Change::Remove(id) => drop(leases.remove(&id)),
                }
            }
            if let Some(listen) = batch.listen {
                table.listen = listen.into_iter().collect();
            }
            table.position = batch.commit.position;
            (end.pieces, end.bytes) = (number, bytes);
        }
        rest.drain(..taken);
    }
    table.leases = leases.into_values().collect();
    Ok((table, end))
}

/// The next piece as it is sealed; nothing where the file ends, or is cut.
fn piece(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let read = from.read_exact(&mut length).and_then(|()| {
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let mut sealed = vec![0; if length <= PIECE + SEALING { length } else { 0 }];
        from.read_exact(&mut sealed)?;
        Ok(sealed)
    });
    match read {
        Ok(sealed) => Ok(Some(sealed).filter(|sealed| !sealed.is_empty())),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
