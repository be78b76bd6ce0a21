//! Nothing that is not on the public internet can be reached, however it is spelled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gateway::policy::{Names, Policy, Ports, Rules, Transport};
use gateway::refusal::Refusal;
use gateway::target::{Host, Target};
use proptest::prelude::*;

use crate::spellings::{INNER_V4, INNER_V6, spellings, wrapped};

/// What the policy says to a spelling: where it would go, if anywhere.
fn reach(policy: &Policy, host: &str, port: u16) -> Result<SocketAddr, Refusal> {
    let target = Target::from_authority(format!("{host}:{port}").as_bytes(), None)?;
    match target.host() {
        Host::Address(address) => {
            policy.judge(SocketAddr::new(*address, target.port()), Transport::Tcp, None)
        }
        Host::Name(name) => {
            policy.judge_name(name)?;
            panic!("{host} would be asked of DNS as {name}")
        }
    }
}

#[test]
fn no_spelling_of_an_inner_address_is_let_through() {
    let policy = Policy::default();
    let mut tried = 0;
    for address in INNER_V4 {
        let address: Ipv4Addr = address.parse().unwrap();
        for host in spellings(address) {
            let found = reach(&policy, &host, 80);
            assert!(found.is_err(), "{host} reaches {found:?}");
            // Where nothing else follows a host, it may be written otherwise.
            if let Some(Host::Address(alone)) = Host::alone(host.as_bytes()) {
                let found = policy.judge(SocketAddr::new(alone, 80), Transport::Tcp, None);
                assert!(found.is_err(), "{host} reaches {found:?}");
            }
            tried += 1;
        }
    }
    assert!(tried > 1500, "{tried} spellings are too few");
}

#[test]
fn no_inner_address_is_let_through_in_any_wrapping() {
    let policy = Policy::default();
    let judge = |address: IpAddr| policy.judge(SocketAddr::new(address, 443), Transport::Tcp, None);
    for address in INNER_V4 {
        let address: Ipv4Addr = address.parse().unwrap();
        assert_eq!(judge(address.into()), Err(Refusal::DestinationNotAllowed), "{address}");
        for form in wrapped(address) {
            assert_eq!(judge(form.into()), Err(Refusal::DestinationNotAllowed), "{form}");
        }
    }
    for address in INNER_V6 {
        let address: Ipv6Addr = address.parse().unwrap();
        assert_eq!(judge(address.into()), Err(Refusal::DestinationNotAllowed), "{address}");
        assert!(reach(&policy, &format!("[{address}]"), 80).is_err(), "{address}");
    }
}

#[test]
fn the_public_internet_is_open() {
    let policy = Policy::default();
    let judge = |address: &str| {
        let to = SocketAddr::new(address.parse().unwrap(), 443);
        policy.judge(to, Transport::Tcp, None).map(|to| to.ip().to_string())
    };
    for address in [
        "1.0.0.0",
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.1.0",
        "192.31.196.1",
        "192.52.193.1",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:3::1",
        "2001:4:112::1",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2620:4f:8000::1",
        "2a00::1",
        "3ffe:ffff::1",
    ] {
        assert_eq!(judge(address).as_deref(), Ok(address));
    }
    // Wrapped, where a wrapping can be routed; a network with nothing but NAT64 is a network.
    assert_eq!(judge("::ffff:8.8.8.8").as_deref(), Ok("8.8.8.8"));
    for address in [
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
        "2606:4700::5efe:808:808",
    ] {
        assert_eq!(judge(address).as_deref(), Ok(address));
    }
}

#[test]
fn ports_are_judged_by_number() {
    let policy = Policy::default();
    for port in ["25", "22", "3306", "465", "587"] {
        let target = Target::from_authority(format!("8.8.8.8:{port}").as_bytes(), None).unwrap();
        let Host::Address(address) = *target.host() else { panic!() };
        let found = policy.judge(SocketAddr::new(address, target.port()), Transport::Tcp, None);
        assert_eq!(found, Err(Refusal::PortNotAllowed), "{port}");
    }
    // Numbers that are port 25 to a program that counts with 16 bits, or in other bases.
    for port in
        ["65561", "4294967321", "-65511", "025", "0x19", "+25", " 25", "25 ", "2\u{35}\u{0}"]
    {
        let target = Target::from_authority(format!("8.8.8.8:{port}").as_bytes(), None);
        assert_eq!(target, Err(Refusal::BadTarget), "{port:?}");
    }
}

#[test]
fn names_of_inner_networks_are_not_asked_for() {
    let policy = Policy::default();
    let judge = |name: &str| match Host::alone(name.as_bytes()) {
        Some(Host::Name(name)) => policy.judge_name(&name),
        other => panic!("{name} is {other:?}"),
    };
    for name in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "localhost.localdomain",
        "router",
        "db",
        "metadata",
        "metadata.google.internal",
        "instance-data.ec2.internal",
        "nas.local",
        "printer.lan",
        "x.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "x.test",
        "x.invalid",
        "x.onion",
        "kubernetes.default.svc.cluster.local",
    ] {
        assert_eq!(judge(name), Err(Refusal::DestinationNotAllowed), "{name}");
    }
    for name in [
        "example.com",
        "localhost.example.com",
        "notlocalhost.com",
        "internal.example",
        "xn--localhost-.example",
    ] {
        assert_eq!(judge(name), Ok(()), "{name}");
    }
}

