//! Servers say that they are there, and take care of what others leave behind.

use std::sync::Arc;

use domain::command::{Command, Outcome};
use domain::ids::{CustomerId, EntryId};
use domain::kind::ProxyKind;
use domain::time::Span;
use store::conformance::shop::{IntoCommand, Shop, keyless, order};
use store::records::Alive;

use crate::databases::Shared;

const V4: ProxyKind = ProxyKind::Ipv4;
const WINDOW: Span = Span::from_millis_const(5_000);
const KEPT: Span = Span::HOUR;

fn alive(shop: &Shop, clock_offset: Span) -> Alive {
    shop.store.note_alive(clock_offset, shop.now, WINDOW, KEPT).unwrap()
}

fn start(shop: &Shop) -> u32 {
    alive(shop, Span::ZERO);
    shop.store.note_start(shop.now, WINDOW, KEPT).unwrap()
}

fn wish(customer: CustomerId, body: u8) -> Command {
    keyless(order(customer, V4, 1).into_command(), body, Span::ZERO)
}

/// The entry of a spend, and whether it was told again.
fn spend(shop: &Shop, customer: CustomerId, body: u8) -> (EntryId, bool) {
    let decision = shop.decide(wish(customer, body));
    let Ok(Outcome::Done { entry: Some(entry), .. }) = decision.result else {
        panic!("{decision:?}")
    };
    (entry, decision.replayed)
}

/// The server has not been heard of for six seconds.
fn silence(shared: &Shared, server: &str) {
    let sql = format!("UPDATE server SET seen_at_ms = seen_at_ms - 6000 WHERE name = '{server}'");
    shared.psql(&sql);
}

/// One server spends and is gone; another finds that out, and tells whoever asks again.
#[test]
fn the_last_spends_of_a_server_that_is_gone_are_told_again() {
    let shared = Shared::new();
    let [one, two] = shared.shops();
    let ann = one.customer("Ann", 10_000);
    one.stock(V4, 20);
    assert_eq!((start(&one), start(&two)), (0, 0));
    let (lost, _) = spend(&one, ann, 1);
    spend(&two, ann, 2);
    assert_eq!(alive(&two, Span::ZERO).remembered, 0, "it was there a moment ago");
    silence(&shared, "one");
    assert_eq!(alive(&two, Span::ZERO).remembered, 1);
    assert_eq!(alive(&two, Span::ZERO).remembered, 0, "once is enough");
    assert_eq!(spend(&two, ann, 1), (lost, true));
    assert!(!spend(&two, ann, 2).1, "two is there, and knows what it has answered");

    // It was only asleep, and goes on.
    alive(&one, Span::ZERO);
    let (again, _) = spend(&one, ann, 3);
    silence(&shared, "one");
    assert_eq!(alive(&two, Span::ZERO).remembered, 1);
    assert_eq!(spend(&two, ann, 3), (again, true));
    two.audit();
}

/// Nothing is left behind by one that has said that all is quiet, or that it ends.
#[test]
fn a_server_that_ends_quietly_leaves_nothing_behind() {
    let shared = Shared::new();
    let [one, two] = shared.shops();
    let ann = one.customer("Ann", 10_000);
    one.stock(V4, 20);
    start(&one);
    start(&two);
    spend(&one, ann, 1);
    one.store.note_quiet().unwrap();
    one.store.note_end().unwrap();
    silence(&shared, "one");
    assert_eq!(alive(&two, Span::ZERO).remembered, 0);
    assert_eq!(start(&one), 0);
    assert!(!spend(&two, ann, 1).1);
}

/// A server that is started again at once takes care of itself, and nobody else's spends are told
/// again because of it.
#[test]
fn a_server_that_starts_again_takes_care_of_itself() {
    let shared = Shared::new();
    let [one, two] = shared.shops();
    let ann = one.customer("Ann", 10_000);
    one.stock(V4, 20);
    start(&one);
    start(&two);
    let (lost, _) = spend(&one, ann, 1);
    spend(&two, ann, 2);
    let now = one.now;
    drop(one);
    let one = Shop { store: Arc::new(shared.store("one")), now };
    assert_eq!(start(&one), 1);
    assert_eq!(spend(&two, ann, 1), (lost, true));
    assert!(!spend(&one, ann, 2).1);
}

/// All go by the clock of the sandbox, or it is known that they do not yet.
#[test]
fn it_is_known_whether_all_go_by_the_same_clock() {
    let shared = Shared { sandbox: true, ..Shared::new() };
    let [one, two] = shared.shops();
    start(&one);
    start(&two);
    assert!(alive(&one, Span::ZERO).together && alive(&two, Span::ZERO).together);
    one.store.set_clock_offset(Span::DAY).unwrap();
    let told = alive(&one, Span::ZERO);
    assert_eq!((told.clock_offset, told.together), (Span::DAY, false));
    assert!(!alive(&one, Span::DAY).together, "two has not taken note yet");
    assert_eq!(alive(&two, Span::ZERO).clock_offset, Span::DAY);
    assert!(alive(&two, Span::DAY).together && alive(&one, Span::DAY).together);
    // One that is gone is not waited for.
    one.store.set_clock_offset(Span::from_days(2)).unwrap();
    assert!(!alive(&one, Span::from_days(2)).together);
    silence(&shared, "two");
    assert!(alive(&one, Span::from_days(2)).together);
    assert!(told.server_time.is_some());
}
