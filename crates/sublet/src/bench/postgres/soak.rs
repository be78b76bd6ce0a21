//! Two servers that work on everything at once for a long time: clients of all kinds, renewals and
//! ends of what time brings, on a clock that is moved on all the while. Then the books are audited.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::kind::ProxyKind;
use domain::money::Percent;
use domain::product::ProductKey;
use domain::public_id::PublicIds;
use domain::time::Span;
use engine::clock::{Clock as _, SystemClock};
use store::Store;
use store::records::{NewAddress, NewPrefix, NewPromo};

use super::clients::{Street, client};
use super::node::Node;
use super::server::Server;
use super::shop::Place;
use crate::bench::Options;
use crate::bench::data::{self, LEASES, Shop};
use crate::bench::load::Load;
use crate::bench::report::{Figure, Report};
use crate::bench::sweep::turn_on;

/// How many clients there are.
const CLIENTS: usize = 32;

/// At most so many customers: it is about those who meet each other.
const CUSTOMERS: u32 = 500;

/// For each lease that is bought to begin with, so many more addresses in a hundred are free: few
/// enough that they are fought for.
const SPARE: u32 = 2;

/// How often the clock is moved on, and how far.
const JUMP_EVERY: Duration = Duration::from_secs(2);
const JUMP: Span = Span::from_millis_const(6 * 3_600_000);

/// How often it is said how far it has come.
const WORD_EVERY: Duration = Duration::from_secs(60);

/// How many events of the feed are read at a time.
const PAGE: u32 = 10_000;

/// So many faults are told in words.
const FAULTS_TOLD: usize = 20;

/// Codes, how often they can be used in all, and how often by each customer.
const PROMOS: &[(&str, Option<u32>, Option<u32>)] =
    &[("OFTEN", None, None), ("ONCE-EACH", None, Some(1)), ("FEW", Some(1_000), None)];

const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 59999]

[kinds.IPv4]
periods = [1, 7, 30]
quantity = [1, 10000]

[kinds.IPv6]
periods = [7, 30]
quantity = [1, 100]

[kinds.MOBILE]
periods = [1, 30]
quantity = [1, 10]

[[operators]]
tag = "verizon"
name = "Verizon"
country = "USA"
rotation_seconds = [0, 300]

[[products]]
kind = "IPv4"
country = "USA"
per_day.USD = "0.05"

[[products]]
kind = "IPv6"
country = "USA"
per_day.USD = "0.01"

[[products]]
kind = "MOBILE"
country = "USA"
operator = "verizon"
per_day.USD = "2.00"
"#;

/// Lets two servers work for `time`.
pub(super) fn soak(
    server: &Server,
    options: &Options,
    time: Duration,
    folder: &Path,
    report: &mut Report,
) -> Result<()> {
    report.say("Setting up a shop …");
    let place = Place::new(&server.scratch, folder, "soak")?;
    let shop = set_up(&place, options.customers.min(CUSTOMERS))?;
    place.database().settle()?;
    let stores = [shop.store.clone(), place.open("two")?];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let street = runtime.block_on(work(stores, shop, time, report))?;
    tell(&street, time, report);
    prove(server, &place, street.shop.store.as_ref(), report)
}

/// Starts the servers, and has everybody use them for `time`.
async fn work(
    stores: [Arc<dyn Store>; 2],
    shop: Shop,
    time: Duration,
    report: &Report,
) -> Result<Arc<Street>> {
    let mut nodes = Vec::new();
    for store in stores {
        nodes.push(Node::start(store).await?);
    }
    let street = Arc::new(street(shop, &nodes)?);
    let until = Instant::now() + time;
    let schedulers: Vec<_> = nodes.iter().map(|node| node.engine.run_scheduler()).collect();
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(client(street.clone(), until))).collect();
    let started = Instant::now();
    let (mut word, mut jumps) = (started, 0);
    while Instant::now() < until {
        tokio::time::sleep(JUMP_EVERY).await;
        let engine = &nodes[jumps % nodes.len()].engine;
        if let Err(error) = engine.move_clock(engine.now() + JUMP).await {
            street.fault(format!("moving the clock: {error}"));
        }
        jumps += 1;
        if word.elapsed() >= WORD_EVERY {
            word = Instant::now();
            let seen = street.see();
            report.say(&format!(
                "After {} minutes: {} requests, {} faults",
                started.elapsed().as_secs() / 60,
                seen.millis.len(),
                seen.faults.len()
            ));
        }
    }
    for client in clients {
        client.await??;
    }
    schedulers.iter().for_each(tokio::task::JoinHandle::abort);
    for node in nodes {
        node.stop().await;
    }
    Ok(street)
}

