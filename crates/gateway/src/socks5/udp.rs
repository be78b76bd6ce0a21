//! Datagrams (UDP ASSOCIATE): a socket towards the client and one at the leased exit, for as long
//! as the connection lives over which they were asked for.
//!
//! What comes is passed on or dropped, at once. Only a datagram whose destination is a name may be
//! kept, until the name is known. The client is heard from the address alone that its connection
//! comes from, and from the one port that it said or used first. At the exit those alone are heard
//! whom the client has written to: nobody else can reach a client through its lease.

mod passing;
mod peers;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::net::connect;
use tokio::net::UdpSocket;

use self::passing::Passing;
use crate::admit::Grant;
use crate::caller::Caller;
use crate::egress;
use crate::refusal::Refusal;
use crate::resolve::Family;
use crate::worker::{Shared, Worker};

/// A client that may send datagrams, until it is gone.
#[derive(Debug)]
pub(crate) struct Association {
    pub(crate) caller: Caller,
    pub(crate) grant: Grant,
    pub(crate) sockets: Sockets,
}

/// The sockets of an association.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// Towards the client, and connected to it once its port is known.
    entry: UdpSocket,
    exit: UdpSocket,
    /// The client; port 0 until it is known.
    client: SocketAddr,
    family: Family,
    _place: Place,
}

impl Sockets {
    /// Opens the sockets of an association, and says where the client is to send its datagrams.
    /// `said` is where it says that it will send them from, as far as it knows.
    pub(crate) fn open(
        worker: &Worker,
        caller: &Caller,
        grant: &Grant,
        said: SocketAddr,
    ) -> Result<(Sockets, SocketAddr), Refusal> {
        let shared = &worker.shared;
        if !may_be(shared, grant) {
            return Err(Refusal::CommandNotSupported);
        }
        let place = Place::take(shared)?;
        let here = caller.stream.local_addr().map_err(|_| Refusal::Internal)?;
        let client = caller.stream.peer_addr().map_err(|_| Refusal::ConnectionLost)?;
        // Behind a translator a client knows neither its address nor its port.
        let port = if said.ip() == client.ip().to_canonical() { said.port() } else { 0 };
        let client = with_port(client, port);
        let entry = open_entry(with_port(here, 0)).map_err(|_| Refusal::Internal)?;
        let address = entry.local_addr().map_err(|_| Refusal::Internal)?;
        let (exit, family) = egress::datagrams(grant, shared.settings.binding)?;
        let sockets = Sockets { entry, exit, client, family, _place: place };
        if port != 0 {
            sockets.hear_client_alone();
        }
        Ok((sockets, address))
    }

    /// Whether a datagram comes from the client.
    fn is_client(&self, from: SocketAddr) -> bool {
        from.ip() == self.client.ip() && [0, from.port()].contains(&self.client.port())
    }

    /// Lets the kernel drop what others send.
    fn hear_client_alone(&self) {
        // If that cannot be, each datagram is looked at all the same.
        let _ = connect(&self.entry, &self.client);
    }
}

fn open_entry(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// The address with another port: one of IPv4, if it is one.
fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    if let ip @ IpAddr::V4(_) = address.ip().to_canonical() {
        return SocketAddr::new(ip, port);
    }
    address.set_port(port);
    address
}

/// Whether datagrams of this lease are passed on.
fn may_be(shared: &Shared, grant: &Grant) -> bool {
    shared.settings.udp.for_all || grant.has_udp()
}

/// A place among all associations of the gateway, until it is dropped.
struct Place(Arc<Shared>);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl Place {
    fn take(shared: &Arc<Shared>) -> Result<Place, Refusal> {
        let before = shared.associations.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(shared));
        let most = shared.settings.udp.associations_max;
        if before < most { Ok(place) } else { Err(Refusal::GatewayFull) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.associations.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Association {
    /// Passes datagrams on until the client or its lease is gone, or has been silent for too long.
    pub(crate) async fn run(mut self, worker: &Worker) {
        self.caller.has_spoken();
        self.caller.held = Vec::new();
        let Association { caller, grant, sockets } = &mut self;
        let Caller { seat, stream, .. } = caller;
        Passing::new(worker, seat, grant, stream, sockets).await;
    }
}
