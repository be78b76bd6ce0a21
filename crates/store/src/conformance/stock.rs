//! Addresses are let to the last one, and each to one customer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use domain::kind::ProxyKind;
use domain::network::Network;
use domain::refusal::Refusal;
use domain::stock::rank;
use domain::time::Span;

use super::Make;
use super::shop::{IntoCommand, Shop, address, exit, order, product};
use crate::records::{NewAddress, Stocked};

/// What is there already is passed over; what there is, is counted by pool and gateway.
pub fn stock_is_added_once_and_counted(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let kind = ProxyKind::Ipv4;
    let one = |number, gateway| address(&product(kind), exit(kind, number), 0, gateway);
    let first = [one(1, "main"), one(2, "main"), one(1, "main")];
    let stocked = shop.store.add_addresses(&first, shop.now).unwrap();
    assert_eq!(stocked, Stocked { added: 2, known: 1 });
    let second = [one(2, "narrow"), one(3, "narrow")];
    let stocked = shop.store.add_addresses(&second, shop.now).unwrap();
    assert_eq!(stocked, Stocked { added: 1, known: 1 });
    assert_eq!(shop.store.add_addresses(&[], shop.now).unwrap(), Stocked::default());
    assert!(shop.prefix("2001:db8:7::", 120, "main"));
    assert!(!shop.prefix("2001:db8:7::", 120, "main"));
    let mut lines = shop.store.stock(shop.now).unwrap();
    lines.sort_by(|one, two| (&one.pool, &one.gateway).cmp(&(&two.pool, &two.gateway)));
    let counts: Vec<_> = lines
        .iter()
        .map(|line| (line.pool.kind, line.gateway.as_str(), line.free, line.undrawn))
        .collect();
    assert_eq!(
        counts,
        [(kind, "main", 2, 0), (kind, "narrow", 1, 0), (ProxyKind::Ipv6, "main", 0, 256)]
    );
}

/// An order gets all it asks for or nothing, down to the last address; pools are kept apart.
pub fn stock_is_let_to_the_last_address(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let kind = ProxyKind::Ipv4;
    shop.stock(kind, 5);
    shop.stock(ProxyKind::Isp, 1);
    let wish = |quantity| order(ann, kind, quantity).into_command();
    assert_eq!(shop.refused(wish(6)), Refusal::OutOfStock);
    let mut seen: BTreeSet<_> = shop.ordered(ann, kind, 3).iter().map(|it| it.address).collect();
    assert_eq!(shop.refused(wish(3)), Refusal::OutOfStock);
    seen.extend(shop.ordered(ann, kind, 2).iter().map(|it| it.address));
    assert_eq!(seen.len(), 5);
    assert_eq!(shop.refused(wish(1)), Refusal::OutOfStock);
    assert_eq!(shop.stocked(kind), (0, 5, 0, 0));
    assert_eq!(shop.ordered(ann, ProxyKind::Isp, 1).len(), 1);
    let ips: BTreeSet<IpAddr> = shop.live(ann).iter().map(|proxy| proxy.ip).collect();
    assert_eq!(ips.len(), 6);
    shop.audit();
}

/// Three of six addresses in three networks are one of each; addresses are let by rank.
pub fn an_order_is_spread_over_networks(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let pool = product(ProxyKind::Ipv4);
    let exits: Vec<IpAddr> = ["192.0.2", "198.51.100", "203.0.113"]
        .iter()
        .flat_map(|network| [1, 2].map(|last| format!("{network}.{last}").parse().unwrap()))
        .collect();
    let new: Vec<NewAddress> = exits.iter().map(|ip| address(&pool, *ip, 0, "main")).collect();
    shop.store.add_addresses(&new, shop.now).unwrap();
    shop.ordered(ann, ProxyKind::Ipv4, 3);
    let got: Vec<IpAddr> = shop.live(ann).iter().map(|proxy| proxy.ip).collect();
    let mut expected: Vec<IpAddr> = exits.into_iter().step_by(2).collect();
    expected.sort_by_key(|ip| rank(*ip, 0));
    assert_eq!(got, expected);
}

