//! Where in the text something is wrong.

use std::ops::Range;

use toml::Spanned;

use super::Invalid;

/// A text whose places can be named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    text: &'a str,
}

/// Something that is wrong, at a range of bytes if it has one.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Where.
    pub(super) at: Option<Range<usize>>,
    /// What, as a sentence without its stop.
    pub(super) says: String,
}

/// What reading gives.
pub(super) type Read<T> = Result<T, Fault>;

impl Fault {
    /// Something wrong with `what`.
    pub(super) fn at<T>(what: &Spanned<T>, says: impl Into<String>) -> Fault {
        Fault { at: Some(what.span()), says: says.into() }
    }
}

impl<'a> Place<'a> {
    /// The places of `text`.
    pub(super) fn new(text: &'a str) -> Place<'a> {
        Place { text }
    }

    /// The sentence for the operator.
    pub(super) fn invalid(self, fault: &Fault) -> Invalid {
        let before = fault.at.as_ref().and_then(|at| self.text.get(..at.start));
        Invalid(match before {
            Some(before) => {
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
                format!("line {line}, column {column}: {}", fault.says)
            }
            None => fault.says.clone(),
        })
    }
}
