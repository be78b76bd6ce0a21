//! Servers say that they are there, and take care of what others leave behind.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use domain::command::{Command, Outcome};
use domain::ids::{CustomerId, EntryId};
use domain::kind::ProxyKind;
use domain::time::Span;
use e2e::postgres::Postgres;
use e2e::postgres::wire::{Fate, Wire};
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

/// A server is killed while its commit is on the wire, and starts again before that arrives.
#[test]
fn a_commit_that_arrives_after_the_next_start_is_seen() {
    let shared = Shared::new();
    let near = Shop::furnish(Arc::new(shared.store("near")));
    let wire = Wire::to(Postgres::shared().address());
    let url = wire.url(&shared.url);
    let shop = |url: &str| Shop { store: Arc::new(shared.store_at(url, "far")), now: near.now };
    let (first, second) = (shop(&url), shop(&shared.url));
    let ann = near.customer("Ann", 10_000);
    near.stock(V4, 300);
    start(&near);
    start(&first);
    spend(&first, ann, 1);
    first.store.note_quiet().unwrap();
    wire.cut_at_commit(Fate::Delayed(Duration::from_secs(1)));
    thread::scope(|scope| {
        let commits = wire.counts().commits;
        let lost = scope.spawn(|| spend(&first, ann, 2));
        while wire.counts().commits == commits {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(start(&second), 1, "it is waited for");
        let (lost, _) = lost.join().unwrap();
        assert_eq!(spend(&near, ann, 2), (lost, true));
    });
    // Whatever the old one does from now on is the next one's to take care of.
    let (late, _) = spend(&first, ann, 3);
    silence(&shared, "far");
    assert_eq!(alive(&near, Span::ZERO).remembered, 1);
    assert_eq!(spend(&near, ann, 3), (late, true));
    // Both go on.
    assert!(!spend(&first, ann, 4).1 && !spend(&second, ann, 5).1);
    near.audit();
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
