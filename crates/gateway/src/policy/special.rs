//! What is not on the public internet, from the registries of special-purpose addresses.

use std::sync::LazyLock;

use crate::ranges::RangeSet;

/// Everything that nobody may go to unless the operator says so: what the registries do not call
/// globally reachable, what is not assigned for use at all, and a cloud's own service address.
///
/// Addresses that carry an IPv4 address (6to4, Teredo, NAT64) are open here and judged by what
/// they carry.
pub(super) static CLOSED: LazyLock<RangeSet> = LazyLock::new(|| {
    let set = |texts: &[&str]| RangeSet::new(texts.iter().filter_map(|text| text.parse().ok()));
    set(CLOSED_TEXT).without(&set(OPEN_TEXT))
});

const CLOSED_TEXT: &[&str] = &[
    "0.0.0.0/8",        // "This network"; many stacks take it for this host.
    "10.0.0.0/8",       // Private use.
    "100.64.0.0/10",    // Shared by a carrier; also the metadata address of Alibaba Cloud.
    "127.0.0.0/8",      // Loopback.
    "168.63.129.16/32", // The platform service of Azure: a public number with a private door.
    "169.254.0.0/16",   // Link-local, and the metadata address of most clouds.
    "172.16.0.0/12",    // Private use.
    "192.0.0.0/24",     // Protocol assignments; also the metadata address of Oracle Cloud.
    "192.0.2.0/24",     // Documentation.
    "192.88.99.0/24",   // Relays of 6to4, withdrawn.
    "192.168.0.0/16",   // Private use.
    "198.18.0.0/15",    // Benchmarks.
    "198.51.100.0/24",  // Documentation.
    "203.0.113.0/24",   // Documentation.
    "224.0.0.0/4",      // Multicast.
    "240.0.0.0/4",      // Reserved, and broadcast.
    "::/3",             // Loopback, unspecified, all forms of embedding, discard, reserved.
    "4000::/2",         // Unassigned, with 5f00::/16 for segment routing.
    "8000::/1",         // Unassigned, private, link-local, site-local, multicast.
    "2001::/23",        // Protocol assignments.
    "2001:db8::/32",    // Documentation.
    "3fff::/20",        // Documentation.
];

const OPEN_TEXT: &[&str] = &[
    "192.0.0.9/32",    // Anycast of the port control protocol.
    "192.0.0.10/32",   // Anycast of TURN.
    "64:ff9b::/96",    // NAT64: judged by what it carries.
    "2001::/32",       // Teredo: judged by what it carries.
    "2001:1::1/128",   // Anycast of the port control protocol.
    "2001:1::2/128",   // Anycast of TURN.
    "2001:1::3/128",   // Anycast of service registration.
    "2001:3::/32",     // Automatic multicast tunnelling.
    "2001:4:112::/48", // The sink of reverse DNS.
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::Prefix;

    #[test]
    fn every_line_is_a_prefix() {
        for text in CLOSED_TEXT.iter().chain(OPEN_TEXT) {
            text.parse::<Prefix>().unwrap();
        }
    }
}
