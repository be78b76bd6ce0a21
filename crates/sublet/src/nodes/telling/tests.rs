//! What is told while the line is slow, or the books are.

use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::time::{Span, Time};
use engine::batcher::Bounds;
use engine::clock::Clock;
use feed::stream::{Read, Reader};
use store::conformance::shop::{IntoCommand, Shop, extend};
use store::memory::MemoryStore;
use store::nodes::NewNode;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{sleep, timeout};

use super::*;

/// A clock that stands still.
struct Still(Time);

impl Clock for Still {
    fn now(&self) -> Time {
        self.0
    }
}

/// A shop with so many leases of Ann's, and who tells a gateway of them. One piece may wait for the
/// gateway to take it.
async fn telling(leases: u32) -> (Shop, CustomerId, Telling, Receiver<Bytes>) {
    let shop = Shop::furnish(Arc::new(MemoryStore::new(true)));
    shop.stock(ProxyKind::Ipv4, leases);
    let ann = shop.customer("Ann", 1_000_000);
    for from in (0..leases).step_by(1_000) {
        shop.ordered(ann, ProxyKind::Ipv4, (leases - from).min(1_000));
    }
    let (now, key) = (shop.now, [7; 32]);
    let (name, gateways) = ("rotterdam".to_owned(), vec!["main".to_owned()]);
    let token_until = now + Span::HOUR;
    let new = NewNode { name, gateways, token_hash: [1; 32], token_until };
    shop.store.add_node(&new, now).unwrap();
    shop.store.enrol_node(&[1; 32], &key, now).unwrap();
    let node = shop.store.node_by_key(&key).unwrap().unwrap();
    let identity = GatewayIdentity { key: "key".into(), epoch: "one".into() };
    let identity = shop.store.gateway_identity(&identity).unwrap();
    let clock = Arc::new(Still(now));
    let engine = Engine::start(Arc::clone(&shop.store), clock, Bounds::default()).unwrap();
    let (out, pieces) = channel(1);
    let telling = Telling::begin(engine, node, key, identity, &Arc::default(), out).await;
    (shop, ann, telling.unwrap().unwrap(), pieces)
}

/// How many signs of life are in a piece.
fn beats(piece: &[u8]) -> usize {
    let lines = piece.split(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(b"{\"beat\"")).count()
}

/// Reads a piece; says how many leases count by it.
fn read(reader: &mut Reader, piece: &[u8]) -> usize {
    let lines = piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.map(|line| match reader.read(line).unwrap() {
        Read::Batch(batch) => batch.changes.len(),
        Read::More | Read::Beat(_) => 0,
    });
    read.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_come_between_the_leases_of_a_page_where_the_line_is_slow() {
    let (_shop, _, telling, mut pieces) = telling(2_000).await;
    let task = tokio::spawn(telling.tell(None));
    let (mut reader, mut between, mut counted) = (Reader::default(), 0, 0);
    while counted == 0 {
        sleep(Duration::from_millis(400)).await;
        let piece = pieces.recv().await.unwrap();
        between += beats(&piece);
        counted = read(&mut reader, &piece);
    }
    assert_eq!(counted, 2_000);
    assert!(between >= 2, "{between} signs of life");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_are_given_while_something_is_waited_for() {
    let (_shop, _, mut telling, mut pieces) = telling(1).await;
    let waits = async {
        sleep(2 * BEAT + BEAT / 2).await;
        7
    };
    let (done, seen) = tokio::join!(telling.beating(waits), async {
        let mut seen = 0;
        while let Ok(Some(piece)) = timeout(2 * BEAT, pieces.recv()).await {
            seen += beats(&piece);
        }
        seen
    });
    assert!(matches!(done, Ok(7)));
    assert_eq!(seen, 2);
}

/// A gateway that takes nothing for too long has missed something: nothing more is told on that
/// stream, or it would take the rest for damaged.
#[tokio::test(flavor = "multi_thread")]
async fn behind_what_was_not_taken_nothing_is_told() {
    let (shop, ann, telling, mut pieces) = telling(1_000).await;
    let task = tokio::spawn(telling.tell(None));
    let mut reader = Reader::default();
    let mut counted = 0;
    while counted == 0 {
        counted = read(&mut reader, &pieces.recv().await.unwrap());
    }
    let leases: Vec<_> = shop.live(ann).iter().map(|proxy| proxy.lease.id).collect();
    shop.done(extend(ann, ProxyKind::Ipv4, &leases).into_command());
    sleep(PATIENCE + Duration::from_secs(1)).await;
    while let Some(piece) = timeout(Duration::from_secs(5), pieces.recv()).await.unwrap() {
        assert_eq!(read(&mut reader, &piece), 0);
        assert_eq!(beats(&piece), 0, "it goes on");
    }
    task.await.unwrap();
}
