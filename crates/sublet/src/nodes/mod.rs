//! Where gateways on other hosts come to learn what they serve.

pub(crate) mod http;
mod jobs;
pub(crate) mod key;
mod reception;
pub(crate) mod refusals;
mod session;
mod telling;
pub(crate) mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use engine::engine::Engine;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use store::Store;
use store::nodes::GatewayIdentity;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use key::Key;
use reception::{Reception, Visitor};
use refusals::Told;

/// How many connections there may be. A gateway has five when it has something to say on all.
const CONNECTIONS: usize = 8_192;

/// How long a handshake may take, and the head of a request.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long nothing is accepted after a fault of ours, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// What gateways know this shop by; made now if nobody has asked before.
pub(crate) fn identity(store: &dyn Store) -> Result<GatewayIdentity> {
    let fresh = GatewayIdentity { key: Key::draw()?.to_string(), epoch: drawn()? };
    Ok(store.gateway_identity(&fresh)?)
}

/// A name that nothing else has.
fn drawn() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(anyhow::Error::from)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// The place where gateways on other hosts come to.
pub(crate) struct Desk {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// What gateways have told here that they have refused.
    pub(crate) refusals: Arc<Told>,
    accepting: JoinHandle<()>,
}

impl Desk {
    /// Opens it at `address`.
    pub(crate) async fn open(engine: &Engine, address: SocketAddr) -> Result<Desk> {
        let identity = engine
            .read_slow(|store| {
                identity(store).map_err(|error| store::error::Error::Fault(error.into()))
            })
            .await?;
        let acceptor = TlsAcceptor::from(Key::read(&identity.key)?.serving());
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("gateways cannot be listened for on {address}"))?;
        let address = listener.local_addr()?;
        let refusals = Arc::new(Told::new(drawn()?));
        let reception = Reception::new(engine.clone(), identity, Arc::clone(&refusals));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::new(reception)));
        Ok(Desk { address, refusals, accepting })
    }

    /// Closes it; whoever is there goes elsewhere, or comes again. It can be listened there when this
    /// returns.
    pub(crate) async fn close(self) {
        self.accepting.abort();
        // It has been.
        let _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, reception: Arc<Reception>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Aborted with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("Cannot accept gateways: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (acceptor, reception) = (acceptor.clone(), Arc::clone(&reception));
        connections.spawn(async move {
            if let Err(error) = serve(stream, acceptor, reception).await {
                tracing::debug!("A connection of a gateway has ended: {error:#}");
            }
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, reception: Arc<Reception>) -> Result<()> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await??;
    let proven = stream.get_ref().1.peer_certificates().and_then(|keys| keys.first());
    let visitor = Visitor::new(key::key_hash(proven.context("it has no key")?));
    let visitor = Arc::new(visitor);
    let service = service_fn(move |request| {
        let (reception, visitor) = (Arc::clone(&reception), Arc::clone(&visitor));
        async move { Ok::<_, std::convert::Infallible>(reception.answer(&visitor, request).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}
