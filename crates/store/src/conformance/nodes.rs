//! Gateways on other hosts.

use domain::time::Span;

use super::Make;
use super::shop::Shop;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode};

const SECOND: Span = Span::from_millis_const(1_000);

/// What gateways know a shop by stays what it was first; each enrols once, with one key.
pub fn gateways_elsewhere_enrol_once_and_are_removed(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (store, now) = (&shop.store, shop.now);
    let identity = |key: &str| GatewayIdentity { key: key.into(), epoch: format!("of {key}") };
    assert_eq!(store.gateway_identity(&identity("one")).unwrap(), identity("one"));
    assert_eq!(store.gateway_identity(&identity("two")).unwrap(), identity("one"));
    store.set_gateway_epoch("later").unwrap();
    let later = store.gateway_identity(&identity("two")).unwrap();
    assert_eq!((later.key.as_str(), later.epoch.as_str()), ("one", "later"));

    let new = |name: &str, token| NewNode {
        name: name.into(),
        gateways: vec!["main".into(), "its \"other\" name".into()],
        token_hash: [token; 32],
        token_until: now + Span::HOUR,
    };
    let id = store.add_node(&new("rotterdam", 1), now).unwrap().unwrap();
    assert_eq!(store.add_node(&new("rotterdam", 2), now).unwrap(), None);
    let other = store.add_node(&new("paris", 3), now).unwrap().unwrap();
    let enrol = |token, key, at| store.enrol_node(&[token; 32], &[key; 32], at).unwrap();
    assert_eq!(enrol(9, 1, now), Enrolled::Unknown);
    assert_eq!(enrol(3, 5, now + Span::HOUR), Enrolled::Late);
    let Enrolled::Done(node) = enrol(1, 7, now + SECOND) else { panic!("not enrolled") };
    assert_eq!((node.id, node.gateways, node.created_at), (id, new("", 0).gateways, now));
    assert_eq!(node.enrolled_at, Some(now + SECOND));
    assert_eq!(enrol(1, 8, now + SECOND), Enrolled::Used);
    // Its answer may have been lost, and the token's time be over by now.
    assert!(matches!(enrol(1, 7, now + Span::DAY), Enrolled::Done(_)));

    store.note_node(id, "{\"leases\":3}", now + Span::DAY).unwrap();
    let seen = store.node_by_key(&[7; 32]).unwrap().unwrap();
    assert_eq!(seen.report.as_deref(), Some("{\"leases\":3}"));
    assert_eq!((seen.seen_at, seen.removed_at), (Some(now + Span::DAY), None));
    assert_eq!(store.node_by_key(&[5; 32]).unwrap(), None);

    assert!(store.remove_node("rotterdam", now + Span::DAY).unwrap());
    assert!(!store.remove_node("rotterdam", now + Span::DAY).unwrap());
    assert_eq!(enrol(1, 7, now), Enrolled::Unknown);
    let known = store.node_by_key(&[7; 32]).unwrap().unwrap();
    assert_eq!(known.removed_at, Some(now + Span::DAY));
    // The name is free again.
    let again = store.add_node(&new("rotterdam", 4), now).unwrap().unwrap();
    let ids: Vec<i64> = store.nodes().unwrap().iter().map(|node| node.id).collect();
    assert_eq!(ids, [id, other, again]);
}
