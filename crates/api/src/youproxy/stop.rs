//! How a call ends.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use domain::command::Decision;
use domain::money::Money;
use domain::refusal::Refusal;
use engine::fault::Fault;
use serde::Serialize;
use wire::body::Unreadable;
use wire::youproxy::problem::ProblemKind;

use super::refusal::problem;
use crate::body::NoBody;
use crate::native;

/// An answer with `success: true`.
pub(super) struct Done {
    pub(super) body: Body,
    /// Whether it was given before.
    pub(super) replayed: bool,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Stop {
    /// The application says no.
    Refused {
        /// In these words.
        problem: ProblemKind,
        /// In the native API's.
        reason: &'static str,
        /// What was in the wallet, if that was looked at.
        balance: Option<Money>,
        /// Whether it said so before.
        replayed: bool,
    },
    /// More is asked than is allowed, and nothing was done.
    TooMany {
        /// For so long.
        wait: Duration,
        /// In these words.
        problem: ProblemKind,
    },
    /// Something is wrong here, and nothing was done.
    NothingDone,
    /// Something is wrong here, and it is not known what was done.
    Unknown,
    /// The call is made with this method only.
    Method(Method),
    /// There is no body to be read.
    NoBody(NoBody),
}

impl Done {
    /// An answer for the first time.
    pub(super) fn new(answer: &impl Serialize) -> Done {
        Done::once_or_again(answer, false)
    }

    /// An answer that may have been given before.
    pub(super) fn once_or_again(answer: &impl Serialize, replayed: bool) -> Done {
        Done { body: Body::from(written(answer)), replayed }
    }
}

/// An answer as it is sent.
pub(super) fn written(answer: &impl Serialize) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, answer).expect("wire types can be written, into memory");
    body
}

impl Stop {
    /// A refusal of the dialect's own.
    pub(super) fn problem(problem: ProblemKind, reason: &'static str) -> Stop {
        Stop::Refused { problem, reason, balance: None, replayed: false }
    }

    /// A refusal of the shop's.
    pub(super) fn refused(refusal: &Refusal) -> Stop {
        Stop::refused_with(refusal, None)
    }

    /// A refusal of the shop's, seen with this balance.
    pub(super) fn refused_with(refusal: &Refusal, balance: Option<Money>) -> Stop {
        Stop::decided(refusal, balance, false)
    }

    fn decided(refusal: &Refusal, balance: Option<Money>, replayed: bool) -> Stop {
        let reason = native::refusal::name(refusal);
        Stop::Refused { problem: problem(refusal), reason, balance, replayed }
    }

    /// What was in the wallet, if that was looked at.
    pub(super) fn balance(&self) -> Option<Money> {
        match self {
            Stop::Refused { balance, .. } => *balance,
            _ => None,
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        if fault.did_nothing() { Stop::NothingDone } else { Stop::Unknown }
    }
}

impl From<NoBody> for Stop {
    fn from(why: NoBody) -> Stop {
        Stop::NoBody(why)
    }
}

impl From<Unreadable> for Stop {
    fn from(_: Unreadable) -> Stop {
        Stop::problem(ProblemKind::Unknown, "bad-request")
    }
}

/// The header that is to make a repetition known says nothing.
pub(super) fn bad_idempotency_key() -> Stop {
    Stop::problem(ProblemKind::Unknown, "bad-idempotency-key")
}

/// What was done, with the balance afterwards, or why nothing was.
pub(super) fn decided(
    decision: Decision,
) -> Result<(domain::command::Outcome, Option<Money>, bool), Stop> {
    let Decision { result, balance, replayed, .. } = decision;
    match result {
        Ok(outcome) => Ok((outcome, balance, replayed)),
        Err(refusal) => Err(Stop::decided(&refusal, balance, replayed)),
    }
}
