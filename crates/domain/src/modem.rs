//! Modems: what makes them dial anew, and where their traffic leaves from.

use std::net::IpAddr;

use crate::time::Span;

/// A modem, as the operator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modem {
    /// What stock calls it.
    pub name: String,
    /// The gateway on whose machine it is driven.
    pub gateway: String,
    /// Where the traffic of its leases leaves from.
    pub exit: ModemExit,
    /// The shortest time between two rotations that customers ask for.
    pub interval: Span,
    /// How long one try may take.
    pub deadline: Span,
    /// What makes it dial anew.
    pub driver: Driver,
}

/// Where the traffic of a modem's leases leaves from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModemExit {
    /// From the address that its driver has told last; until it has, from the one in stock.
    Told,
    /// Through this interface of the gateway's host, from whatever address that has.
    Interface(String),
    /// Always from this address of the gateway's host, which is routed through the modem.
    Source(IpAddr),
}

/// What makes a modem dial anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driver {
    /// A request to somebody who does it.
    Http(Hook),
    /// ModemManager, which many Linux systems have.
    ModemManager(Managed),
    /// Nothing real: for tests and demonstrations.
    Simulator(Simulated),
}

/// A request that has a modem dial anew. In its texts `{modem}` stands for the modem's name and
/// `{secret}` for its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Where to.
    pub url: String,
    /// Its method.
    pub method: HookMethod,
    /// Its header fields.
    pub headers: Vec<(String, String)>,
    /// The name of its secret, which is kept on the gateway's machine and never here.
    pub secret: Option<String>,
    /// The status that says that it was done.
    pub expect: u16,
}

/// The methods of hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum HookMethod {
    Get,
    Post,
    Put,
}

impl HookMethod {
    /// All of them.
    pub const ALL: [HookMethod; 3] = [HookMethod::Get, HookMethod::Post, HookMethod::Put];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            HookMethod::Get => "GET",
            HookMethod::Post => "POST",
            HookMethod::Put => "PUT",
        }
    }
}

/// A modem that ModemManager looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Which it is.
    pub which: Which,
    /// Whether it is reset, rather than connected anew.
    pub reset: bool,
}

/// How a modem is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its equipment identifier (IMEI).
    Imei(String),
    /// By the interface that it gives the host.
    Interface(String),
}

/// A modem that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The exits that it goes through, again and again; at least one.
    pub exits: Vec<IpAddr>,
    /// How long each change takes.
    pub takes: Span,
    /// Every so many changes one fails; 0 is never.
    pub fails_every: u32,
}
