//! Whoever follows what is served has in the end what the books have, whatever was done in which
//! order by whom, and whenever it was looked.
#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Command, Wish};
use domain::ids::{AuthorisationId, CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::limits::{ExceptionChange, ExceptionFor};
use domain::replace::{Replace, ReplaceReason};
use domain::served::Served;
use domain::time::{Span, Time};
use engine::batcher::{Bounds, Lane};
use engine::clock::Clock;
use engine::engine::Engine;
use engine::served::{Change, Follower, Told};
use proptest::prelude::*;
use store::Store;
use store::conformance::shop::{IntoCommand, Shop, extend, order, product};
use store::memory::MemoryStore;
use store::records::Create;
use store::sqlite::{Options, SqliteStore};

/// A clock that stands still unless it is turned.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Somebody who takes what he is told.
struct Taker {
    follower: Follower,
    known: BTreeMap<LeaseId, Served>,
    count: Arc<AtomicUsize>,
}

impl Taker {
    async fn begin(engine: &Engine) -> Taker {
        let follower = engine.follow().await.unwrap();
        let (mut known, mut pages) = (BTreeMap::new(), follower.pages());
        loop {
            let page = pages.next().await.unwrap();
            if page.is_empty() {
                break;
            }
            known.extend(page.into_iter().map(|served| (served.lease, served)));
        }
        let count = Arc::new(AtomicUsize::new(known.len()));
        Taker { follower, known, count }
    }

    /// Takes what has changed; says how much that was.
    async fn look(&mut self) -> usize {
        let changes = self.follower.changes().await.unwrap();
        for change in &changes {
            match change {
                Change::Set(served) => drop(self.known.insert(served.lease, served.clone())),
                Change::Gone(lease) => drop(self.known.remove(lease)),
            }
        }
        self.count.store(self.known.len(), Ordering::SeqCst);
        self.follower.note_taken();
        changes.len()
    }

    /// Goes on from where it was, with another follower, or begins anew where that cannot be.
    async fn come_back(&mut self, engine: &Engine) {
        let told = self.follower.told();
        self.follower = engine.follow().await.unwrap();
        let ahead = Told { number: self.follower.told().number + 1, ..told };
        assert!(!self.follower.go_back(ahead), "it goes on from what has not happened");
        for number in [i64::MIN, i64::MAX] {
            assert!(!self.follower.go_back(Told { number, ..told }), "it goes on from nowhere");
        }
        let ahead = Told { modems: told.modems + 1, ..told };
        assert!(!self.follower.go_back(ahead), "it goes on from what no modem has done");
        match self.follower.go_back(told) {
            true => drop(self.look().await),
            false => *self = Taker::begin(engine).await,
        }
    }

    /// Has what the books have, but for what has ended and may come back.
    #[track_caller]
    fn prove(&self, store: &dyn Store) {
        let all = store.served(None, 100_000).unwrap();
        let all: BTreeMap<_, _> = all.into_iter().map(|it| (it.lease, it)).collect();
        assert_eq!(self.known, all);
    }
}

/// Something that is done, with numbers that say to what.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Order(u8),
    Extend(u8),
    Authorise(u8),
    Activate(u8, bool),
    Delete(u8),
    Replace(u8),
    Suspend(u8, bool),
    Limit(u8, u8),
    Wait(u8),
    Sweep,
    Look,
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = any::<u8>();
    prop_oneof![
        3 => number.prop_map(Deed::Order),
        3 => number.prop_map(Deed::Extend),
        2 => number.prop_map(Deed::Authorise),
        2 => (number, any::<bool>()).prop_map(|(one, on)| Deed::Activate(one, on)),
        1 => number.prop_map(Deed::Delete),
        2 => number.prop_map(Deed::Replace),
        2 => (number, any::<bool>()).prop_map(|(one, on)| Deed::Suspend(one, on)),
        3 => (number, 0_u8..4).prop_map(|(one, most)| Deed::Limit(one, most)),
        1 => (0_u8..40).prop_map(Deed::Wait),
        2 => Just(Deed::Sweep),
        4 => Just(Deed::Look),
    ]
}

const KINDS: [ProxyKind; 3] = [ProxyKind::Ipv4, ProxyKind::Mobile, ProxyKind::Ipv6];

