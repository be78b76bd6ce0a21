//! Who is calling, where a header says so.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::header::AUTHORIZATION;
use axum::http::{Extensions, HeaderMap};
use serve::Peer;

use crate::target::Key;

/// The address that calls. Where nobody has said, one that no network has.
pub(crate) fn address(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<Peer>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.ip())
}

/// The secret behind `Authorization: Bearer`; the empty one if there is none or more than one.
pub(crate) fn bearer(headers: &HeaderMap) -> Key<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let text =
        values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none());
    let secret = text.and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    Key::from(secret.unwrap_or(""))
}
