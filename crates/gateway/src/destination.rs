//! From what a client asks for to a connection: judged, resolved, judged again, dialled.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::admit::Grant;
use crate::egress;
use crate::policy::Transport;
use crate::refusal::Refusal;
use crate::target::{Host, Target};
use crate::worker::Worker;

/// Connects to `target` from the exit of `grant`.
pub(crate) async fn reach(
    worker: &Worker,
    grant: &Grant,
    target: &Target,
) -> Result<TcpStream, Refusal> {
    match target.host() {
        Host::Address(ip) => {
            let to = SocketAddr::new(*ip, target.port());
            let judged = worker.shared.policy.load().judge(to, Transport::Tcp)?;
            egress::dial(grant, judged, worker.shared.settings.binding).await
        }
        // In memory of its own, which a tunnel does not keep.
        Host::Name(_) => Box::pin(reach_name(worker, grant, target)).await,
    }
}

async fn reach_name(worker: &Worker, grant: &Grant, target: &Target) -> Result<TcpStream, Refusal> {
    let (family, policy) = (egress::family(grant), worker.shared.policy.load_full());
    let found = worker.resolver.resolve(target, family, &policy, Transport::Tcp).await?;
    let mut refusal = Refusal::NameUnknown;
    for address in found.iter() {
        match egress::dial(grant, address, worker.shared.settings.binding).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}
