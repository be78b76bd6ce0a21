//! Where clients come in to a lease.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An address and port of the gateway that a client connects to; port 0 is any, and so is
/// [`ANY_ADDRESS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
}

/// Any address of the gateway.
pub(super) const ANY_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl From<SocketAddr> for Entry {
    fn from(address: SocketAddr) -> Entry {
        let ip = if address.ip().is_unspecified() { ANY_ADDRESS } else { address.ip() };
        Entry { ip: ip.to_canonical(), port: address.port() }
    }
}

/// Where in the table a lease is looked for by whom it lets in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// With those that can be reached anywhere.
    Anywhere,
    /// With those that have entries at this address. One login has few leases there, so each may
    /// be asked for its ports.
    Address(IpAddr),
    /// With those that have this port at any address. One login may have thousands of leases at a
    /// shared host, each with ports of its own.
    Port(u16),
}

impl From<Entry> for Place {
    fn from(entry: Entry) -> Place {
        match (entry.ip, entry.port) {
            (ANY_ADDRESS, 0) => Place::Anywhere,
            (ANY_ADDRESS, port) => Place::Port(port),
            (ip, _) => Place::Address(ip),
        }
    }
}

/// The entries of a lease. Nearly every lease has a port for each protocol at one address: these
/// take no memory of their own.
#[derive(Debug)]
pub(super) enum Entries {
    /// Any will do.
    Any,
    /// At one address, the first so many of these ports.
    Together { ip: IpAddr, ports: [u16; TOGETHER], count: u8 },
    /// Anywhere else.
    Apart(Box<[Entry]>),
}

/// How many ports a lease has at its address: those for HTTP, for SOCKS and for either within TLS.
const TOGETHER: usize = 3;

impl Entries {
    /// Those at these addresses.
    pub(super) fn new(addresses: &[SocketAddr]) -> Entries {
        let mut entries = addresses.iter().map(|address| Entry::from(*address));
        let Some(Entry { ip, .. }) = entries.clone().next() else {
            return Entries::Any;
        };
        let together = addresses.len() <= TOGETHER && entries.clone().all(|entry| entry.ip == ip);
        match u8::try_from(addresses.len()) {
            Ok(count) if together => {
                let ports = [(); TOGETHER].map(|()| entries.next().map_or(0, |entry| entry.port));
                Entries::Together { ip, ports, count }
            }
            _ => Entries::Apart(entries.collect()),
        }
    }

    /// Whether any will do.
    pub(super) fn is_any(&self) -> bool {
        matches!(self, Entries::Any)
    }

    /// Each of them; none if any will do.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> {
        let (ip, ports, apart): (_, &[u16], &[Entry]) = match self {
            Entries::Any => (ANY_ADDRESS, &[], &[]),
            Entries::Together { ip, ports, count } => (*ip, &ports[..usize::from(*count)], &[]),
            Entries::Apart(entries) => (ANY_ADDRESS, &[], entries),
        };
        let together = ports.iter().map(move |port| Entry { ip, port: *port });
        together.chain(apart.iter().copied())
    }

    /// Where a lease that has these is looked for, each place once.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let anywhere = self.is_any().then_some(Place::Anywhere);
        let places = || self.iter().map(Place::from);
        let is_first =
            move |at: usize, place: Place| places().take(at).all(|earlier| earlier != place);
        let own = places().enumerate().filter(move |(at, place)| is_first(*at, *place));
        anywhere.into_iter().chain(own.map(|(_, place)| place))
    }

    /// Whether `entry` is one of them, in so many words.
    pub(super) fn name(&self, entry: Entry) -> bool {
        self.iter().any(|own| own == entry)
    }

    /// Whether one of them leads in at `entry`.
    pub(super) fn has(&self, entry: Option<Entry>) -> bool {
        let is_here = |own: Entry| {
            entry.is_some_and(|entry| {
                (own.ip == ANY_ADDRESS || own.ip == entry.ip)
                    && (own.port == 0 || own.port == entry.port)
            })
        };
        self.is_any() || self.iter().any(is_here)
    }
}
