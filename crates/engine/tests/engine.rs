//! The engine over the model store: batches, time, and what is told when things break.
#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CustomerId, LeaseId};
use domain::journal::{Entry, Event};
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::{AccessWish, PlaceOrder};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use domain::time::{Span, Time};
use engine::batcher::{Bounds, Lane};
use engine::clock::Clock;
use engine::engine::{ClockError, Engine};
use engine::fault::Fault;
use engine::keys::Rejected;
use engine::secret;
use store::Store;
use store::memory::MemoryStore;
use store::records::{EntryFilter, NewAddress, NewApiKey, NewCustomer};

const START: Time = Time::from_millis_const(1_800_000_000_000);

/// A clock that stands still unless it is turned.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Ann's shop: twenty IPv4 addresses in the USA at $1 for 30 days; Ann has as many dollars as said.
struct Shop {
    engine: Engine,
    store: Arc<MemoryStore>,
    ann: CustomerId,
}

impl Shop {
    fn new(sandbox: bool, dollars: i64, bounds: Bounds) -> Shop {
        let store = Arc::new(MemoryStore::new(sandbox));
        let text = r#"
            [gateways.main]
            host = "127.0.0.1"
            http_port = 8081
            socks_port = 8082
            shared_ports = [20000, 29999]
            [kinds.IPv4]
            periods = [30]
            quantity = [1, 20]
            [[products]]
            kind = "IPv4"
            country = "USA"
            per_period.USD = { "30" = "1" }
        "#;
        store.apply_catalogue(text, START).unwrap();
        let pool = ProductKey::parse("IPv4/USA").unwrap();
        let address = |host: u8| NewAddress {
            pool: pool.clone(),
            ip: [192, 0, 2, host].into(),
            slot: 0,
            gateway: "main".into(),
            modem: None,
        };
        let addresses: Vec<NewAddress> = (0..20).map(address).collect();
        store.add_addresses(&addresses, START).unwrap();
        let new = NewCustomer { name: "Ann".into(), email: None, currency: Currency::USD };
        let ann = store.create_customer(&new, START).unwrap();
        let amount = Money::from_minor(dollars * 100, Currency::USD);
        let deposit = Deposit { customer: ann, amount, note: String::new() };
        let decided = store.transact(&[Command::plain(Wish::Deposit(deposit))], START).unwrap();
        decided[0].result.as_ref().unwrap();
        let clock = Arc::new(Hands(AtomicI64::new(START.millis())));
        let engine = Engine::start(store.clone(), clock, bounds).unwrap();
        Shop { engine, store, ann }
    }

    fn order(&self, quantity: u32) -> Command {
        Command::plain(Wish::Order(Box::new(PlaceOrder {
            customer: self.ann,
            kind: Some(ProxyKind::Ipv4),
            country: Country::from_alpha3("USA"),
            package: None,
            operator: None,
            rotation_seconds: None,
            access: AccessWish::Login,
            period: PeriodWish::Days(30),
            protocol: None,
            goal: Some("test".into()),
            quantity: Some(quantity),
            promo: None,
            seed: [1; 16],
        })))
    }

    async fn submit(&self, command: Command) -> Decision {
        self.engine.submit(command, Lane::Request).await.unwrap()
    }

