//! Operators who add things at the same moment.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use domain::kind::ProxyKind;
use domain::money::Currency;
use domain::time::Span;

use super::Make;
use super::shop::{CATALOGUE, IntoCommand, Shop, address, exit, order, product, promo};
use crate::Store;
use crate::records::{NewAddress, NewApiKey, NewCustomer, NewPrefix, Stocked};

/// How many operators there are.
const THREADS: u8 = 8;
/// How often each adds something.
const ROUNDS: u8 = 5;

/// Runs `work` for each operator at the same moment.
fn together<T: Send>(work: impl Fn(u8) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS.into());
    let worker = |number| {
        let (barrier, work) = (&barrier, &work);
        move || {
            barrier.wait();
            work(number)
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|number| scope.spawn(worker(number))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Nobody fails because of another, and nothing gets the id of something else. What has the same
/// name is added once.
pub fn what_is_added_at_once_is_all_there(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (store, now): (&dyn Store, _) = (&*shop.store, shop.now);
    let added = together(|operator| {
        (0..ROUNDS)
            .map(|round| {
                let customer = NewCustomer {
                    name: format!("{operator} {round}"),
                    email: None,
                    currency: Currency::USD,
                };
                let customer = store.create_customer(&customer, now).unwrap();
                let hash = [operator * ROUNDS + round; 32];
                let key = NewApiKey {
                    hash,
                    customer,
                    name: String::new(),
                    allowed: Vec::new(),
                    read_only: false,
                    repeat_window: Span::ZERO,
                    requests_per_minute: None,
                    expires_at: None,
                };
                let key = store.create_key(&key, now).unwrap();
                let token = store.create_operator_token("token", &hash, now).unwrap();
                let own = promo(&format!("OWN-{operator}-{round}"), "10", None, None);
                let own = store.create_promo(&own, now).unwrap();
                let shared = promo(&format!("SHARED-{round}"), "10", None, None);
                let shared = store.create_promo(&shared, now).unwrap();
                let base = format!("2001:db8:{round:x}::").parse().unwrap();
                let (pool, gateway) = (product(ProxyKind::Ipv6), "main".to_owned());
                let prefix = NewPrefix { pool, base, length: 120, gateway };
                let prefix = store.add_prefix(&prefix, now).unwrap();
                let catalogue = format!("# {operator} {round}\n{CATALOGUE}");
                let version = store.apply_catalogue(&catalogue, now).unwrap();
                (customer, key, token, own.expect("it is new"), shared, prefix, version, catalogue)
            })
            .collect::<Vec<_>>()
    })
    .concat();
    let all = usize::from(THREADS) * usize::from(ROUNDS);
    let different = |count: usize| assert_eq!(count, all, "ids are given once");
    different(added.iter().map(|it| it.0).collect::<BTreeSet<_>>().len());
    different(added.iter().map(|it| it.1).collect::<BTreeSet<_>>().len());
    different(added.iter().map(|it| it.2).collect::<BTreeSet<_>>().len());
    different(added.iter().map(|it| it.6).collect::<BTreeSet<_>>().len());
    let promos: BTreeSet<_> = added.iter().flat_map(|it| [Some(it.3), it.4]).flatten().collect();
    let rounds = usize::from(ROUNDS);
    assert_eq!(promos.len(), all + rounds);
    assert_eq!(added.iter().filter(|it| it.4.is_some()).count(), rounds, "one of each name");
    assert_eq!(added.iter().filter(|it| it.5).count(), rounds, "one of each prefix");

    let (last, text) = added.iter().map(|it| (it.6, &it.7)).max().unwrap();
    assert_eq!(store.catalogue().unwrap().version, last);
    assert_eq!(store.catalogue_text().unwrap().as_ref(), Some(text));
    let customers = store.customers(None, 1_000).unwrap();
    assert_eq!(customers.len(), all);
    assert!(customers.windows(2).all(|pair| pair[0].1.account < pair[1].1.account));
    assert_eq!(store.keys(None).unwrap().len(), all);
    assert_eq!(store.operator_tokens().unwrap().len(), all);
    assert_eq!(store.promos().unwrap().len(), all + rounds);
    assert_eq!(shop.stocked(ProxyKind::Ipv6).3, u64::from(ROUNDS) * 256);
    shop.audit();
}

/// Deliveries that overlap are added side by side: each address once, each with ports of its own.
pub fn addresses_delivered_at_once(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 1_000_000);
    let modems: Vec<NewAddress> = (0..40)
        .flat_map(|number| {
            let kind = ProxyKind::Mobile;
            (0..3).map(move |slot| address(&product(kind), exit(kind, number), slot, "main"))
        })
        .collect();
    let servers: Vec<NewAddress> = (0..200)
        .map(|number| address(&product(ProxyKind::Isp), exit(ProxyKind::Isp, number), 0, "main"))
        .collect();
    let stocked = together(|operator| {
        // Each begins elsewhere, and every other one goes the other way.
        let mut delivery = [modems.as_slice(), &servers].concat();
        delivery.rotate_left(usize::from(operator) * 37);
        if operator % 2 == 1 {
            delivery.reverse();
        }
        let (first, second) = delivery.split_at(150);
        [first, second].map(|part| shop.store.add_addresses(part, shop.now).unwrap())
    });
    let sum = |count: fn(&Stocked) -> u64| stocked.iter().flatten().map(count).sum::<u64>();
    let delivered = u64::try_from(modems.len() + servers.len()).unwrap();
    assert_eq!(sum(|it| it.added), delivered);
    assert_eq!(sum(|it| it.known), delivered * (u64::from(THREADS) - 1));

    shop.done(order(ann, ProxyKind::Isp, 200).into_command());
    for quantity in [50, 50, 20] {
        shop.done(order(ann, ProxyKind::Mobile, quantity).into_command());
    }
    let live = shop.live(ann);
    assert_eq!(live.iter().map(|it| it.lease.address).collect::<BTreeSet<_>>().len(), 320);
    let sharing = live.iter().filter(|it| it.lease.product.kind == ProxyKind::Mobile);
    let ports: BTreeSet<u16> = sharing.map(|it| it.port).collect();
    assert_eq!(
        ports,
        (0..120).map(|pair| 20_000 + 2 * pair).collect(),
        "no port twice, and no gap"
    );
    shop.audit();
}
