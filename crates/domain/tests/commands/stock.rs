//! What orders take from stock.

use std::sync::Arc;

use domain::command::{Command, Decision, Wish};
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use domain::world::World;

use crate::shop::{BOB, catalogue, day, gateway, loaded, order};

fn ordered(world: &mut World, kind: ProxyKind, quantity: u32) -> Decision {
    world.decide(&Command::plain(Wish::Order(Box::new(order(BOB, kind, quantity)))), day(1))
}

/// Of the nine IPv6 addresses, five are there and four would have to be drawn, with two ports each.
#[test]
fn the_last_port_there_is_can_be_let_and_no_more() {
    for (first, last, drawn) in [(65_534, 65_535, 1), (65_533, 65_535, 1), (65_532, 65_535, 2)] {
        let mut catalogue = catalogue();
        catalogue.gateways.insert("main".into(), gateway((first, last)));
        let mut loaded = loaded();
        loaded.catalogue = Arc::new(catalogue);
        let mut world = World::new(loaded);
        let refused = ordered(&mut world, ProxyKind::Ipv6, 5 + drawn + 1);
        assert_eq!(refused.result, Err(Refusal::OutOfStock));
        assert!(ordered(&mut world, ProxyKind::Ipv6, 5 + drawn).result.is_ok());
        assert_eq!(ordered(&mut world, ProxyKind::Ipv6, 1).result, Err(Refusal::OutOfStock));
        let changes = world.into_changes();
        let ports: Vec<u16> = changes.addresses_new.iter().map(|address| address.port).collect();
        assert_eq!(ports.len(), usize::try_from(drawn).unwrap());
        assert!(ports.iter().all(|port| (first..last).contains(port)), "{ports:?}");
    }
}

#[test]
fn nothing_is_let_twice_and_the_last_address_can_be_had() {
    let mut world = World::new(loaded());
    assert!(ordered(&mut world, ProxyKind::Ipv4, 3).result.is_ok());
    assert_eq!(ordered(&mut world, ProxyKind::Ipv4, 3).result, Err(Refusal::OutOfStock));
    assert!(ordered(&mut world, ProxyKind::Ipv4, 2).result.is_ok());
    assert_eq!(ordered(&mut world, ProxyKind::Ipv4, 1).result, Err(Refusal::OutOfStock));
    assert_eq!(world.into_changes().addresses_taken.len(), 5);
}
