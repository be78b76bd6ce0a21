//! A lease as the table keeps it: small, because there may be a million.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use feed::lease::{Limits, Source};
use subtle::ConstantTimeEq;

use domain::time::Time;

use super::entries::{Entries, Entry};
use super::keys::{Keys, Verifier};
use super::terms::{TermSets, Terms};
use super::ways::{Way, Ways};
use crate::policy::LeasePorts;

/// A lease. It holds neither the login nor the password of its customer, only what tells whether
/// they are right.
#[derive(Debug)]
pub struct Lease {
    id: u64,
    ends_at: i64,
    ways: Ways,
    entries: Entries,
    exit: Exit,
    exits: u32,
    terms: Arc<Terms>,
    suspended: bool,
    dialing: bool,
}

/// Where traffic of a lease leaves from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// From this address.
    Address(IpAddr),
    /// Through this interface, from whatever address it has.
    Interface(Box<str>),
}

/// The longest name of an interface.
const INTERFACE_MAX: usize = 15;

impl Exit {
    /// Nothing for what the system takes for "any": the unspecified address, and an interface
    /// without a name.
    fn new(exit: &feed::lease::Exit) -> Option<Exit> {
        match exit {
            feed::lease::Exit::Address(ip) => {
                let ip = ip.to_canonical();
                let is_one = !ip.is_unspecified() && !ip.is_multicast();
                is_one.then_some(Exit::Address(ip))
            }
            feed::lease::Exit::Interface(name) => {
                let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
                let is_one = (1..=INTERFACE_MAX).contains(&name.len()) && name.bytes().all(plain);
                is_one.then(|| Exit::Interface(name.as_str().into()))
            }
        }
    }
}

/// What a flow was let in by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A login and a password.
    Login(Verifier),
    /// The address that it came from.
    Source,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Login(_) => "Login(***)",
            Proof::Source => "Source",
        })
    }
}

/// Why a lease cannot be kept in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// An empty login or password would match everybody who says nothing.
    #[error("lease {0} has an empty login or password")]
    EmptyCredentials(u64),
    /// Nobody could use it.
    #[error("lease {0} lets nobody in")]
    NoAccess(u64),
    /// A network with more bits than its addresses have, or with none: it would be everybody.
    #[error("lease {0} has a source that is no network")]
    BadSource(u64),
    /// An exit that is none: who binds to nothing in particular leaves from anywhere.
    #[error("lease {0} has an exit that is none")]
    BadExit(u64),
}

impl Lease {
    /// What the table keeps of `lease`.
    pub(super) fn new(
        lease: &feed::lease::Lease,
        keys: &Keys,
        terms: &TermSets,
    ) -> Result<Lease, Unfit> {
        let id = lease.id;
        let logins = lease.access.logins.iter().map(|known| {
            let (login, password) = (known.login.as_bytes(), known.password.as_bytes());
            if login.is_empty() || password.is_empty() {
                return Err(Unfit::EmptyCredentials(id));
            }
            Ok(Way::Login { key: keys.login(login), verifier: keys.verifier(login, password) })
        });
        let sources = lease.access.sources.iter().map(|source| {
            let network = network(source.ip, source.bits).filter(|network| network.bits > 0);
            network.map(Way::Source).ok_or(Unfit::BadSource(id))
        });
        let count = lease.access.logins.len() + lease.access.sources.len();
        let ways = Ways::gather(count, logins.chain(sources))?.ok_or(Unfit::NoAccess(id))?;
        let exit = Exit::new(&lease.exit).ok_or(Unfit::BadExit(id))?;
        let entries = Entries::new(&lease.entries);
        let terms = terms.share(&lease.limits, lease.ports.as_deref());
        let feed::lease::Lease { ends_at, exits, suspended, dialing, .. } = *lease;
        Ok(Lease { id, ends_at, ways, entries, exit, exits, terms, suspended, dialing })
    }

    /// Which lease it is.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// When it ends.
    pub(crate) fn ends_at(&self) -> Time {
        Time::from_millis(self.ends_at)
    }

    /// Where its traffic leaves from.
    pub(crate) fn exit(&self) -> &Exit {
        &self.exit
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        self.terms.limits
    }

    /// What it says of ports, if it says anything.
    pub(crate) fn ports(&self) -> Option<&Arc<LeasePorts>> {
        self.terms.ports.as_ref()
    }

    /// Whether it is known, but not served.
    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether its exit is about to be another one.
    pub(crate) fn is_dialing(&self) -> bool {
        self.dialing
    }

    /// Whether it can be reached at `entry`.
    pub(super) fn is_at(&self, entry: Option<Entry>) -> bool {
        self.entries.has(entry)
    }

    /// Whether it is known by the login and password that `verifier` was made of.
    pub(super) fn verifies(&self, verifier: &Verifier) -> bool {
        self.ways().iter().any(|way| match way {
            Way::Login { verifier: own, .. } => bool::from(own.ct_eq(verifier)),
            Way::Source(_) => false,
        })
    }

    /// Whether its customer may connect from `ip`.
    pub(super) fn is_source(&self, ip: IpAddr) -> bool {
        self.ways().iter().any(|way| match way {
            Way::Login { .. } => false,
            Way::Source(source) => network(ip, source.bits).is_some_and(|own| own == *source),
        })
    }

    /// Whether a flow that this lease let in from `source` by `proof` would be let in, and leave
    /// from the same address, with the lease as it is `now`. What goes on while its exit is about to
    /// be another one may go on: perhaps it stays the same.
    pub(crate) fn still_admits(&self, now: &Lease, source: IpAddr, proof: Proof) -> bool {
        let admitted = match proof {
            Proof::Login(verifier) => now.verifies(&verifier),
            Proof::Source => now.is_source(source),
        };
        admitted && now.exit == self.exit && now.exits == self.exits && !now.suspended
    }

    /// Whether all that is its own lies within it.
    #[cfg(test)]
    pub(super) fn owns_no_memory(&self) -> bool {
        matches!(self.ways, Ways::One(_))
            && !matches!(self.entries, Entries::Apart(_))
            && matches!(self.exit, Exit::Address(_))
    }

    #[cfg(test)]
    pub(super) fn shares_terms_with(&self, other: &Lease) -> bool {
        Arc::ptr_eq(&self.terms, &other.terms)
    }

    pub(super) fn ways(&self) -> &[Way] {
        self.ways.as_slice()
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }
}

/// The network of `ip` with so many bits; nothing if an address has fewer.
pub(super) fn network(ip: IpAddr, bits: u8) -> Option<Source> {
    let ip = match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let rest = 32u32.checked_sub(bits.into())?;
            IpAddr::V4((ip.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)).into())
        }
        IpAddr::V6(ip) => {
            let rest = 128u32.checked_sub(bits.into())?;
            IpAddr::V6((ip.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).into())
        }
    };
    Some(Source { ip, bits })
}
