//! The ports of the demo's proxies.

use std::net::{SocketAddr, TcpListener};

use gateway::host;

/// The ports of the sample catalogue, as they stand in it.
const USUAL: [(&str, u16); 2] = [("http_port", 8081), ("socks_port", 8082)];

/// The catalogue with other ports where somebody else listens at those that stand in it.
pub(super) fn free(catalogue: &str) -> String {
    let mut catalogue = catalogue.to_owned();
    for (name, port) in USUAL {
        let Err(_) = TcpListener::bind(SocketAddr::new(host::everywhere(), port)) else { continue };
        let any = TcpListener::bind(SocketAddr::new(host::everywhere(), 0));
        let Ok(other) = any.and_then(|listener| listener.local_addr()) else { continue };
        let (from, to) = (format!("{name} = {port}\n"), format!("{name} = {}\n", other.port()));
        catalogue = catalogue.replacen(&from, &to, 1);
    }
    catalogue
}
