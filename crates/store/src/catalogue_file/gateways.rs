//! Gateways.

use domain::catalogue::Gateway;
use domain::product::is_tag;
use toml::Spanned;

use super::place::{Fault, Read};
use super::raw;

/// The gateway `name`.
pub(super) fn gateway(name: &raw::Text, raw: &raw::Gateway) -> Read<Gateway> {
    let tag = name.get_ref();
    if !is_tag(tag) {
        let says = format!("gateway {tag:?}: a name is 1 to 32 of a-z, 0-9, - and _");
        return Err(Fault::at(name, says));
    }
    let host = raw.host.get_ref();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) {
        let says = format!("gateway {tag}: {host:?} is no host name or address");
        return Err(Fault::at(&raw.host, says));
    }
    let (http_port, socks_port) = (*raw.http_port.get_ref(), *raw.socks_port.get_ref());
    port(tag, "http_port", &raw.http_port)?;
    port(tag, "socks_port", &raw.socks_port)?;
    if http_port == socks_port {
        let says = format!("gateway {tag}: http_port and socks_port are both {http_port}");
        return Err(Fault::at(&raw.socks_port, says));
    }
    let https_port = raw.https_port.as_ref().map(|port| *port.get_ref());
    if let (Some(own), Some(place)) = (https_port, &raw.https_port) {
        port(tag, "https_port", place)?;
        for (what, other) in [("http_port", http_port), ("socks_port", socks_port)] {
            if own == other {
                let says = format!("gateway {tag}: {what} and https_port are both {own}");
                return Err(Fault::at(place, says));
            }
        }
    }
    let shared_ports = *raw.shared_ports.get_ref();
    let (first, last) = shared_ports;
    if first == 0 || last <= first {
        let says = format!(
            "gateway {tag}: shared_ports are the first and the last of a range of at least two, \
             not [{first}, {last}]"
        );
        return Err(Fault::at(&raw.shared_ports, says));
    }
    let ports = [("http_port", http_port), ("socks_port", socks_port)];
    for (what, own) in ports.into_iter().chain(https_port.map(|port| ("https_port", port))) {
        if (first..=last).contains(&own) {
            let says = format!("gateway {tag}: {what} {own} lies within shared_ports");
            return Err(Fault::at(&raw.shared_ports, says));
        }
    }
    let (name, host) = (tag.clone(), host.clone());
    Ok(Gateway { name, host, http_port, socks_port, https_port, shared_ports })
}

fn port(tag: &str, what: &str, port: &Spanned<u16>) -> Read<()> {
    if *port.get_ref() == 0 {
        return Err(Fault::at(port, format!("gateway {tag}: {what} cannot be 0")));
    }
    Ok(())
}
