//! Where the gateway listens: at the ports of the catalogue, which many leases share, and at those
//! that leases at a shared host have for themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gateway::{Gateway, ListenerId, Speaks, host};

/// The listeners of a gateway.
pub(super) struct Listeners {
    gateway: Arc<Gateway>,
    /// All addresses of this machine.
    everywhere: IpAddr,
    /// Whether there is a certificate, so that TLS can be spoken.
    secure: bool,
    /// Ports of the catalogue, and what is spoken there.
    common: BTreeMap<u16, Speaks>,
    /// Ports of leases, by lease, and by port with how many leases want it.
    of_lease: HashMap<u64, Vec<u16>>,
    wanted: BTreeMap<u16, (Speaks, u32)>,
    open: BTreeMap<u16, Open>,
    /// Ports about which something has changed.
    dirty: BTreeSet<u16>,
    /// Ports that cannot be listened on.
    unheard: BTreeSet<u16>,
    is_paused: bool,
}

/// A listener that is open.
struct Open {
    id: ListenerId,
    how: How,
}

/// How is listened at a port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// For many leases.
    Common(Speaks),
    /// For one lease.
    Own(Speaks),
}

impl Listeners {
    /// None so far.
    pub(super) fn new(gateway: Arc<Gateway>, secure: bool) -> Listeners {
        Listeners {
            gateway,
            everywhere: host::everywhere(),
            secure,
            common: BTreeMap::new(),
            of_lease: HashMap::new(),
            wanted: BTreeMap::new(),
            open: BTreeMap::new(),
            dirty: BTreeSet::new(),
            unheard: BTreeSet::new(),
            is_paused: false,
        }
    }

    /// Listens from now on at these ports for many leases.
    pub(super) fn common(&mut self, ports: impl IntoIterator<Item = (u16, Speaks)>) {
        let spoken = |(port, speaks): &(u16, Speaks)| {
            let can_be = self.secure || *speaks != Speaks::Tls;
            if !can_be {
                tracing::error!(
                    port,
                    "Nothing is served at https_port {port}: --gateway-cert and --gateway-key are \
                     missing"
                );
            }
            can_be
        };
        let ports = ports.into_iter().filter(spoken).collect();
        let before = std::mem::replace(&mut self.common, ports);
        self.dirty.extend(before.keys());
        self.dirty.extend(self.common.keys());
    }

    /// A lease has these ports for itself from now on.
    pub(super) fn set(&mut self, lease: u64, ports: &[(u16, Speaks)]) {
        self.clear(lease);
        if ports.is_empty() {
            return;
        }
        for (port, speaks) in ports {
            let (speaks_now, count) = self.wanted.entry(*port).or_insert((*speaks, 0));
            (*speaks_now, *count) = (*speaks, *count + 1);
            self.dirty.insert(*port);
        }
        self.of_lease.insert(lease, ports.iter().map(|(port, _)| *port).collect());
    }

    /// No lease has ports for itself any more.
    pub(super) fn clear_all(&mut self) {
        self.dirty.extend(self.wanted.keys());
        self.of_lease.clear();
        self.wanted.clear();
    }

    /// Listens nowhere until it is told to go on.
    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        self.dirty.extend(self.common.keys());
        self.dirty.extend(self.wanted.keys());
    }

    /// A lease has no ports for itself any more.
    pub(super) fn clear(&mut self, lease: u64) {
        for port in self.of_lease.remove(&lease).into_iter().flatten() {
            self.dirty.insert(port);
            if let Some((_, count)) = self.wanted.get_mut(&port) {
                *count -= 1;
                if *count == 0 {
                    self.wanted.remove(&port);
                }
            }
        }
    }

    /// Opens and closes what has changed.
    pub(super) fn settle(&mut self) {
        let mut failed = Vec::new();
        for port in std::mem::take(&mut self.dirty) {
            let how = self.how(port);
            let open = self.open.get(&port).map(|open| open.how);
            self.unheard.remove(&port);
            if how == open {
                continue;
            }
            if let Some(open) = self.open.remove(&port) {
                self.gateway.close(open.id);
            }
            let address = SocketAddr::new(self.everywhere, port);
            let opened = match how {
                None => continue,
                Some(How::Common(speaks)) => self.gateway.listen(address, speaks),
                Some(How::Own(speaks)) => self.gateway.listen_on_one_thread(address, speaks),
            };
            match (opened, how) {
                (Ok((id, _)), Some(how)) => drop(self.open.insert(port, Open { id, how })),
                (Ok(_), None) => {}
                (Err(error), _) => {
                    self.unheard.insert(port);
                    failed.push((port, error));
                }
            }
        }
        if let Some((port, error)) = failed.first() {
            let (count, place) = (failed.len(), SocketAddr::new(self.everywhere, *port));
            tracing::error!(
                port,
                ports = count,
                "The gateway cannot listen on {place}: {error}; {} ports in all; trying again",
                count
            );
        }
    }

    /// Tries again where listening has failed.
    pub(super) fn try_again(&mut self) {
        self.dirty.extend(self.unheard.iter());
        self.settle();
    }

    /// How many ports cannot be listened on.
    pub(super) fn unheard(&self) -> usize {
        self.unheard.len()
    }

    /// Where is listened for many leases.
    pub(super) fn listening(&self) -> Vec<SocketAddr> {
        let open = self.common.keys().filter(|port| self.open.contains_key(port));
        open.map(|port| SocketAddr::new(self.everywhere, *port)).collect()
    }

    /// How is to be listened at a port, if at all.
    fn how(&self, port: u16) -> Option<How> {
        if self.is_paused {
            return None;
        }
        if let Some(speaks) = self.common.get(&port) {
            return Some(How::Common(*speaks));
        }
        self.wanted.get(&port).map(|(speaks, _)| How::Own(*speaks))
    }
}
