//! A connection from its first byte to its last.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpStream;

use crate::admit::Grant;
use crate::caller::{Caller, Gone, Read};
use crate::destination;
use crate::flows::End;
use crate::http;
use crate::link::reset_on_drop;
use crate::listen::Speaks;
use crate::refusal::Refusal;
use crate::relay::{Outcome, Relay};
use crate::socks5;
use crate::socks5::udp::Association;
use crate::target::Target;
use crate::throng::Handshake;
use crate::worker::Worker;

/// Serves a client until it or its lease is gone.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    stream: TcpStream,
    source: SocketAddr,
    speaks: Speaks,
    handshake: Handshake,
) {
    // What it takes to open a tunnel is given back before the tunnel is used, which may be for days.
    let opening = Box::pin(open(worker, stream, source, speaks, handshake));
    match opening.await {
        Some(Opened::Tunnel(opened)) => tunnel(worker, opened).await,
        // In memory of its own, which a tunnel does not need.
        Some(Opened::Association(opened)) => Box::pin(opened.run(worker)).await,
        None => {}
    }
}

/// Opens what the client asks for. Nothing, if it did not come to that; a client that is there
/// has been told why.
async fn open(
    worker: &Rc<Worker>,
    stream: TcpStream,
    source: SocketAddr,
    speaks: Speaks,
    handshake: Handshake,
) -> Option<Opened> {
    let mut caller = Caller::new(worker, stream, source, handshake);
    let mut speaks = speaks;
    if is_tls(worker, &mut caller, speaks).await.ok()? {
        caller = caller.secure(worker).await.ok()?;
        if speaks == Speaks::Tls {
            speaks = Speaks::Both;
        }
    }
    if is_socks(worker, &mut caller, speaks).await.ok()? {
        socks5::open(worker, caller).await
    } else {
        http::connect::open(worker, caller).await
    }
}

/// What a client has got and can use now.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A tunnel.
    Tunnel(Tunnel),
    /// A place to send datagrams to.
    Association(Box<Association>),
}

/// A tunnel that is ready to be used.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) caller: Caller,
    pub(crate) server: TcpStream,
    pub(crate) grant: Grant,
}

const SOCKS5: u8 = 0x05;
/// The first byte of a TLS connection: a record of the handshake.
const TLS: u8 = 0x16;

async fn is_tls(worker: &Rc<Worker>, caller: &mut Caller, speaks: Speaks) -> Result<bool, Gone> {
    match speaks {
        Speaks::Tls => Ok(true),
        Speaks::Both | Speaks::Http if worker.shared.certificate.load().is_some() => {
            caller.read(worker, |_, bytes| Read::Done(bytes.first() == Some(&TLS), 0)).await
        }
        Speaks::Both | Speaks::Http | Speaks::Socks5 => Ok(false),
    }
}

async fn is_socks(worker: &Rc<Worker>, caller: &mut Caller, speaks: Speaks) -> Result<bool, Gone> {
    match speaks {
        Speaks::Http => Ok(false),
        Speaks::Socks5 => Ok(true),
        Speaks::Both | Speaks::Tls => {
            caller.read(worker, |_, bytes| Read::Done(bytes.first() == Some(&SOCKS5), 0)).await
        }
    }
}

/// Connects to what the client asked for, in the time that this may take.
pub(crate) async fn reach(
    worker: &Worker,
    caller: &mut Caller,
    grant: &Grant,
    target: &Target,
) -> Result<Result<TcpStream, Refusal>, Gone> {
    caller.has_spoken();
    caller.seat.due(worker.after(worker.shared.settings.connect));
    let reached = match worker.within(&caller.seat, destination::reach(worker, grant, target)).await
    {
        Ok(reached) => reached,
        Err(End::Deadline) => Err(Refusal::ConnectTimeout),
        Err(end) => return Err(Gone::Ended(end)),
    };
    if let Err(refusal) = &reached {
        caller.was_refused(worker, *refusal, Some(target));
    }
    Ok(reached)
}

async fn tunnel(worker: &Worker, opened: Tunnel) {
    let Tunnel { mut caller, mut server, grant } = opened;
    let early = std::mem::take(&mut caller.held);
    let Caller { seat, stream, .. } = &mut caller;
    let outcome = Relay::new(worker, seat, &grant, stream, &mut server, early).await;
    match outcome {
        Outcome::Done => caller.part(worker).await,
        // What is still on its way is taken back: a lease that has ended passes no byte, and who
        // was told half of something has to know it.
        Outcome::Broken | Outcome::Ended => {
            stream.reset_on_drop();
            reset_on_drop(&server);
        }
    }
}
