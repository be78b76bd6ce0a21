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
    let policy = &worker.shared.policy;
    match target.host() {
        Host::Address(ip) => {
            let judged = policy.judge(SocketAddr::new(*ip, target.port()), Transport::Tcp)?;
            egress::dial(grant, judged).await
        }
        Host::Name(name) => {
            policy.judge_port(target.port(), Transport::Tcp)?;
            policy.judge_name(name)?;
            Err(Refusal::NameUnknown)
        }
    }
}