fn set_up(place: &Place, customers: u32) -> Result<Shop> {
    let (store, now) = (place.open("one")?, SystemClock.now());
    store.apply_catalogue(CATALOGUE, now)?;
    let shop = data::fill(store, &vec![LEASES; usize::try_from(customers)?], now)?;
    turn_on(&shop)?;
    let store = shop.store.as_ref();
    data::add_stock(store, customers * LEASES, customers * LEASES * SPARE / 100, now)?;
    let pool = |name| ProductKey::parse(name).context("the pool is well-formed");
    store.add_prefix(
        &NewPrefix {
            pool: pool("IPv6/USA")?,
            base: "2001:db8::".parse()?,
            length: 48,
            gateway: "main".into(),
        },
        now,
    )?;
    let modems: Vec<NewAddress> = (0..40)
        .map(|slot| {
            Ok(NewAddress {
                pool: pool("MOBILE/USA/verizon")?,
                ip: "127.0.0.2".parse()?,
                slot,
                gateway: "main".into(),
                modem: None,
            })
        })
        .collect::<Result<_>>()?;
    store.add_addresses(&modems, now)?;
    for (code, max_uses, per_customer) in PROMOS {
        store.create_promo(
            &NewPromo {
                code: (*code).to_owned(),
                discount: Percent::from_hundredths(500).context("five per cent")?,
                starts_at: now,
                ends_at: None,
                max_uses: *max_uses,
                per_customer: *per_customer,
                kinds: ProxyKind::ALL.to_vec(),
                for_orders: true,
                for_extensions: true,
                customer: None,
                descriptions: vec![],
            },
            now,
        )?;
    }
    Ok(shop)
}

fn street(shop: Shop, nodes: &[Node]) -> Result<Street> {
    let public = PublicIds::new(shop.store.installation()?.id_key);
    let shown = |customer: &data::Customer| {
        Mutex::new(customer.leases.iter().map(|lease| public.lease(*lease)).collect())
    };
    Ok(Street {
        nodes: nodes.iter().map(|node| node.address).collect(),
        leases: shop.customers.iter().map(shown).collect(),
        shop: Arc::new(shop),
        promos: PROMOS.iter().map(|(code, ..)| (*code).to_owned()).collect(),
        seen: Mutex::default(),
    })
}

/// What the clients have seen.
fn tell(street: &Street, time: Duration, report: &mut Report) {
    let mut seen = street.see();
    let mut millis = std::mem::take(&mut seen.millis);
    millis.sort_by(f64::total_cmp);
    let load = Load { per_second: millis.len() as f64 / time.as_secs_f64(), millis };
    for (what, count) in &seen.answers {
        report.say(&format!("{count:>12} {what}"));
    }
    for fault in seen.faults.iter().take(FAULTS_TOLD) {
        report.say(fault);
    }
    report.figure(&Figure {
        name: "requests of all kinds, two servers",
        value: load.per_second,
        unit: "/s",
        against: None,
    });
    report.figure(&Figure {
        name: "requests of all kinds, 99 % within",
        value: load.within(0.99),
        unit: "ms",
        against: None,
    });
    report.none("faults", seen.faults.len() as u64);
}

/// What the server and the books say of it.
fn prove(server: &Server, place: &Place, store: &dyn Store, report: &mut Report) -> Result<()> {
    let mishaps = place.database().mishaps()?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    report.none("deadlocks", number(mishaps.deadlocks));
    if let Some(gave_way) = server.gave_way() {
        report.none("transactions that gave way to others", gave_way);
    }
    let (committed, rolled_back) = (mishaps.committed, mishaps.rolled_back);
    report.say(&format!("{committed} transactions committed, {rolled_back} rolled back"));
    let audit = store.audit(&mut |_| {})?;
    audit.violations.iter().for_each(|it| report.say(&format!("{}: {}", it.rule, it.detail)));
    report.say(&format!("{} entries, {} postings audited", audit.entries, audit.postings));
    report.none("violations of the books", audit.violations.len() as u64);
    let told = feed(store)?;
    report.none("entries that the feed does not tell", audit.entries.abs_diff(told));
    Ok(())
}

/// How many entries the feed tells, each once and without a gap.
fn feed(store: &dyn Store) -> Result<u64> {
    let (mut after, mut told) = (0, BTreeSet::new());
    loop {
        let page = store.feed(after, PAGE)?;
        if page.is_empty() {
            return Ok(told.len() as u64);
        }
        for (number, entry) in page {
            ensure!(number == after + 1, "the feed has a gap behind {after}");
            ensure!(told.insert(entry.id), "the feed tells entry {} twice", entry.id.0);
            after = number;
        }
    }
}
