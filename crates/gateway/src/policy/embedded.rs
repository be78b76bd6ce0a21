//! IPv4 addresses inside IPv6 addresses: where a packet may really end.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ranges::Prefix;

/// Whether `test` holds for an IPv4 address that this IPv6 address carries.
///
/// Unwraps every form that a router or a stack somewhere unwraps. `nat64` are the prefixes of
/// translators near this gateway, besides the well-known one.
pub(super) fn carries(
    address: Ipv6Addr,
    nat64: &[Prefix],
    test: impl Fn(Ipv4Addr) -> bool,
) -> bool {
    let bits = address.to_bits();
    let [first, second, third, ..] = address.segments();
    let low = |bits: u128| test(Ipv4Addr::from_bits(bits as u32));

    // ::a.b.c.d (compatible), ::ffff:a.b.c.d (mapped), ::ffff:0:a.b.c.d (translated). The
    // unspecified address and loopback are what they are, and carry nothing (RFC 4291, 2.5.5.1).
    let ipv4_of_a_stack =
        bits > 1 && bits >> 64 == 0 && matches!((bits >> 32) as u32, 0 | 0xffff | 0xffff_0000);
    // The well-known prefix of NAT64 and the one for local use. A translator may have cut any
    // longer prefix out of the latter; the usual one leaves the address at the end.
    let well_known = first == 0x64 && second == 0xff9b && (bits << 32 >> 64 == 0 || third == 1);
    // ISATAP, whatever the prefix: 0:5efe or 200:5efe before the address.
    let isatap = matches!((bits >> 32) as u32, 0x0000_5efe | 0x0200_5efe);
    let six_to_four = first == 0x2002;
    let teredo = first == 0x2001 && second == 0;

    (ipv4_of_a_stack || well_known || isatap) && low(bits)
        || six_to_four && low(bits >> 80)
        || teredo && (low(bits >> 64) || low(!bits))
        || nat64
            .iter()
            .any(|prefix| prefix.contains(address.into()) && low(translated(bits, prefix.length())))
}

/// Where RFC 6052 puts the address behind a prefix of this length: bits 64 to 71 stay empty.
fn translated(bits: u128, length: u8) -> u128 {
    let before = |end: u32| bits >> (128 - end);
    match length {
        32 => before(64),
        40 => before(64) << 8 & 0xffff_ff00 | before(80) & 0xff,
        48 => before(64) << 16 & 0xffff_0000 | before(88) & 0xffff,
        56 => before(64) << 24 & 0xff00_0000 | before(96) & 0xff_ffff,
        64 => before(104),
        _ => bits,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[track_caller]
    fn check(address: &str, nat64: &[&str], expected: &[&str]) {
        let nat64: Vec<Prefix> = nat64.iter().map(|text| text.parse().unwrap()).collect();
        let found = RefCell::new(Vec::new());
        carries(address.parse().unwrap(), &nat64, |address| {
            found.borrow_mut().push(address.to_string());
            false
        });
        assert_eq!(found.into_inner(), expected);
    }

    #[test]
    fn every_wrapping_is_opened() {
        check("::10.1.2.3", &[], &["10.1.2.3"]);
        check("::2", &[], &["0.0.0.2"]);
        check("::1", &[], &[]);
        check("::", &[], &[]);
        check("::ffff:10.1.2.3", &[], &["10.1.2.3"]);
        check("::ffff:0:10.1.2.3", &[], &["10.1.2.3"]);
        check("64:ff9b::10.1.2.3", &[], &["10.1.2.3"]);
        check("64:ff9b:1::10.1.2.3", &[], &["10.1.2.3"]);
        check("64:ff9b:1:7:8:9:10.1.2.3", &[], &["10.1.2.3"]);
        check("2002:a01:203::1", &[], &["10.1.2.3"]);
        check("2001:0:a01:203:8000:63bf:f5fe:fdfc", &[], &["10.1.2.3", "10.1.2.3"]);
        check("2606:4700::5efe:10.1.2.3", &[], &["10.1.2.3"]);
        check("2606:4700::200:5efe:10.1.2.3", &[], &["10.1.2.3"]);
        check("2606:4700::1", &[], &[]);
        check("64:ff9b:2::10.1.2.3", &[], &[]);
        check("2001:1:a01:203::1", &[], &[]);
    }

    #[test]
    fn prefixes_of_a_translator_are_opened_where_the_standard_puts_the_address() {
        // The examples of RFC 6052, section 2.4.
        for (prefix, address) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ] {
            check(address, &[prefix], &["192.0.2.33"]);
        }
    }
}
