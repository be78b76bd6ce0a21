//! How a call ends.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::HeaderValue;
use axum::http::{Response, StatusCode};
use domain::command::{Decision, Outcome};
use domain::money::Money;
use domain::refusal::Refusal;
use engine::fault::Fault;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::body::Unreadable;
use wire::proxyseller::envelope::{Envelope, Problem};

use super::refusal::problem;
use super::{Asked, data};
use crate::body::NoBody;
use crate::{answer, native};

/// An answer, of whatever form.
pub(super) struct Done {
    answer: Response<Body>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Stop {
    /// The application says no.
    Refused(Box<Refused>),
    /// The key is not known, may not be used from here, or, with a time to wait, is used too much.
    Access {
        /// From where it was used.
        ip: IpAddr,
        /// Until the limit is lifted, if it is that.
        wait: Option<Duration>,
    },
    /// Too many unknown keys have come from there.
    Flood(Duration),
    /// Something is wrong here, and nothing was done.
    NothingDone,
    /// Something is wrong here, and it is not known what was done.
    Unknown,
    /// There is no body to be read.
    NoBody(NoBody),
}

/// What the application says where it says no.
#[derive(Debug)]
pub(super) struct Refused {
    /// What is told all the same.
    pub(super) data: Option<Box<RawValue>>,
    /// In the dialect's words.
    pub(super) problems: Vec<Problem>,
    /// In the shop's.
    pub(super) reason: &'static str,
    /// Whether it said so before.
    pub(super) replayed: bool,
}

impl Done {
    /// A success with this data.
    pub(super) fn new(data: &impl Serialize) -> Done {
        Done::once_or_again(data, false)
    }

    /// A success that may have been told before.
    pub(super) fn once_or_again(data: &impl Serialize, replayed: bool) -> Done {
        let body = written(&Envelope::success(data));
        let mut answer = answer::json(StatusCode::OK, body);
        mark_replayed(&mut answer, replayed);
        Done { answer }
    }

    /// A success that was written before.
    pub(super) fn written(body: Vec<u8>) -> Done {
        Done { answer: answer::json(StatusCode::OK, body) }
    }

    /// A success that is written while it is sent.
    pub(super) fn streamed(body: Body) -> Done {
        Done { answer: answer::json(StatusCode::OK, body) }
    }

    /// An answer without an envelope.
    pub(super) fn bare(answer: Response<Body>) -> Done {
        Done { answer }
    }

    pub(super) fn answer(self) -> Response<Body> {
        self.answer
    }
}

/// Says that an answer was given before.
pub(super) fn mark_replayed(answer: &mut Response<Body>, replayed: bool) {
    if replayed {
        let yes = HeaderValue::from_static("true");
        answer.headers_mut().insert(answer::IDEMPOTENCY_REPLAYED, yes);
    }
}

/// An answer as it is sent.
pub(super) fn written(answer: &impl Serialize) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, answer).expect("wire types can be written, into memory");
    body
}

impl Stop {
    /// A refusal of the shop's.
    pub(super) fn refused(asked: &Asked<'_>, refusal: &Refusal) -> Stop {
        Stop::refused_with(asked, refusal, None)
    }

    /// A refusal of the shop's, seen with this balance.
    pub(super) fn refused_with(
        asked: &Asked<'_>,
        refusal: &Refusal,
        balance: Option<Money>,
    ) -> Stop {
        let ids = asked.app.engine.public_ids();
        let problems = vec![problem(ids, asked.version, refusal, balance)];
        let reason = native::refusal::name(refusal);
        Stop::Refused(Box::new(Refused { data: None, problems, reason, replayed: false }))
    }

    /// A refusal of the dialect's own.
    pub(super) fn said(message: impl Into<Cow<'static, str>>, reason: &'static str) -> Stop {
        Stop::problem(Problem::new(message, 0), reason)
    }

    /// A refusal of the dialect's own, with a number.
    pub(super) fn problem(problem: Problem, reason: &'static str) -> Stop {
        let problems = vec![problem];
        Stop::Refused(Box::new(Refused { data: None, problems, reason, replayed: false }))
    }

    /// A quote that the balance does not cover.
    pub(super) fn unpaid(quote: &impl Serialize, problems: Vec<Problem>) -> Stop {
        let data = Some(data(quote));
        let reason = "insufficient-funds";
        Stop::Refused(Box::new(Refused { data, problems, reason, replayed: false }))
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
        Stop::NoBody(NoBody::Unreadable)
    }
}

/// What was done, and whether it was done before; or why nothing was, seen with which balance.
pub(super) fn decided(decision: Decision) -> Result<(Outcome, bool), Declined> {
    let Decision { result, balance, replayed, .. } = decision;
    match result {
        Ok(outcome) => Ok((outcome, replayed)),
        Err(refusal) => Err(Declined { refusal, balance, replayed }),
    }
}

/// Why nothing was done.
pub(super) struct Declined {
    pub(super) refusal: Refusal,
    pub(super) balance: Option<Money>,
    pub(super) replayed: bool,
}

impl Declined {
    /// In other words than usual, because it is about another member of the request.
    pub(super) fn said(self, asked: &Asked<'_>, words: &'static str) -> Stop {
        let mut stop = self.stop(asked);
        if let Stop::Refused(refused) = &mut stop {
            refused.problems = vec![Problem::new(words, 0)];
        }
        stop
    }

    /// As it is told if there is nothing more to say.
    pub(super) fn stop(self, asked: &Asked<'_>) -> Stop {
        let mut stop = Stop::refused_with(asked, &self.refusal, self.balance);
        if let Stop::Refused(refused) = &mut stop {
            refused.replayed = self.replayed;
        }
        stop
    }
}
