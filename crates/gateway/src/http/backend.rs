//! What the passing on of requests needs from the gateway around it, and what it leaves to it.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::buffer::Input;
use super::credentials::Presented;
use crate::refusal::Refusal;
use crate::target::Target;

/// What the passing on of requests needs from the gateway around it.
pub trait Backend {
    /// The right to connect from some exit.
    type Grant;
    /// A connection to a destination. It counts and limits what goes through it.
    type Upstream: AsyncRead + AsyncWrite + Unpin;

    /// Judges who asks. Called for each request, before anything else is told about it.
    fn admit(&mut self, presented: Presented<'_>) -> Result<Self::Grant, Refusal>;

    /// Told of everything that a client is refused, except by [`admit`](Self::admit) and
    /// [`connect`](Self::connect).
    fn refused(&mut self, refusal: Refusal, target: Option<&Target>) {
        let _ = (refusal, target);
    }

    /// Connects, as the policy allows.
    fn connect(
        &mut self,
        grant: &Self::Grant,
        target: &Target,
    ) -> impl Future<Output = Result<Self::Upstream, Refusal>>;

    /// Whether a connection that is there may carry a request of this grant: same lease, same exit.
    fn may_reuse(&self, upstream: &Self::Upstream, grant: &Self::Grant) -> bool;

    /// Breaks a connection off: nothing that is still on its way arrives, and its destination
    /// cannot take what it has got for the whole.
    fn cut(&mut self, upstream: Self::Upstream);

    /// Sets the one deadline of this client's connection, in place of the one before.
    fn due(&mut self, after: Duration);

    /// Ready when the deadline has passed, or all has to end now.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Stop>;

    /// Ready when clients are to go away as soon as they are served; asked between two requests.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// Why a client's connection does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its deadline has passed.
    Late,
    /// Its lease has ended, or the gateway: no byte more.
    Over,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Until the response begins, or the next piece of the request's body moves.
    pub response: Duration,
    /// Between two pieces of the response's body.
    pub stalled: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            response: Duration::from_secs(60),
            stalled: Duration::from_secs(60),
        }
    }
}

/// How the conversation ended, and what the caller does next.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each connection, and it is moved once"
)]
pub enum Ending<G, U> {
    /// Everything was said; close.
    Closed,
    /// A response broke off: reset the client's connection, so that it does not take the end of
    /// the connection for the end of the response.
    Aborted,
    /// A tunnel is asked for. Connect, answer, and pass on what the client has said already.
    Connect {
        /// Who asks.
        grant: G,
        /// Where to.
        target: Target,
        /// What came behind the request.
        early: Input,
    },
    /// Client and destination have agreed on WebSocket; both have been sent all that came so far.
    /// From now on the bytes are theirs.
    Upgraded {
        /// Who asked.
        grant: G,
        /// The connection to the destination.
        upstream: U,
    },
}