fn prefixes(texts: &[&str]) -> Vec<gateway::ranges::Prefix> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn an_operator_opens_and_closes() {
    let policy = Policy::new(Rules {
        own: prefixes(&["203.0.114.0/24", "10.0.0.5"]),
        own_listeners: vec!["0.0.0.0:8080".parse().unwrap(), "127.0.0.9:9000".parse().unwrap()],
        deny: prefixes(&["10.9.0.0/16", "1.1.1.0/24", "2606:4700::/32"]),
        allow: prefixes(&["10.0.0.0/8", "127.0.0.0/8", "fd00:1::/32"]),
        deny_names: Names::new([".denied.example"]).unwrap(),
        allow_names: Names::new(["localhost", "shop.internal"]).unwrap(),
        tcp: Ports::standard_tcp().with(22..=22).without(8443..=8443),
        ..Rules::default()
    });
    let judge = |to: &str| policy.judge(to.parse().unwrap(), Transport::Tcp, None);
    for open in [
        "10.1.2.3:80",
        "127.0.0.1:80",
        "[fd00:1::1]:80",
        "8.8.8.8:22",
        "127.0.0.9:9001",
        "8.8.8.8:8080",
    ] {
        assert_eq!(judge(open), Ok(open.parse().unwrap()), "{open}");
    }
    for closed in [
        "203.0.114.7:80",
        "10.0.0.5:80",
        "10.9.1.1:80",
        "1.1.1.1:80",
        "192.168.0.1:80",
        "[2606:4700::1]:80",
        "127.0.0.1:8080",
        "10.1.2.3:8080",
        "127.0.0.9:9000",
        "[fd00:2::1]:80",
        "[::ffff:10.0.0.5]:80",
        "[::ffff:127.0.0.1]:8080",
        "[64:ff9b::203.0.114.7]:80",
        "[::1]:80",
        "[2002:a00:5::1]:80",
    ] {
        assert_eq!(judge(closed), Err(Refusal::DestinationNotAllowed), "{closed}");
    }
    assert_eq!(judge("8.8.8.8:8443"), Err(Refusal::PortNotAllowed));
    let name = |text: &str| match Host::alone(text.as_bytes()) {
        Some(Host::Name(name)) => policy.judge_name(&name),
        other => panic!("{other:?}"),
    };
    assert_eq!(name("localhost"), Ok(()));
    assert_eq!(name("shop.internal"), Ok(()));
    assert!(name("other.internal").is_err());
    assert!(name("a.denied.example").is_err());
}

#[test]
fn a_translator_near_by_opens_nothing_inside() {
    let closed = Policy::default();
    let policy = Policy::new(Rules {
        nat64: prefixes(&["2a00:64::/96", "2a00:65::/48"]),
        ..Rules::default()
    });
    for (to, open) in [
        ("[2a00:64::808:808]:80", true),
        ("[2a00:64::a00:1]:80", false),
        ("[2a00:64::7f00:1]:80", false),
        ("[2a00:65:0:808:8:800::]:80", true),
        ("[2a00:65:0:a00:0:100::]:80", false),
    ] {
        let to = to.parse().unwrap();
        assert!(closed.judge(to, Transport::Tcp, None).is_ok());
        assert_eq!(policy.judge(to, Transport::Tcp, None).is_ok(), open, "{to}");
    }
}

/// Whether an IPv4 address is public, told once more and differently.
fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || matches!((a, b, c), (0, ..) | (224.., ..) | (198, 18 | 19, _) | (192, 88, 99))
        || (a == 100 && b & 0xc0 == 64)
        || ((a, b, c) == (192, 0, 0) && d != 9 && d != 10)
        || address == Ipv4Addr::new(168, 63, 129, 16))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_ipv4_address_is_judged_alike_bare_and_wrapped(bits in any::<u32>()) {
        let policy = Policy::default();
        let address = Ipv4Addr::from_bits(bits);
        let open = |address: IpAddr| {
            policy.judge(SocketAddr::new(address, 80), Transport::Tcp, None).is_ok()
        };
        prop_assert_eq!(open(address.into()), is_public(address));
        for form in wrapped(address) {
            prop_assert!(!open(form.into()) || is_public(address), "{}", form);
        }
    }

    #[test]
    fn whatever_is_read_is_read_back_the_same(text in "[0-9a-fx.:\\[\\]%@-]{1,40}") {
        if let Ok(target) = Target::from_authority(text.as_bytes(), None) {
            let again = Target::from_authority(target.to_string().as_bytes(), None);
            prop_assert_eq!(again, Ok(target));
        }
    }

    /// What is taken for a name here must be one for the system's own reader of numbers too.
    #[test]
    fn no_name_is_a_number_to_anybody(text in "(0[xX])?[0-9a-fA-F]{0,11}(\\.(0[xX])?[0-9a-f]{0,4}){0,4}") {
        if let Some(Host::Name(name)) = Host::alone(text.as_bytes()) {
            let last = name.as_str().rsplit('.').next().unwrap();
            let digits = last.strip_prefix("0x").unwrap_or(last);
            let number = last.starts_with("0x") && digits.chars().all(|c| c.is_ascii_hexdigit())
                || last.chars().all(|c| c.is_ascii_digit());
            prop_assert!(!number, "{}", name);
        }
    }
}
