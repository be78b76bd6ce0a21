//! From what a client asks for to a connection: judged, resolved, judged again, dialled.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::admit::Grant;
use crate::egress;
use crate::policy::Transport;
use crate::refusal::Refusal;
use crate::resolve::Judge;
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
            let ports = grant.ports();
            let policy = worker.shared.policy.load();
            let judged = policy.judge(to, Transport::Tcp, ports.as_deref())?;
            drop(policy);
            egress::dial(grant, judged, worker.shared.settings.binding).await
        }
        // In memory of its own, which a tunnel does not keep.
        Host::Name(_) => Box::pin(reach_name(worker, grant, target)).await,
    }
}

async fn reach_name(worker: &Worker, grant: &Grant, target: &Target) -> Result<TcpStream, Refusal> {
    let (family, policy) = (egress::family(grant), worker.shared.policy.load_full());
    let ports = grant.ports();
    let judge = Judge { policy: &policy, transport: Transport::Tcp, ports: ports.as_deref() };
    let found = worker.resolver.resolve(target, family, judge).await?;
    let mut refusal = Refusal::NameUnknown;
    for address in found.iter() {
        match egress::dial(grant, address, worker.shared.settings.binding).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}
