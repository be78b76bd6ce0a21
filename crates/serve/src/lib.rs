//! An HTTP/1 server with deadlines, caps and knowledge of clients that have gone.
//!
//! [`Server::run`] serves any `tower` service, an `axum::Router` for one, on a listener from
//! [`bind`]. hyper reads and writes HTTP; what is added here is what an origin server on the open
//! internet needs besides:
//!
//! - [`Limits`]: every wait for a client has a deadline, every buffer a size, and connections are
//!   counted in total and per source.
//! - [`Delivery`]: whether the client was still there when its answer had been written.
//! - [`Stats`]: what happened, as numbers.
//! - A shutdown that lets requests finish, for a while.
//!
//! Nothing here limits how long a handler works. A request that moves money must not be cut short
//! by somebody who does not know how far it has come.
//!
//! # What a handler finds in the request's extensions
//!
//! [`Peer`] and [`Delivery`], and [`RequestId`] beneath a [`RequestIdLayer`]. The body is a
//! [`RequestBody`], whose error is [`BodyError::TooSlow`] when the client takes too long.
//!
//! # Half-closed connections
//!
//! A client that shuts down its sending side before it has its answer counts as gone, and is cut
//! off: on the wire this cannot be told from a client that has died.

mod connection;
mod delivery;
mod edge;
mod limits;
mod link;
mod listen;
mod network;
mod places;
mod request_body;
mod request_id;
mod server;
mod socket;
mod stats;

// One flat namespace, for a crate of a dozen names; the modules are only how its code is divided.
pub use delivery::{Delivery, Outcome};
pub use edge::Peer;
pub use limits::Limits;
pub use listen::{BindError, bind};
pub use network::{MalformedNetwork, Network};
pub use request_body::{BodyError, RequestBody};
pub use request_id::{Named, RequestId, RequestIdLayer, RequestIdService};
pub use server::{Server, Summary};
pub use stats::Stats;
