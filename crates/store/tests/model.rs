//! The stores are compared with the in-memory one: the same commands get the same answers and leave
//! the same books, whatever they are and however often the database is opened anew.
#![expect(clippy::unwrap_used, reason = "a test helper")]

mod databases;

use std::path::Path;
use std::sync::Arc;

use domain::command::{Command, Wish};
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::proxy::Proxy;
use domain::sweep::Sweep;
use domain::time::{Span, Time};
use proptest::prelude::*;
use store::Store;
use store::conformance::digest::digest;
use store::conformance::shop::{
    IntoCommand, Shop, auto_extend, extend, extend_orders, keyed, keyless, order, usd,
};
use store::memory::MemoryStore;
use store::postgres::PostgresStore;
use store::records::{EntryFilter, ProxyFilter};
use store::sqlite::{Create, Options, SqliteStore};

const KINDS: [ProxyKind; 3] = [ProxyKind::Ipv4, ProxyKind::Ipv6, ProxyKind::Isp];
const CUSTOMERS: i64 = 3;

/// What happens in a shop.
#[derive(Clone, Debug)]
enum Step {
    /// Some commands, in one batch.
    Batch(Vec<Asked>),
    /// Time passes.
    Hours(u32),
    /// Everything due is done.
    Sweep,
    /// The answers to the last entries are remembered.
    Remember,
    /// What is over is forgotten.
    Forget,
    /// The server ends, cleanly or not, and starts again.
    Restart { quiet: bool },
}

/// A command, and by what it is known again.
#[derive(Clone, Debug)]
struct Asked {
    customer: i64,
    what: What,
    key: Option<u8>,
}

#[derive(Clone, Debug)]
enum What {
    Order { kind: usize, quantity: u32, promo: bool },
    Extend { kind: usize, leases: Vec<i64>, promo: bool },
    ExtendOrders { kind: usize, orders: Vec<i64> },
    AutoExtend { kind: usize, leases: Vec<i64>, on: bool },
    Deposit { minor: i64 },
}

fn what() -> impl Strategy<Value = What> {
    let kind = 0..KINDS.len();
    let some = || prop::collection::vec(0..10i64, 1..4);
    prop_oneof![
        4 => (kind.clone(), 1..5u32, any::<bool>())
            .prop_map(|(kind, quantity, promo)| What::Order { kind, quantity, promo }),
        4 => (kind.clone(), some(), any::<bool>())
            .prop_map(|(kind, leases, promo)| What::Extend { kind, leases, promo }),
        2 => (kind.clone(), some())
            .prop_map(|(kind, orders)| What::ExtendOrders { kind, orders }),
        4 => (kind, some(), any::<bool>())
            .prop_map(|(kind, leases, on)| What::AutoExtend { kind, leases, on }),
        1 => (1..700i64).prop_map(|minor| What::Deposit { minor }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let asked = (1..=CUSTOMERS, what(), prop::option::of(0..6u8))
        .prop_map(|(customer, what, key)| Asked { customer, what, key });
    prop_oneof![
        6 => prop::collection::vec(asked, 1..9).prop_map(Step::Batch),
        4 => prop::sample::select(vec![1, 6, 24, 36, 300, 690]).prop_map(Step::Hours),
        3 => Just(Step::Sweep),
        1 => Just(Step::Remember),
        1 => Just(Step::Forget),
        1 => any::<bool>().prop_map(|quiet| Step::Restart { quiet }),
    ]
}

impl Asked {
    fn command(&self, shop: &Shop) -> Command {
        let customer = CustomerId(self.customer);
        let ids = |kind: usize, picks: &[i64]| -> Vec<LeaseId> {
            let mut his = shop.live(customer);
            his.extend(shop.reserved(customer));
            his.retain(|proxy| proxy.lease.product.kind == KINDS[kind]);
            picks.iter().map(|pick| picked(&his, *pick)).collect()
        };
        let code = |promo: bool| promo.then(|| "spring".to_owned());
        let command = match &self.what {
            What::Order { kind, quantity, promo } => {
                let mut order = order(customer, KINDS[*kind], *quantity);
                order.promo = code(*promo);
                order.into_command()
            }
            What::Extend { kind, leases, promo } => {
                let mut extend = extend(customer, KINDS[*kind], &ids(*kind, leases));
                extend.promo = code(*promo);
                extend.into_command()
            }
            What::ExtendOrders { kind, orders } => {
                let orders: Vec<OrderId> = orders.iter().map(|id| OrderId(*id)).collect();
                extend_orders(customer, KINDS[*kind], &orders).into_command()
            }
            What::AutoExtend { kind, leases, on } => {
                auto_extend(customer, KINDS[*kind], &ids(*kind, leases), *on).into_command()
            }
            What::Deposit { minor } => {
                let (amount, note) = (usd(*minor), "cash".to_owned());
                let deposit = domain::deposit::Deposit { customer, amount, note };
                return Command::plain(Wish::Deposit(deposit));
            }
        };
        match self.key {
            Some(key @ 0..3) => keyed(command, key, key),
            Some(body) => keyless(command, body, Span::from_minutes(u32::from(body) * 15)),
            None => command,
        }
    }
}

/// Mostly one of his, so that many commands are not refused; else anybody's or nobody's.
fn picked(his: &[Proxy], pick: i64) -> LeaseId {
    let index = usize::try_from(pick).unwrap();
    match his.len() {
        count @ 1.. if pick != 9 => his[index % count].lease.id,
        _ => LeaseId(pick),
    }
}

/// Opens the shop with its customers, stock and code.
fn furnished(store: Arc<dyn Store>) -> Shop {
    let shop = Shop::furnish(store);
    for name in ["Ann", "Bob", "Cid"] {
        shop.customer(name, 900);
    }
    shop.stock(ProxyKind::Ipv4, 12);
    shop.stock(ProxyKind::Isp, 6);
    assert!(shop.prefix("2001:db8::", 124, "main"));
    shop.promo("SPRING", "20", Some(6), Some(3));
    shop
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&Options {
        path: folder.join("sublet.db"),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox: false },
        migrate: true,
        readers: 1,
    })
    .unwrap()
}

