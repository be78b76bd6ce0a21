//! The installation.

use domain::time::Span;

use super::books::Books;
use crate::Result;
use crate::error::Error;

impl Books {
    pub(super) fn set_clock_offset(&mut self, offset: Span) -> Result<()> {
        if !self.installation.sandbox {
            return Err(Error::Fault("only the clock of a sandbox can be moved".into()));
        }
        self.installation.clock_offset = offset;
        Ok(())
    }
}
