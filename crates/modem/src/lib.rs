//! Having modems dial anew, so that they are given another address.
//!
//! A [`Driver`] knows one modem and one way of having it dial: a request to whoever looks after it
//! ([`hook`]), ModemManager on the same machine ([`managed`]), or nothing real ([`simulator`]). It
//! decides nothing else: when it is done, for whom, and what becomes of connections is others'.

pub mod hook;
pub mod managed;
pub mod simulator;
mod tls;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

/// What was told of the addresses of a modem that has dialed. What is not told is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The one before.
    pub old: Option<IpAddr>,
    /// The one now.
    pub new: Option<IpAddr>,
}

/// Why a modem has not dialed. The texts are for the operator's log and hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// The modem, or who looks after it, is not there.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The modem, or who looks after it, says no.
    #[error("refused: {0}")]
    Refused(String),
    /// Something is missing on this machine.
    #[error("misconfigured: {0}")]
    Misconfigured(String),
}

/// A modem that is dialing.
pub type Rotating<'d> = Pin<Box<dyn Future<Output = Result<Rotated, Error>> + Send + 'd>>;

/// A way of having a modem dial anew.
pub trait Driver: Send + Sync {
    /// Has it dial. `known` is the address that it has, if that was told. Dropped half way, it may
    /// have dialed or not.
    fn rotate(&self, known: Option<IpAddr>) -> Rotating<'_>;
}

/// Has a modem dial, and gives up after `deadline`.
pub async fn within(
    deadline: Duration,
    driver: &dyn Driver,
    known: Option<IpAddr>,
) -> Result<Rotated, Error> {
    tokio::time::timeout(deadline, driver.rotate(known)).await.unwrap_or(Err(Error::TimedOut))
}
