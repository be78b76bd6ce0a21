//! A table as one stream of bytes, which is the same on both sides.
//!
//! It is the binary form in which PostgreSQL takes rows in and gives them out, so that their digest
//! is the digest of what went over the wire, and no row has to be taken apart to compare it.

use domain::ids::{CustomerId, OrderId};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::Unmoved;
use super::tables::Table;
use crate::Result;
use crate::encoding::{corrupt, password_place, usual_place};
use crate::sqlite::Leaving;

/// How a stream begins: what it is, that nothing special is in it, and that nothing more precedes
/// the rows.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// How it ends.
const END: &[u8] = &(-1_i16).to_be_bytes();

/// How many bytes are sent at a time, at least.
const PIECE: usize = 256 << 10;

/// What a table was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How many rows it has.
    pub(crate) count: i64,
    /// The digest of its stream.
    pub(crate) digest: [u8; 32],
}

/// Reads a table of the books and hands its stream to `send`, piece by piece; `count` is told of
/// rows. Opens every password on the way.
pub(super) fn read(
    books: &Leaving,
    table: &Table,
    send: &mut dyn FnMut(Vec<u8>) -> Result<()>,
    count: &mut dyn FnMut(u64),
) -> Result<Sum> {
    let sealed = table.place("password_sealed");
    let order = sealed.zip(table.place("order_id"));
    let customer = sealed.zip(table.place("customer_id"));
    let mut digest = Sha256::new();
    let (mut piece, mut in_piece, mut rows) = (HEAD.to_vec(), 0, 0);
    books.rows(&table.kept(), |row| {
        if let Some((sealed, id)) = order {
            open_password(books, row, sealed, &password_place(OrderId(row.get(id)?)))?;
        } else if let Some((sealed, id)) = customer {
            open_password(books, row, sealed, &usual_place(CustomerId(row.get(id)?)))?;
        }
        put(&mut piece, row, table)?;
        in_piece += 1;
        if PIECE <= piece.len() {
            digest.update(&piece);
            send(std::mem::take(&mut piece))?;
            count(in_piece);
            rows += in_piece;
            in_piece = 0;
        }
        Ok(())
    })?;
    piece.extend(END);
    digest.update(&piece);
    send(piece)?;
    count(in_piece);
    rows += in_piece;
    let count = i64::try_from(rows).expect("it fits");
    Ok(Sum { count, digest: digest.finalize().into() })
}

/// The key file must open what is moved.
fn open_password(books: &Leaving, row: &Row<'_>, sealed: usize, place: &str) -> Result<()> {
    let Some(bytes) = row.get_ref(sealed)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(());
    };
    let opened = books.vault().unseal(place, bytes);
    opened.map(|_| ()).ok_or_else(|| Unmoved::Sealed(place.to_owned()).into())
}

/// Puts a row behind the others.
fn put(piece: &mut Vec<u8>, row: &Row<'_>, table: &Table) -> Result<()> {
    let columns = i16::try_from(table.columns.len()).expect("tables are narrow");
    piece.extend(columns.to_be_bytes());
    for index in 0..table.columns.len() {
        match row.get_ref(index)? {
            ValueRef::Null => piece.extend((-1_i32).to_be_bytes()),
            ValueRef::Integer(value) => {
                piece.extend(8_i32.to_be_bytes());
                piece.extend(value.to_be_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                let length = i32::try_from(bytes.len());
                piece
                    .extend(length.map_err(|_| corrupt(table.name, "a huge value"))?.to_be_bytes());
                piece.extend(bytes);
            }
            ValueRef::Real(value) => return Err(corrupt(table.name, value)),
        }
    }
    Ok(())
}
