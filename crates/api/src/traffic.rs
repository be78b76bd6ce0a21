//! Gateways as the APIs know them: what the one in this process does, as numbers, and what is asked
//! about the traffic of a lease, wherever it is carried.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};

use domain::access::Access;
use domain::ids::LeaseId;
use domain::order::Protocol;
use domain::proxy::{Endpoint, Proxy};
use domain::time::Time;

use crate::app::App;

/// What the gateway in this process does. It is told; nothing here measures.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Whether it knows all leases and listens wherever the catalogue says.
    pub is_ready: AtomicBool,
    /// Leases that it serves.
    pub leases: AtomicU64,
    /// How often there was a lease that it cannot serve.
    pub unfit: AtomicU64,
    /// Ports that it should listen on, and cannot.
    pub unheard: AtomicU64,
    /// Connections of clients that are open.
    pub connections: AtomicU64,
    /// Flows that were opened.
    pub flows: AtomicU64,
    /// Bytes from clients to destinations.
    pub bytes_up: AtomicU64,
    /// Bytes from destinations to clients.
    pub bytes_down: AtomicU64,
    /// How often something was refused, by reason.
    refused: Mutex<Vec<(&'static str, u64)>>,
}

impl Traffic {
    /// Notes how often something was refused so far, by reason.
    pub fn set_refused(&self, refused: Vec<(&'static str, u64)>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// How often something was refused so far, by reason, as it was noted last.
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whoever carries the traffic of leases, as the APIs ask for it.
pub trait Carried: fmt::Debug + Send + Sync {
    /// What was refused to clients of a lease lately; nothing if no gateway is here, and none tells
    /// of it here.
    fn refusals(&self, lease: LeaseId) -> Option<Refusals>;

    /// Tries the ways in to a lease.
    fn check(
        &self,
        wish: CheckWish,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Checked>, NotChecked>> + Send + '_>>;
}

/// What was refused to clients of a lease lately.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    /// How often, by reason.
    pub counts: Vec<(String, u64)>,
    /// The last ones, the newest first.
    pub last: Vec<Refused>,
}

/// Something that was refused to a client.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When.
    pub at: Time,
    /// Why.
    pub reason: String,
    /// Where to, as host and port, if it came to that.
    pub destination: Option<String>,
    /// From where.
    pub source: IpAddr,
}

/// A lease that is to be tried.
#[derive(Clone, Debug)]
pub struct CheckWish {
    /// The lease.
    pub lease: LeaseId,
    /// Where its customer connects to.
    pub endpoint: Endpoint,
    /// What it speaks, if only one of the two.
    pub protocol: Option<Protocol>,
    /// How its customer is known.
    pub access: Vec<Access>,
    /// The address that has to be seen.
    pub exit: IpAddr,
    /// The only port to try, if not all.
    pub port: Option<u16>,
}

impl CheckWish {
    /// A lease as its customer uses it.
    pub(crate) fn of(app: &App, proxy: &Proxy, port: Option<u16>) -> CheckWish {
        CheckWish {
            lease: proxy.lease.id,
            endpoint: proxy.endpoint(&app.engine.catalogue()),
            protocol: proxy.order.protocol,
            access: proxy.order.access.iter().cloned().collect(),
            exit: proxy.ip,
            port,
        }
    }
}

/// What came of one way in.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What is spoken: `http`, `https` or `socks5`.
    pub protocol: &'static str,
    /// Where.
    pub port: u16,
    /// Why it does not work; nothing if it does.
    pub reason: Option<String>,
    /// The address that was seen.
    pub exit: Option<IpAddr>,
    /// Milliseconds until there was a way through the proxy.
    pub connect_ms: Option<u32>,
    /// Milliseconds until the first byte came back.
    pub first_byte_ms: Option<u32>,
    /// Whether the certificate is one that programs trust, where there is one.
    pub trusted: Option<bool>,
}

/// Why nothing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotChecked {
    /// Others are tried just now.
    Busy,
    /// Nobody is known who could be asked which address he sees.
    NobodyToAsk,
}