/// Does a deed; it may be refused.
fn perform(shop: &mut Shop, customers: &[CustomerId], deed: Deed) {
    let pick = |list: &[Served], at: u8| list.get(usize::from(at) % list.len().max(1)).cloned();
    let served = shop.store.served(None, 1_000).unwrap();
    let whose = |at: u8| customers[usize::from(at) % customers.len()];
    let way = |at: u8| -> Option<(CustomerId, OrderId, AuthorisationId)> {
        let one = pick(&served, at)?;
        let ways = shop.store.authorisations(one.customer, Some(one.order), None, 100).unwrap();
        let way = &ways.get(usize::from(at) % ways.len().max(1))?.authorisation;
        Some((one.customer, one.order, way.id))
    };
    let command = match deed {
        Deed::Order(at) => {
            let mut wish = order(whose(at), KINDS[usize::from(at) % KINDS.len()], 2);
            wish.seed = [at; 16];
            Some(wish.into_command())
        }
        Deed::Extend(at) => {
            pick(&served, at).map(|it| extend(it.customer, it.kind, &[it.lease]).into_command())
        }
        Deed::Authorise(at) => pick(&served, at).map(|it| {
            let (customer, order) = (it.customer, Some(it.order));
            let by = AuthoriseBy::SourceIp(Some([203, 0, 113, at].into()));
            Command::plain(Wish::Authorise(Authorise { customer, order, by, seed: [at; 16] }))
        }),
        Deed::Activate(at, active) => way(at).map(|(customer, _, id)| {
            Command::plain(Wish::ChangeAuthorisation(ChangeAuthorisation {
                customer,
                authorisation: Some(id),
                active: Some(active),
                login: None,
                password: None,
                source: SourceWish::Kept,
            }))
        }),
        Deed::Delete(at) => way(at).map(|(customer, _, id)| {
            let authorisation = Some(id);
            let delete = DeleteAuthorisation { customer, authorisation };
            Command::plain(Wish::DeleteAuthorisation(delete))
        }),
        Deed::Replace(at) => pick(&served, at).map(|it| {
            Command::plain(Wish::Replace(Replace {
                customer: it.customer,
                leases: Some(vec![it.lease]),
                pools: [(product(it.kind), 1)].into(),
                reason: Some(ReplaceReason::NotWork),
                comment: None,
            }))
        }),
        Deed::Suspend(at, suspended) => {
            shop.store.suspend_customer(whose(at), suspended).unwrap();
            None
        }
        Deed::Limit(at, most) => {
            let whose = match pick(&served, at).filter(|_| at % 3 > 0) {
                Some(it) => ExceptionFor::Lease(it.lease),
                None => ExceptionFor::Customer(whose(at)),
            };
            let most = (most > 0).then(|| u32::from(most));
            let change = ExceptionChange { connections: Some(most), ..ExceptionChange::default() };
            shop.store.change_exception(whose, change).unwrap();
            None
        }
        Deed::Wait(days) => {
            shop.wait(Span::from_days(days.into()));
            None
        }
        Deed::Sweep => {
            shop.sweep();
            None
        }
        Deed::Look => None,
    };
    if let Some(command) = command {
        shop.decide(command);
    }
}

fn sqlite(folder: &std::path::Path) -> Arc<dyn Store> {
    let options = Options {
        path: folder.join("books.db"),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox: true },
        migrate: true,
        readers: 1,
    };
    Arc::new(SqliteStore::open(&options).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Two stores on one file, of which another server's is written, and ours is followed.
    #[test]
    fn nothing_that_another_does_is_missed(
        before in prop::collection::vec(deed(), 0..20),
        deeds in prop::collection::vec(deed(), 1..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (sqlite(folder.path()), sqlite(folder.path()));
        let mut shop = Shop::furnish(theirs);
        for kind in KINDS {
            shop.stock(kind, 12);
        }
        let customers = ["Ann", "Bob"].map(|name| shop.customer(name, 50_000));
        before.into_iter().for_each(|deed| perform(&mut shop, &customers, deed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Arc::new(Hands(AtomicI64::new(shop.now.millis())));
            let engine = Engine::start(ours, clock, Bounds::default()).unwrap();
            let mut taker = Taker::begin(&engine).await;
            taker.prove(shop.store.as_ref());
            let mut away = Taker::begin(&engine).await;
            for deed in deeds {
                match deed {
                    Deed::Look => drop(taker.look().await),
                    deed => perform(&mut shop, &customers, deed),
                }
            }
            taker.look().await;
            taker.prove(shop.store.as_ref());
            assert_eq!(taker.look().await, 0, "nothing is told twice");
            away.come_back(&engine).await;
            away.prove(shop.store.as_ref());
            engine.close().await;
        });
    }
}

/// What is decided here is told at once; the clock's mover waits for those who follow.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_here_wakes_and_is_waited_for() {
    let store = Arc::new(MemoryStore::new(true));
    let shop = Shop::furnish(store.clone());
    shop.stock(ProxyKind::Mobile, 2);
    let ann = shop.customer("Ann", 10_000);
    let clock = Arc::new(Hands(AtomicI64::new(shop.now.millis())));
    let engine = Engine::start(store.clone(), clock, Bounds::default()).unwrap();
    let mut taker = Taker::begin(&engine).await;

    let wish = order(ann, ProxyKind::Mobile, 2).into_command();
    engine.submit(wish, Lane::Request).await.unwrap().result.unwrap();
    let since = Instant::now();
    taker.follower.wait().await;
    assert_eq!(taker.look().await, 2);
    assert!(since.elapsed() < Duration::from_millis(200), "it was not woken");
    taker.prove(store.as_ref());

    let count = Arc::clone(&taker.count);
    let follows = tokio::spawn(async move {
        while !taker.known.is_empty() {
            taker.follower.wait().await;
            taker.look().await;
        }
        taker
    });
    engine.move_clock(shop.now + Span::from_days(31)).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 0, "it was not waited for");
    let taker = follows.await.unwrap();
    taker.prove(store.as_ref());
    engine.close().await;
}
