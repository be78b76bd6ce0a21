//! A lease of the books as a gateway knows it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use domain::access::Access;
use domain::catalogue::Catalogue;
use domain::ids::LeaseId;
use domain::modem::ModemExit;
use domain::order::Protocol;
use domain::ports::PortRange;
use domain::served::Served;
use feed::lease::{self, Exit, Lease, Limits, Login, PortRules, Source};
use feed::stream::{Entry, Port, Speaks};

/// The id of a lease at gateways.
pub(super) fn id(lease: LeaseId) -> u64 {
    u64::try_from(lease.0).expect("ids begin with 1")
}

/// The lease as a gateway knows it, with the ports that it has for itself; nothing as with
/// [`lease`].
pub(super) fn entry(served: &Served, catalogue: &Catalogue) -> Option<Entry> {
    let lease = lease(served, catalogue)?;
    let own = served.kind.shares_host().then(|| ports(served, catalogue));
    let own = own.into_iter().flatten();
    Some(Entry { lease, ports: own.map(|(port, speaks)| Port { port, speaks }).collect() })
}

/// The lease as a gateway knows it; nothing if its gateway is in the catalogue no more, or if its
/// customer lets nobody use it.
fn lease(served: &Served, catalogue: &Catalogue) -> Option<Lease> {
    if served.access.is_empty() || !catalogue.gateways.contains_key(&*served.gateway) {
        return None;
    }
    // A host that is shared may have any address here, or one that is translated on the way.
    let shared = served.kind.shares_host();
    let ip = if shared { Ipv4Addr::UNSPECIFIED.into() } else { served.ip };
    let mut access = lease::Access::default();
    for way in served.access.iter() {
        match way {
            Access::Login(pair) => access
                .logins
                .push(Login { login: pair.login.clone(), password: pair.password.clone() }),
            Access::SourceIp(ip) => {
                access.sources.push(Source { ip: *ip, bits: whole(*ip) });
            }
        }
    }
    let usual = catalogue.limits(&served.product);
    Some(Lease {
        id: id(served.lease),
        entries: ports(served, catalogue).map(|(port, _)| SocketAddr::new(ip, port)).collect(),
        access,
        exit: exit(served, catalogue),
        exits: served.modem.as_ref().map_or(0, |modem| modem.exits),
        dialing: served.modem.as_ref().is_some_and(|modem| modem.dialing),
        ends_at: served.ends_at.millis(),
        suspended: served.suspended,
        limits: limits(usual.except(served.exception.as_deref().copied().unwrap_or_default())),
        ports: catalogue.ports(&served.product).and_then(port_rules),
    })
}

/// Where the traffic of a lease leaves from.
fn exit(served: &Served, catalogue: &Catalogue) -> Exit {
    let Some(through) = &served.modem else { return Exit::Address(served.ip) };
    match catalogue.modems.get(&through.name).map(|modem| &modem.exit) {
        Some(ModemExit::Interface(name)) => Exit::Interface(name.clone()),
        Some(ModemExit::Source(ip)) => Exit::Address(*ip),
        Some(ModemExit::Told) | None => Exit::Address(through.exit.unwrap_or(served.ip)),
    }
}

/// The ports at which a lease is reached, and what is spoken there.
fn ports(served: &Served, catalogue: &Catalogue) -> impl Iterator<Item = (u16, Speaks)> + use<> {
    let ports = served.ports(catalogue);
    let http = (ports.http, Speaks::Http);
    let socks = (ports.socks, Speaks::Socks5);
    // At a shared host, TLS is spoken at the port for HTTP.
    let https = ports.https.filter(|port| *port != ports.http).map(|port| (port, Speaks::Tls));
    let (http, https, socks) = match served.protocol {
        None => (Some(http), https, Some(socks)),
        Some(Protocol::Http) => (Some(http), https, None),
        Some(Protocol::Socks) => (None, None, Some(socks)),
    };
    http.into_iter().chain(https).chain(socks)
}

/// How much a lease may use, as a gateway knows it.
fn limits(limits: domain::limits::Limits) -> Limits {
    Limits {
        flows: limits.connections,
        flows_per_second: limits.new_connections_per_second,
        bytes_per_second: limits.bytes_per_second,
        udp: limits.udp,
    }
}

/// Which ports a lease may connect to, as a gateway knows it.
fn port_rules(rules: &domain::ports::PortRules) -> Option<Box<PortRules>> {
    let told =
        |ranges: &[PortRange]| ranges.iter().map(|range| (range.first(), range.last())).collect();
    let said = || PortRules { allow: told(&rules.allow), deny: told(&rules.deny) };
    (!rules.is_empty()).then(|| Box::new(said()))
}

