//! Clients that leave before their answer, and come back.

use std::sync::Arc;
use std::time::Duration;

use store::sqlite::{Create, Options};

use crate::client::{Client, post};
use crate::shop::{Shop, With, order_body};
use crate::trouble::Trouble;

fn order(shop: &Shop, headers: &str) -> String {
    post(&format!("/client/api/v1/{}/order", shop.ka), headers, &order_body("IPv4", 1))
}

/// A client whose order is being decided, until the store is let go on, and the request.
async fn held(shop: &Shop, round: i64) -> (Client, String) {
    // Another goal each time, so that no round is a repetition of the one before.
    let body = order_body("IPv4", 1).replace("tests", &format!("round {round}"));
    let request = post(&format!("/client/api/v1/{}/order", shop.ka), "", &body);
    let entered = shop.store.entered();
    shop.store.be(Trouble::Held);
    let mut client = shop.connect().await;
    client.send(&request).await;
    until(|| shop.store.entered() > entered).await;
    (client, request)
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it did not happen");
}

/// The first order is being decided when its client leaves and another connection brings the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_before_the_answer_and_asks_again_is_charged_once() {
    let shop = Shop::open().await;
    let mut charged = 0;
    for reset in [false, true].repeat(5) {
        charged += 1;
        let (first, request) = held(&shop, charged).await;
        if reset {
            first.reset()
        } else {
            drop(first)
        }
        let mut second = shop.connect().await;
        second.send(&request).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        shop.store.be(Trouble::None);
        let answer = second.answer().await;
        assert!(answer.is_replayed(), "{answer:?}");
        answer.is_ok();
        assert_eq!(shop.balance(shop.ann), 10_000 - 131 * charged);
        // And again, for an hour.
        let mut third = shop.connect().await;
        third.send(&request).await;
        assert_eq!(third.answer().await.body, answer.body);
        assert_eq!(shop.balance(shop.ann), 10_000 - 131 * charged);
    }
}

/// The client leaves while its order is decided, and the server hears of the decision first: it has an
/// answer to write, and asks whether anybody is there. One thread does all of that, and hears nothing
/// while it sleeps.
#[tokio::test]
async fn who_has_left_when_the_answer_is_to_be_written_is_given_it_again() {
    let shop = Shop::open().await;
    for round in 1..=5 {
        let (first, request) = held(&shop, round).await;
        first.reset();
        shop.store.be(Trouble::None);
        std::thread::sleep(Duration::from_millis(100));
        let answer = shop.raw(&request).await;
        assert!(answer.is_replayed(), "{answer:?}");
        answer.is_ok();
        assert_eq!(shop.balance(shop.ann), 10_000 - 131 * round);
    }
}

/// Nothing is waited for here: whatever the race does, there is one charge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_at_once_and_asks_again_at_once_is_charged_once() {
    let shop = Shop::open().await;
    shop.store.be(Trouble::Slow(SLOWER_THAN_LEAVING));
    leave_and_return(&shop, 40).await;
}

/// The same on a disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        path: folder.path().join("shop.db"),
        key_file: folder.path().join("shop.key"),
        create: Create::IfMissing { sandbox: false },
        migrate: true,
        readers: 2,
    };
    let store = Arc::new(store::sqlite::SqliteStore::open(&options).unwrap());
    let shop = Shop::open_with(With { store: Some(store), ..With::default() }).await;
    shop.store.be(Trouble::Slow(SLOWER_THAN_LEAVING));
    leave_and_return(&shop, 40).await;
}

/// A client that leaves after its answer was written has had it, and may mean to order again. These
/// here leave before.
const SLOWER_THAN_LEAVING: Duration = Duration::from_millis(25);

async fn leave_and_return(shop: &Shop, rounds: u64) {
    let mut replayed = 0;
    for round in 1..=rounds {
        let body = order_body("IPv4", 1).replace("tests", &format!("round {round}"));
        let request = post(&format!("/client/api/v1/{}/order", shop.ka), "", &body);
        let mut first = shop.connect().await;
        first.send(&request).await;
        match round % 4 {
            0 => first.reset(),
            1 => drop(first),
            2 => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                first.reset();
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(first);
            }
        }
        let mut second = shop.connect().await;
        second.send(&request).await;
        let answer = second.answer().await;
        answer.is_ok();
        replayed += u64::from(answer.is_replayed());
        let expected = 10_000 - 131 * i64::try_from(round).unwrap();
        assert_eq!(shop.balance(shop.ann), expected, "in round {round}: {answer:?}");
    }
    assert!(replayed > 0, "not one of {rounds} first requests was worked on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_orders_on_open_connections_are_orders_of_their_own() {
    let shop = Shop::open().await;
    let mut clients = Vec::new();
    let request = order(&shop, "");
    for _ in 0..64 {
        clients.push(shop.connect().await);
    }
    // The last byte is held back, so that they come together.
    for client in &mut clients {
        client.send(&request[..request.len() - 1]).await;
    }
    for client in &mut clients {
        client.send(&request[request.len() - 1..]).await;
    }
    let mut numbers = std::collections::BTreeSet::new();
    for client in &mut clients {
        let answer = client.answer().await;
        assert!(!answer.is_replayed());
        numbers.insert(answer.is_ok()["orderNumber"].as_str().unwrap().to_owned());
    }
    assert_eq!(numbers.len(), 64);
    assert_eq!(shop.balance(shop.ann), 10_000 - 64 * 131);
}

#[tokio::test]
async fn an_answer_that_arrived_is_not_given_again() {
    let shop = Shop::open().await;
    let mut client = shop.connect().await;
    for count in 1..=3 {
        client.send(order(&shop, "")).await;
        let answer = client.answer().await;
        assert!(!answer.is_replayed());
        answer.is_ok();
        assert_eq!(shop.balance(shop.ann), 10_000 - count * 131);
    }
    drop(client);
    assert!(!shop.raw(order(&shop, "")).await.is_replayed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_key_it_does_not_matter_when_the_client_leaves() {
    let shop = Shop::open().await;
    let entered = shop.store.entered();
    shop.store.be(Trouble::Held);
    let request = order(&shop, "idempotency-key: one\r\n");
    let mut first = shop.connect().await;
    first.send(&request).await;
    until(|| shop.store.entered() > entered).await;
    let mut others = Vec::new();
    for _ in 0..10 {
        let mut other = shop.connect().await;
        other.send(&request).await;
        others.push(other);
    }
    drop(first);
    shop.store.be(Trouble::None);
    let mut bodies = std::collections::BTreeSet::new();
    for other in &mut others {
        let answer = other.answer().await;
        assert!(answer.is_replayed());
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1);
    assert_eq!(shop.balance(shop.ann), 10_000 - 131);
}

/// A request whose client left before it was worked on is not done behind the back of its
/// repetition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_left_are_done_once_for_the_third() {
    let shop = Shop::open().await;
    let entered = shop.store.entered();
    shop.store.be(Trouble::Held);
    let request = order(&shop, "");
    let mut gone: Vec<Client> = Vec::new();
    for _ in 0..2 {
        let mut client = shop.connect().await;
        client.send(&request).await;
        until(|| shop.store.entered() > entered).await;
        gone.push(client);
        // Each leaves before the next comes.
        drop(gone.pop());
    }
    let mut third = shop.connect().await;
    third.send(&request).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    shop.store.be(Trouble::None);
    let answer = third.answer().await;
    assert!(answer.is_replayed());
    assert_eq!(shop.balance(shop.ann), 10_000 - 131);
}
