//! Why a command line was not done, for the person who typed it.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::console::Console;

/// Why a command line was not done: one clear line, and perhaps what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    says: String,
    hint: Option<String>,
}

/// What the exit code tells scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The command line or a file it names is wrong: 2.
    Usage,
    /// It could not be done: 1.
    Failed,
    /// Whoever read the output has gone, which is how `sublet … | head` ends: 0, silently.
    Unread,
}

impl Problem {
    /// What was typed is wrong.
    pub(crate) fn usage(says: impl Into<String>) -> Problem {
        Problem { kind: Kind::Usage, says: says.into(), hint: None }
    }

    /// It could not be done.
    pub(crate) fn failed(says: impl Into<String>) -> Problem {
        Problem { kind: Kind::Failed, says: says.into(), hint: None }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// Says it on standard error; the code to exit with.
    pub(crate) fn tell(&self, console: &mut Console<'_>) -> ExitCode {
        if self.kind != Kind::Unread {
            console.note(&format!("error: {}", self.says));
            if let Some(hint) = &self.hint {
                console.note(&format!("hint: {hint}"));
            }
        }
        ExitCode::from(self.code())
    }

    /// The code to exit with.
    pub(crate) fn code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Failed => 1,
            Kind::Unread => 0,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl From<store::error::Error> for Problem {
    fn from(error: store::error::Error) -> Problem {
        Problem::failed(with_causes(&error))
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        match error.downcast::<store::error::Error>() {
            Ok(error) => error.into(),
            Err(error) => Problem::failed(with_causes(error.as_ref())),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => Kind::Unread,
            _ => Kind::Failed,
        };
        Problem { kind, says: error.to_string(), hint: None }
    }
}

/// An error and its causes on one line.
fn with_causes(error: &dyn Error) -> String {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !says.ends_with(&words) {
            says = format!("{says}: {words}");
        }
        cause = inner.source();
    }
    says.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_on_the_same_line_once() {
        let disk = io::Error::other("no space left\non device");
        let error = store::error::Error::Full(Box::new(disk));
        let problem = Problem::from(error);
        assert_eq!(problem.to_string(), "the disk is full: no space left on device");
        assert_eq!(problem.code(), 1);
    }

    #[test]
    fn a_reader_who_leaves_is_no_failure() {
        let problem = Problem::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(problem.code(), 0);
    }
}
