//! The catalogue in force.

use std::sync::Arc;

use super::books::Books;
use crate::{Result, catalogue_file};

impl Books {
    pub(super) fn apply_catalogue(&mut self, text: &str) -> Result<i64> {
        let version = self.catalogue.version + 1;
        self.catalogue = Arc::new(catalogue_file::read(text, version)?);
        self.catalogue_text = Some(text.to_owned());
        Ok(version)
    }
}
