//! Listeners that were taken over.

use std::net::{SocketAddr, TcpListener};

use crate::problem::Problem;

/// Where HTTP is served: at the listener that was taken over, unless another address is meant.
pub(crate) fn listen(
    at: SocketAddr,
    taken: Option<TcpListener>,
) -> Result<tokio::net::TcpListener, Problem> {
    if let Some(taken) = taken
        && taken
            .local_addr()
            .is_ok_and(|own| own.ip() == at.ip() && [0, own.port()].contains(&at.port()))
    {
        taken.set_nonblocking(true)?;
        return Ok(tokio::net::TcpListener::from_std(taken)?);
    }
    Ok(::serve::bind(at).map_err(anyhow::Error::from)?)
}