/// Each address of a prefix is drawn once; what comes back is let again.
pub fn a_prefix_is_drawn_to_its_last_address(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let kind = ProxyKind::Ipv6;
    assert!(shop.prefix("2001:db8::10", 126, "main"));
    assert!(shop.prefix("2001:db8::20", 127, "main"));
    assert_eq!(shop.stocked(kind), (0, 0, 0, 6));
    let wish = |quantity| order(ann, kind, quantity).into_command();
    assert_eq!(shop.refused(wish(7)), Refusal::OutOfStock);
    shop.ordered(ann, kind, 1);
    assert_eq!(shop.stocked(kind), (0, 1, 0, 5));
    shop.ordered(ann, kind, 4);
    shop.ordered(ann, kind, 1);
    assert_eq!(shop.refused(wish(1)), Refusal::OutOfStock);
    let exits = |shop: &Shop| -> BTreeSet<(IpAddr, u16)> {
        shop.live(ann).iter().map(|proxy| (proxy.ip, proxy.port)).collect()
    };
    let first = exits(&shop);
    assert_eq!(first.len(), 6);
    let networks = ["2001:db8::10/126", "2001:db8::20/127"].map(|it| Network::parse(it).unwrap());
    for (ip, _) in &first {
        assert!(networks.iter().any(|network| network.contains(*ip)), "{ip}");
    }
    shop.wait(Span::from_days(33));
    shop.sweep();
    assert_eq!(shop.refused(wish(1)), Refusal::OutOfStock, "they rest");
    shop.wait(Span::from_days(2));
    assert_eq!(shop.stocked(kind), (6, 0, 0, 0));
    assert_eq!(shop.refused(wish(7)), Refusal::OutOfStock);
    shop.ordered(ann, kind, 6);
    assert_eq!(exits(&shop), first, "addresses keep their ports");
    shop.audit();
}

/// A gateway with four pairs of ports serves four leases, whatever its prefix has, the last port
/// there is among them.
pub fn ports_are_given_to_the_last_pair(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let kind = ProxyKind::Ipv6;
    assert!(shop.prefix("2001:db8::", 64, "narrow"));
    let wish = |quantity| order(ann, kind, quantity).into_command();
    assert_eq!(shop.refused(wish(5)), Refusal::OutOfStock);
    shop.ordered(ann, kind, 3);
    assert_eq!(shop.refused(wish(2)), Refusal::OutOfStock);
    shop.ordered(ann, kind, 1);
    assert_eq!(shop.refused(wish(1)), Refusal::OutOfStock);
    let ports: Vec<u16> = shop.live(ann).iter().map(|proxy| proxy.port).collect();
    assert_eq!(ports, [65_528, 65_530, 65_532, 65_534]);
    // Another gateway has more.
    assert!(shop.prefix("2001:db8:1::", 64, "main"));
    shop.ordered(ann, kind, 1);
    assert_eq!(shop.live(ann).last().unwrap().port, 20_000);
    shop.audit();
}

/// The slots of a modem share its exit, each with ports of its own.
pub fn a_modem_is_let_slot_by_slot(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let kind = ProxyKind::Mobile;
    let pool = product(kind);
    let slots: Vec<NewAddress> =
        (0..3).map(|slot| address(&pool, exit(kind, 1), slot, "main")).collect();
    let stocked = shop.store.add_addresses(&slots, shop.now).unwrap();
    assert_eq!(stocked, Stocked { added: 3, known: 0 });
    let stocked = shop.store.add_addresses(&slots[1..], shop.now).unwrap();
    assert_eq!(stocked, Stocked { added: 0, known: 2 });
    shop.ordered(ann, kind, 2);
    shop.ordered(ann, kind, 1);
    assert_eq!(shop.refused(order(ann, kind, 1).into_command()), Refusal::OutOfStock);
    let live = shop.live(ann);
    assert!(live.iter().all(|proxy| proxy.ip == exit(kind, 1)));
    let ports: BTreeSet<u16> = live.iter().map(|proxy| proxy.port).collect();
    assert_eq!(ports.len(), 3);
    shop.audit();
}
