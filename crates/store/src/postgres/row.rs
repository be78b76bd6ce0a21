//! What statements give.

use domain::time::Time;

use crate::Result;
use crate::encoding::corrupt;

/// A row. Columns are counted from 0.
pub(super) struct Row(tokio_postgres::Row);

impl Row {
    pub(super) fn new(row: tokio_postgres::Row) -> Row {
        Row(row)
    }

    /// A number.
    pub(super) fn int(&self, column: usize) -> Result<i64> {
        Ok(self.0.try_get(column)?)
    }

    /// A number, or none.
    pub(super) fn optional_int(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.0.try_get(column)?)
    }

    /// A list of numbers; none is an empty one.
    pub(super) fn ints(&self, column: usize) -> Result<Vec<i64>> {
        Ok(self.0.try_get::<_, Option<_>>(column)?.unwrap_or_default())
    }

    /// A list of numbers, or none in some places.
    pub(super) fn optional_ints(&self, column: usize) -> Result<Vec<Option<i64>>> {
        Ok(self.0.try_get::<_, Option<_>>(column)?.unwrap_or_default())
    }

    /// Text.
    pub(super) fn text(&self, column: usize) -> Result<&str> {
        Ok(self.0.try_get(column)?)
    }

    /// Text, or none.
    pub(super) fn optional_text(&self, column: usize) -> Result<Option<&str>> {
        Ok(self.0.try_get(column)?)
    }

    /// Bytes.
    pub(super) fn bytes(&self, column: usize) -> Result<&[u8]> {
        Ok(self.0.try_get(column)?)
    }

    /// So many bytes, of the column with this name.
    pub(super) fn array<const N: usize>(
        &self,
        column: usize,
        name: &'static str,
    ) -> Result<[u8; N]> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map_err(|_| corrupt(name, format!("{} bytes", bytes.len())))
    }

    /// So many bytes, or none, of the column with this name.
    pub(super) fn optional_array<const N: usize>(
        &self,
        column: usize,
        name: &'static str,
    ) -> Result<Option<[u8; N]>> {
        let bytes: Option<&[u8]> = self.0.try_get(column)?;
        match bytes {
            Some(_) => self.array(column, name).map(Some),
            None => Ok(None),
        }
    }

    /// A flag, which is kept as 0 or 1.
    pub(super) fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// What PostgreSQL itself calls true or false.
    pub(super) fn truth(&self, column: usize) -> Result<bool> {
        Ok(self.0.try_get(column)?)
    }

    /// A moment.
    pub(super) fn time(&self, column: usize) -> Result<Time> {
        Ok(Time::from_millis(self.int(column)?))
    }

    /// A moment, or none.
    pub(super) fn optional_time(&self, column: usize) -> Result<Option<Time>> {
        Ok(self.optional_int(column)?.map(Time::from_millis))
    }
}