    /// Orders, and has the leases extended for ever.
    async fn order_for_ever(&self, quantity: u32) -> Vec<LeaseId> {
        let decision = self.submit(self.order(quantity)).await;
        let Ok(Outcome::Done { event, .. }) = decision.result else { panic!("{decision:?}") };
        let Event::Order { leases, .. } = *event else { panic!() };
        let leases: Vec<LeaseId> = leases.iter().map(|granted| granted.lease).collect();
        let wish = Wish::SetAutoExtend(SetAutoExtend {
            customer: self.ann,
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(leases.clone())),
            among: Among::All,
            period: PeriodWish::Days(30),
            on: Some(true),
            card: None,
        });
        self.submit(Command::plain(wish)).await.result.unwrap();
        leases
    }

    fn journal(&self) -> Vec<Entry> {
        self.store.entries(&EntryFilter::default(), None, 100_000).unwrap()
    }

    fn balance(&self) -> i64 {
        self.store.customer(self.ann).unwrap().unwrap().1.balance.minor()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spends_that_come_together_are_decided_one_after_another() {
    let shop = Arc::new(Shop::new(true, 7, Bounds::default()));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.submit(shop.order(1)).await.result })
        })
        .collect();
    let (mut won, mut short) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(Refusal::InsufficientFunds { .. }) => short += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((won, short, shop.balance()), (7, 57, 0));
    let (counts, waiting) = shop.engine.load();
    assert_eq!((counts.commands.load(Ordering::Relaxed), waiting), (64, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_is_refused_at_once_and_does_nothing() {
    let shop = Arc::new(Shop::new(true, 20, Bounds { waiting: 0, ..Bounds::default() }));
    let refused = shop.engine.submit(shop.order(1), Lane::Request).await;
    assert!(matches!(refused, Err(Fault::Overloaded)), "{refused:?}");
    assert_eq!(shop.balance(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_too_long_is_given_up_undone() {
    let bounds = Bounds { patience: std::time::Duration::ZERO, ..Bounds::default() };
    let shop = Shop::new(true, 20, bounds);
    let refused = shop.engine.submit(shop.order(1), Lane::Request).await;
    assert!(matches!(refused, Err(Fault::Deadline)), "{refused:?}");
    assert_eq!(shop.balance(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_after_closing() {
    let shop = Shop::new(true, 20, Bounds::default());
    shop.engine.close().await;
    let refused = shop.engine.submit(shop.order(1), Lane::Request).await;
    assert!(matches!(refused, Err(Fault::Closing)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_at_once_and_day_by_day_leave_the_same_books() {
    let mut journals = Vec::new();
    for days in [360, 1] {
        // Money for the first order's year, but not for the second's: it fails, ends and is freed.
        let shop = Shop::new(true, 60, Bounds::default());
        shop.order_for_ever(4).await;
        shop.engine.move_clock(START + Span::from_hours(7)).await.unwrap();
        shop.order_for_ever(3).await;
        for step in 1..=360 / days {
            let target = START + Span::from_days(step * days) + Span::from_hours(7);
            shop.engine.move_clock(target).await.unwrap();
        }
        assert!(shop.store.audit(&mut |_| {}).unwrap().violations.is_empty());
        journals.push((shop.journal(), shop.balance()));
    }
    let names: Vec<&str> = journals[0].0.iter().map(|entry| entry.event.name()).collect();
    for expected in ["renewal", "renewal_failed", "ended", "released"] {
        assert!(names.contains(&expected), "the story should have a {expected}: {names:?}");
    }
    assert_eq!(journals[0], journals[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wish_makes_due_is_not_done_before_the_wish() {
    let shop = Shop::new(true, 1, Bounds::default());
    let decision = shop.submit(shop.order(1)).await;
    let Ok(Outcome::Done { event, .. }) = decision.result else { panic!("{decision:?}") };
    let Event::Order { leases, .. } = *event else { panic!() };
    let near_the_end = START + Span::from_days(29) + Span::from_hours(12);
    shop.engine.move_clock(near_the_end).await.unwrap();
    let wish = Wish::SetAutoExtend(SetAutoExtend {
        customer: shop.ann,
        kind: Some(ProxyKind::Ipv4),
        leases: Selection::Leases(Some(vec![leases[0].lease])),
        among: Among::All,
        period: PeriodWish::Days(30),
        on: Some(true),
        card: None,
    });
    shop.submit(Command::plain(wish)).await.result.unwrap();
    shop.engine.sweep().await.unwrap();
    let times: Vec<Time> = shop.journal().iter().map(|entry| entry.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(times.last(), Some(&near_the_end));
    assert_eq!(shop.journal().last().unwrap().event.name(), "renewal_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_charged_once_however_often_it_is_looked_for() {
    let shop = Arc::new(Shop::new(true, 20, Bounds::default()));
    shop.order_for_ever(2).await;
    let jumps: Vec<_> = (0..8)
        .map(|_| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.engine.move_clock(START + Span::from_days(29)).await })
        })
        .collect();
    let mut renewed = 0;
    for jump in jumps {
        renewed += jump.await.unwrap().unwrap().renewed;
    }
    assert_eq!((renewed, shop.balance()), (2, 1600));
    assert_eq!(shop.engine.sweep().await.unwrap().renewed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_sandbox_s_clock_moves_and_only_forward() {
    let shop = Shop::new(false, 20, Bounds::default());
    let moved = shop.engine.move_clock(START + Span::DAY).await;
    assert!(matches!(moved, Err(ClockError::NotASandbox)), "{moved:?}");
    let shop = Shop::new(true, 20, Bounds::default());
    let moved = shop.engine.move_clock(START - Span::DAY).await;
    assert!(matches!(moved, Err(ClockError::Backwards)), "{moved:?}");
    shop.engine.move_clock(START + Span::DAY).await.unwrap();
    assert_eq!(shop.engine.now(), START + Span::DAY);
    assert_eq!(shop.store.installation().unwrap().clock_offset, Span::DAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spend_whose_answer_was_lost_is_answered_again() {
    let shop = Shop::new(true, 20, Bounds::default());
    let spend = Command {
        idempotency: Some(Idempotency {
            key: [9; 16],
            fingerprint: [9; 16],
            source: KeySource::Request(Span::ZERO),
        }),
        ..shop.order(1)
    };
    let first = shop.submit(spend.clone()).await;
    let second = shop.submit(spend.clone()).await;
    assert!(!second.replayed, "two orders are two orders");
    let Ok(Outcome::Done { entry: Some(entry), .. }) = first.result else { panic!() };
    shop.engine.remember(entry).await;
    let third = shop.submit(spend.clone()).await;
    assert!(third.replayed);
    assert_eq!((third.result, shop.balance()), (first.result, 1800));
    shop.engine.move_clock(START + Span::HOUR).await.unwrap();
    assert!(!shop.submit(spend).await.replayed, "after an hour it is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_after_an_unclean_end_remembers_the_last_spends() {
    let shop = Shop::new(true, 20, Bounds::default());
    let spend = Command {
        idempotency: Some(Idempotency {
            key: [9; 16],
            fingerprint: [9; 16],
            source: KeySource::Request(Span::ZERO),
        }),
        ..shop.order(1)
    };
    shop.submit(spend.clone()).await.result.unwrap();
    let clock = Arc::new(Hands(AtomicI64::new(START.millis())));
    let after_crash = Engine::start(shop.store.clone(), clock.clone(), Bounds::default()).unwrap();
    let again = after_crash.submit(spend.clone(), Lane::Request).await.unwrap();
    assert!(again.replayed);
    after_crash.close().await;
    shop.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_from_where_it_may_until_it_is_revoked() {
    let shop = Shop::new(true, 20, Bounds::default());
    let key = secret::new_api_key([5; 32]);
    let id = shop
        .store
        .create_key(
            &NewApiKey {
                hash: key.hash(),
                customer: shop.ann,
                name: "test".into(),
                allowed: vec![domain::network::Network::parse("198.51.100.0/24").unwrap()],
                read_only: false,
                repeat_window: Span::ZERO,
                requests_per_minute: None,
                expires_at: None,
            },
            START,
        )
        .unwrap();
    let near = "198.51.100.7".parse().unwrap();
    let far = "203.0.113.7".parse().unwrap();
    let caller = |secret: &str, from| shop.engine.caller(secret, from).unwrap().map(|it| it.key.id);
    assert_eq!(caller(key.reveal(), near), Ok(id));
    assert_eq!(caller(key.reveal(), far), Err(Rejected::AddressNotAllowed));
    assert_eq!(caller("sub-nonsense", near), Err(Rejected::UnknownKey));
    shop.store.revoke_key(id, START).unwrap();
    // A key is believed for half a second after it was looked up.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while caller(key.reveal(), near).is_ok() {
        assert!(std::time::Instant::now() < deadline, "a revoked key goes on working");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