/// The commands of a step, as they are meant in `shop`.
fn commands(shop: &Shop, step: &Step) -> Vec<Command> {
    match step {
        Step::Batch(asked) => asked.iter().map(|it| it.command(shop)).collect(),
        _ => Vec::new(),
    }
}

/// Does a step; says all that is to be seen of it.
fn act(shop: &mut Shop, step: &Step, commands: &[Command]) -> String {
    let store = &shop.store;
    match step {
        Step::Batch(_) => format!("{:?}", store.transact(commands, shop.now).unwrap()),
        Step::Hours(hours) => {
            shop.wait(Span::from_hours(*hours));
            String::new()
        }
        Step::Sweep => swept(shop),
        Step::Remember => {
            let entries = store.entries(&EntryFilter::default(), None, 100_000).unwrap();
            let last: Vec<_> = entries.iter().rev().take(5).map(|entry| entry.id).collect();
            store.remember(&last, shop.now, Span::HOUR).unwrap();
            String::new()
        }
        Step::Forget => format!("{}", store.forget(shop.now, 1_000).unwrap()),
        Step::Restart { quiet } => {
            if *quiet {
                store.note_quiet().unwrap();
            }
            let window = Span::from_hours(30);
            format!("{}", store.note_start(shop.now, window, Span::HOUR).unwrap())
        }
    }
}

/// Does what is due, as it is found.
fn swept(shop: &Shop) -> String {
    let due = shop.store.due(shop.now, 1_000).unwrap();
    let sweeps: Vec<Command> = due
        .iter()
        .map(|due| Sweep { customer: due.customer, leases: vec![due.lease] })
        .map(|sweep| Command::plain(Wish::Sweep(sweep)))
        .collect();
    let decisions = shop.store.transact(&sweeps, shop.now).unwrap();
    format!("{due:?} {decisions:?} {:?}", shop.store.next_due().unwrap())
}

/// The lists that a digest does not have, a few lines at a time.
fn lists(store: &dyn Store, now: Time) -> String {
    let mut text = String::new();
    for customer in (1..=CUSTOMERS).map(CustomerId) {
        let filter = EntryFilter { customer: Some(customer), ..EntryFilter::default() };
        let mut after = None;
        loop {
            let page = store.entries(&filter, after, 3).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            text += &format!("{:?}", page.iter().map(|entry| entry.id).collect::<Vec<_>>());
        }
        for kind in KINDS {
            let count = store.count_proxies(customer, kind).unwrap();
            let filter = ProxyFilter { kind: Some(kind), in_reserve: false };
            let all = store.proxies(customer, &filter, None, 1_000, now).unwrap();
            assert_eq!(count, u64::try_from(all.len()).unwrap());
            for offset in 0..=count {
                let page = store.proxies_at(customer, kind, offset, 2, now).unwrap();
                let from = usize::try_from(offset).unwrap();
                assert_eq!(page, all[from..(from + 2).min(all.len())]);
            }
            text += &format!("{count}");
        }
    }
    text
}

/// Plays `steps` to the store that `open` opens, again and again, and to the model.
fn compare(open: &dyn Fn() -> Arc<dyn Store>, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut ours = furnished(open());
    let mut model = furnished(Arc::new(MemoryStore::new(false)));
    for step in steps {
        if matches!(step, Step::Restart { .. }) {
            // The database is closed before it is opened again.
            ours.store = Arc::new(MemoryStore::new(false));
            ours.store = open();
        }
        let commands = commands(&model, step);
        let expected = act(&mut model, step, &commands);
        prop_assert_eq!(act(&mut ours, step, &commands), expected, "{:?}", step);
    }
    // What has ended but is not noted yet is listed by one and not by the other.
    prop_assert_eq!(swept(&ours), swept(&model));
    let now = model.now;
    prop_assert_eq!(digest(&*ours.store, now), digest(&*model.store, now));
    prop_assert_eq!(lists(&*ours.store, now), lists(&*model.store, now));
    prop_assert_eq!(ours.store.audit(&mut |_| {}).unwrap().violations, []);
    // As many entries, and the audit has seen each of them.
    let report = ours.store.audit(&mut |_| {}).unwrap();
    prop_assert_eq!(report, model.store.audit(&mut |_| {}).unwrap());
    // Nobody else has written, so that the feed is the journal.
    prop_assert_eq!(
        ours.store.feed(0, 1_000_000).unwrap(),
        model.store.feed(0, 1_000_000).unwrap()
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sqlite_keeps_the_same_books(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        compare(&|| Arc::new(open(folder.path())), &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn postgresql_keeps_the_same_books(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let options = databases::options(&databases::new(), folder.path(), false);
        compare(&|| Arc::new(PostgresStore::open(&options).unwrap()), &steps)?;
    }
}
