//! Extensions a second through the PostgreSQL store: spread over customers, and all of one; and
//! renewals a second.
//!
//! `cargo run --release -p store --example postgres postgresql://…/empty-database FOLDER` fills the
//! database and puts its key into the folder; the same again measures.

#![expect(clippy::unwrap_used, clippy::float_arithmetic, reason = "a measurement for people")]

mod measured;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Outcome, Wish};
use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::period::PeriodWish;
use domain::select::{Among, Selection};
use domain::sweep::Sweep;
use domain::time::{Span, Time};
use measured::{CUSTOMERS, LEASES, START, Shop};
use store::postgres::{Create, Options, PostgresStore};

const GROUPS: [usize; 3] = [32, 128, 256];
const ROUND: Duration = Duration::from_secs(5);
const SWEPT: usize = 4_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, folder) = (arguments.next().unwrap(), PathBuf::from(arguments.next().unwrap()));
    let key_file = folder.join("sublet.key");
    let is_filled = key_file.exists();
    let store = PostgresStore::open(&Options {
        url,
        key_file,
        create: Create::IfMissing { sandbox: false },
        migrate: true,
        readers: 2,
        server: "measurement".into(),
    });
    let store = Arc::new(store.unwrap());
    if !is_filled {
        let started = Instant::now();
        let shop = Shop::create(store);
        println!("filled in {:.1?}", started.elapsed());
        instruct(&shop);
        return;
    }
    let mut shop = Shop::again(store);
    sweep(&shop, START + Span::from_days(30) - Span::HOUR);
    for group in GROUPS {
        let spread = shop.extensions_per_second(group, 1, ROUND);
        let two = shop.two_at_once(group, ROUND);
        let hot = shop.hot(group, ROUND);
        println!("groups of {group}: spread {spread:.0}/s, two at once {two:.0}/s, hot {hot:.0}/s");
    }
    println!("one lease a commit {:?}, a hundred {:?}", shop.alone(1), shop.alone(LEASES));
    println!("a look at a wallet and a lease {:?}", shop.look());
}

/// Has all leases extended automatically.
fn instruct(shop: &Shop) {
    let started = Instant::now();
    for customer in 0..i64::from(CUSTOMERS) {
        let leases = i64::from(LEASES);
        let ids = (customer * leases + 1..=(customer + 1) * leases).map(LeaseId).collect();
        let wish = Wish::SetAutoExtend(SetAutoExtend {
            customer: CustomerId(customer + 1),
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(ids)),
            among: Among::All,
            on: Some(true),
            period: PeriodWish::Days(30),
            card: None,
        });
        let decisions = shop.store.transact(&[Command::plain(wish)], shop.now()).unwrap();
        assert!(decisions[0].result.is_ok(), "{decisions:?}");
    }
    println!("instructions for all in {:.1?}", started.elapsed());
}

/// Renews what is due at `now`, as the scheduler does.
fn sweep(shop: &Shop, now: Time) {
    let (started, mut renewed, mut finding) = (Instant::now(), 0_u32, Duration::ZERO);
    loop {
        let looking = Instant::now();
        let due = shop.store.due(now, u32::try_from(SWEPT).unwrap()).unwrap();
        finding += looking.elapsed();
        if due.is_empty() {
            break;
        }
        let mut sweeps: Vec<Sweep> = Vec::new();
        for due in due {
            match sweeps.iter_mut().find(|sweep| sweep.customer == due.customer) {
                Some(sweep) => sweep.leases.push(due.lease),
                None => sweeps.push(Sweep { customer: due.customer, leases: vec![due.lease] }),
            }
        }
        let batch: Vec<Command> =
            sweeps.into_iter().map(|sweep| Command::plain(Wish::Sweep(sweep))).collect();
        for decision in shop.store.transact(&batch, now).unwrap() {
            let Ok(Outcome::Swept(swept)) = decision.result else { panic!("{decision:?}") };
            renewed += swept.renewed;
            assert!(swept.failed == 0 && swept.ended == 0, "{swept:?}");
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{renewed} renewed in {seconds:.1} s, {:.0}/s; {finding:.1?} of it finding them",
        f64::from(renewed) / seconds
    );
}
