//! What can be broken when a command or a question comes.

use store::error::Error;

/// Why there is no decision. The variants say what is certain about the effect, because a customer
/// must be told "nothing was done" only when that is so.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// More has come than can be done. Nothing was done.
    #[error("overloaded, nothing was done")]
    Overloaded,
    /// It waited longer than its deadline. Nothing was done.
    #[error("the deadline passed, nothing was done")]
    Deadline,
    /// The database is away, or its disk is full. Nothing was done.
    #[error("temporarily unavailable, nothing was done")]
    Unavailable,
    /// The server is ending. Nothing was done.
    #[error("shutting down, nothing was done")]
    Closing,
    /// Something broke before anything was done.
    #[error("something broke, nothing was done")]
    Broken,
    /// A commit was under way and its end was not learned.
    #[error("the outcome is not known")]
    OutcomeUnknown,
}

impl Fault {
    /// Whether it is certain that nothing was done.
    pub fn did_nothing(&self) -> bool {
        match self {
            Fault::Overloaded
            | Fault::Deadline
            | Fault::Unavailable
            | Fault::Closing
            | Fault::Broken => true,
            Fault::OutcomeUnknown => false,
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Fault {
        match error {
            Error::Full(_) | Error::Unavailable(_) => Fault::Unavailable,
            Error::OutcomeUnknown(_) | Error::Broken(_) => Fault::OutcomeUnknown,
            Error::Corrupt { .. }
            | Error::Catalogue(_)
            | Error::Open(_)
            | Error::Unmoved(_)
            | Error::Fault(_) => Fault::Broken,
        }
    }
}

/// Logs what broke, once, with its causes, and says what can be said of it.
///
/// If it is the disk, the process ends here, whoever met it: what the disk holds is not known any
/// more, a second try may succeed without having written anything, and only a new start can find
/// out.
pub(crate) fn told(error: &Error, doing: &'static str) -> Fault {
    let mut causes = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push_str(": ");
        causes.push_str(&inner.to_string());
        cause = inner.source();
    }
    tracing::error!(doing, "While {doing}: {error}{causes}");
    if let Error::Broken(_) = error {
        std::process::abort();
    }
    Fault::from(error)
}