/// How many bits an address has.
fn whole(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::access;
    use domain::catalogue::Gateway;
    use domain::country::Country;
    use domain::ids::{CustomerId, OrderId};
    use domain::kind::ProxyKind;
    use domain::modem::{Driver, Modem, Simulated};
    use domain::product::ProductKey;
    use domain::served::Through;
    use domain::time::{Span, Time};

    use super::*;

    fn catalogue() -> Catalogue {
        let gateway = Gateway {
            name: "main".into(),
            host: "proxies.example".into(),
            http_port: 8081,
            socks_port: 8082,
            https_port: None,
            shared_ports: (20_000, 29_999),
        };
        Catalogue { gateways: [("main".to_owned(), gateway)].into(), ..Catalogue::default() }
    }

    fn served(kind: ProxyKind) -> Served {
        let login = access::Login { login: "ann".into(), password: "secret".into() };
        let source = "2001:db8::1".parse().unwrap();
        Served {
            lease: LeaseId(7),
            order: OrderId(1),
            customer: CustomerId(1),
            suspended: true,
            kind,
            product: Arc::new(ProductKey {
                kind,
                country: Country::from_alpha3("USA").unwrap(),
                operator: None,
                package: None,
            }),
            protocol: None,
            ip: "192.0.2.1".parse().unwrap(),
            modem: None,
            gateway: "main".into(),
            port: 20_004,
            ends_at: Time::from_millis(1_000),
            access: Arc::new([Access::Login(login), Access::SourceIp(source)]),
            exception: None,
        }
    }

    #[test]
    fn a_lease_is_reached_at_its_own_address_or_at_ports_of_its_own() {
        let check = |served: &Served, expected: &[&str]| {
            let lease = lease(served, &catalogue()).unwrap();
            let expected: Vec<SocketAddr> =
                expected.iter().map(|entry| entry.parse().unwrap()).collect();
            assert_eq!(lease.entries, expected);
            assert_eq!(lease.exit, Exit::Address(served.ip));
        };
        check(&served(ProxyKind::Ipv4), &["192.0.2.1:8081", "192.0.2.1:8082"]);
        check(&served(ProxyKind::Isp), &["192.0.2.1:8081", "192.0.2.1:8082"]);
        check(&served(ProxyKind::Mobile), &["0.0.0.0:20004", "0.0.0.0:20005"]);
        let only = |protocol| Served { protocol: Some(protocol), ..served(ProxyKind::Ipv6) };
        check(&only(Protocol::Http), &["0.0.0.0:20004"]);
        check(&only(Protocol::Socks), &["0.0.0.0:20005"]);
    }

    #[test]
    fn behind_a_modem_it_leaves_from_where_the_catalogue_says() {
        let told = "127.0.0.3".parse().unwrap();
        let through = Through { name: "m1".into(), exit: Some(told), exits: 2, dialing: true };
        let through = |exit| Some(Box::new(Through { exit, ..through.clone() }));
        let behind = |exit| Served { modem: through(exit), ..served(ProxyKind::Mobile) };
        let check = |exit: ModemExit, served: &Served, expected: Exit| {
            let simulated = Simulated { exits: vec![told], takes: Span::ZERO, fails_every: 0 };
            let modem = Modem {
                name: "m1".into(),
                gateway: "main".into(),
                exit,
                interval: Span::from_seconds(60),
                deadline: Span::from_seconds(60),
                driver: Driver::Simulator(simulated),
            };
            let modems = [("m1".to_owned(), modem)].into();
            let lease = lease(served, &Catalogue { modems, ..catalogue() }).unwrap();
            assert_eq!(lease.exit, expected);
            assert_eq!((lease.exits, lease.dialing), (2, true));
        };
        check(ModemExit::Told, &behind(Some(told)), Exit::Address(told));
        check(ModemExit::Told, &behind(None), Exit::Address(served(ProxyKind::Mobile).ip));
        let wwan = ModemExit::Interface("wwan0".into());
        check(wwan, &behind(Some(told)), Exit::Interface("wwan0".into()));
        let source = "192.168.8.100".parse().unwrap();
        check(ModemExit::Source(source), &behind(Some(told)), Exit::Address(source));
    }

    #[test]
    fn everything_that_counts_is_passed_on() {
        let lease = lease(&served(ProxyKind::Ipv4), &catalogue()).unwrap();
        let login = Login { login: "ann".into(), password: "secret".into() };
        let source = Source { ip: "2001:db8::1".parse().unwrap(), bits: 128 };
        assert_eq!((lease.access.logins, lease.access.sources), (vec![login], vec![source]));
        assert_eq!((lease.id, lease.ends_at, lease.suspended), (7, 1_000, true));
    }

    #[test]
    fn what_nobody_may_use_is_not_served() {
        let nobody = Served { access: Arc::default(), ..served(ProxyKind::Ipv4) };
        assert_eq!(lease(&nobody, &catalogue()), None);
        let elsewhere = Served { gateway: "other".into(), ..served(ProxyKind::Ipv4) };
        assert_eq!(lease(&elsewhere, &catalogue()), None);
    }
}
