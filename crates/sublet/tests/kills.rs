//! The server is killed again and again while customers buy. Nothing that was acknowledged is lost,
//! nothing is done twice, and what was not acknowledged is done wholly or not at all.
//!
//! The customers' programs keep journals of what they were told. These are compared with the shop's
//! journal as it is on the disk; the server is never asked what is true.
//!
//! `SUBLET_KILLS=10000` kills so often, `SUBLET_SEED=7` asks for other things; see `docs/proofs.md`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::auditor::Entry;
use e2e::deeds::{Tally, refusals};
use e2e::history::{Look, Span};
use e2e::random::Random;
use e2e::shop::Shop;
use e2e::town::Town;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// After so many kills everything is compared for the first time; then after twice as many, and so
/// on, because each comparison reads the whole journal.
const FIRST_COMPARISON: usize = 25;

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

fn pause(random: &mut Random, least_ms: usize, most_ms: usize) {
    let wait = least_ms + random.below(most_ms - least_ms);
    std::thread::sleep(Duration::from_millis(wait as u64));
}

/// Lets everybody work, and kills the server in the middle of it.
fn work_and_kill(town: &mut Town, random: &mut Random) {
    let mut paying = (random.below(2) == 0).then(|| town.begin_to_pay());
    let kill_payment = random.below(4) == 0;
    town.work(|shop| {
        pause(random, 1, 30);
        if let Some(paying) = paying.as_mut().filter(|_| kill_payment) {
            paying.kill();
        }
        pause(random, 19, 120);
        shop.kill9();
    });
    if let Some(paying) = paying {
        town.end_to_pay(paying);
    }
}

/// Kills a server that has hardly begun to recover what the last one left.
fn kill_while_starting(shop: &Shop, random: &mut Random) {
    let mut starting = shop.serve_command();
    let mut starting = starting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    pause(random, 0, 40);
    starting.kill().unwrap();
    starting.wait().unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let kills = usize::try_from(from_environment("SUBLET_KILLS", 200)).unwrap();
    let seed = from_environment("SUBLET_SEED", 1);
    let began = Instant::now();
    let mut town = Town::found(Town::setup(BINARY), seed);
    let mut random = Random::new(seed);
    let mut comparison = FIRST_COMPARISON.min(kills);
    let mut repeated = vec![0; town.programs.len()];
    for kill in 1..=kills {
        work_and_kill(&mut town, &mut random);
        if random.below(8) == 0 {
            kill_while_starting(&town.shop, &mut random);
        }
        town.shop.reopen();
        assert_eq!(town.settle(), Vec::<String>::new(), "kill {kill}, seed {seed}");
        if kill == comparison {
            assert_eq!(town.repeat(&repeated), Vec::<String>::new(), "kill {kill}, seed {seed}");
            assert_eq!(town.complaints(), Vec::<String>::new(), "kill {kill}, seed {seed}");
            repeated = town.told();
            comparison = kills.min(2 * kill);
        }
    }

    let tally = Tally::of(town.deeds());
    let (done, not_done) = town.unheard();
    eprintln!(
        "{kills} kills in {:?}: {tally:?}, refusals {:?}; of those without an answer {done} had been \
         done and {not_done} not; {} deposits, {} of them killed",
        began.elapsed(),
        refusals(town.deeds()),
        town.deposits.len(),
        town.deposits.iter().filter(|deposit| deposit.done.is_none()).count(),
    );
    assert!(kills < 100 || (0 < done && 0 < not_done), "no kill has hit anything");
    assert!(tally.refused < tally.done && tally.nothing == 0, "{tally:?}");
    let expected = [16, 35];
    assert!(refusals(town.deeds()).keys().all(|code| expected.contains(code)));
}

/// A server that goes back to an older state of its disk has lost what it had acknowledged since.
#[test]
fn a_database_that_was_rolled_back_is_noticed() {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), 2);
    let mut random = Random::new(2);
    work_and_kill(&mut town, &mut random);
    let older = tempfile::tempdir().unwrap();
    copy_database(town.shop.folder(), older.path());
    town.shop.reopen();
    assert_eq!(town.settle(), Vec::<String>::new());
    town.work(|_| std::thread::sleep(Duration::from_millis(200)));
    assert_eq!(town.complaints(), Vec::<String>::new(), "all is well so far");
    town.shop.kill9();
    copy_database(older.path(), town.shop.folder());
    town.shop.reopen();
    assert_ne!(town.settle(), Vec::<String>::new());
    let complaints = town.complaints();
    assert!(complaints.iter().any(|it| it.starts_with("lost")), "{complaints:?}");
    assert_ne!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
}

fn copy_database(from: &Path, to: &Path) {
    for name in ["sublet.db", "sublet.db-wal", "sublet.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        // The last two are not there if the database was closed in good order.
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// A lie, and how it is told of the entry at some place of a journal.
type Lie = (&'static str, fn(&mut Vec<Entry>, usize));

/// Whoever compares must see every lie. Each of these is told about an honest journal.
#[test]
fn a_journal_that_lies_is_noticed() {
    let mut town = Town::found(Town::setup(BINARY), 3);
    town.work(|_| std::thread::sleep(Duration::from_millis(500)));
    let honest = town.auditor().journal(0).unwrap();
    let balances = town.auditor().balances().unwrap();
    assert_eq!(town.compare(&honest, &balances), Vec::<String>::new());

    for event in ["deposit", "order", "extension", "auto_extend"] {
        let last = honest.iter().rposition(|entry| entry.event == event).unwrap();
        let lies: [Lie; 3] = [
            ("is gone", |journal, at| {
                journal.remove(at);
            }),
            ("is there twice", |journal, at| journal.insert(at, journal[at].clone())),
            ("is of another customer", |journal, at| journal[at].customer += 1),
        ];
        for (lie, tell) in lies {
            // Nobody can tell whose instruction it is but by its leases.
            if event == "auto_extend" && lie == "is of another customer" {
                continue;
            }
            let mut journal = honest.clone();
            tell(&mut journal, last);
            assert_ne!(town.compare(&journal, &balances), Vec::<String>::new(), "{event} {lie}");
        }
    }
    let extended = honest.iter().rposition(|entry| entry.event == "extension").unwrap();
    let lies: [Lie; 5] = [
        ("less was charged", |journal, at| {
            journal[at].amount = journal[at].amount.map(|amount| amount + 1);
        }),
        ("the balance is another", |journal, at| journal[at].balance_after = Some(1)),
        ("it was free", |journal, at| journal[at].postings.clear()),
        ("an end has moved further", |journal, at| journal[at].terms[0].end = Some(i64::MAX)),
        ("a lease was left out", |journal, at| {
            journal[at].terms.pop();
        }),
    ];
    for (lie, tell) in lies {
        let mut journal = honest.clone();
        tell(&mut journal, extended);
        assert_ne!(town.compare(&journal, &balances), Vec::<String>::new(), "{lie}");
    }
    for customer in balances.keys() {
        let mut balances = balances.clone();
        *balances.get_mut(customer).unwrap() += 1;
        assert_ne!(town.compare(&honest, &balances), Vec::<String>::new(), "a cent too much");
    }
    assert_eq!(town.compare(&honest, &balances), Vec::<String>::new());
    let spent = honest.iter().rfind(|entry| entry.amount.is_some_and(|amount| amount < 0)).unwrap();
    let after = spent.balance_after.unwrap();
    for (lie, balance) in
        [("seen too late", after - spent.amount.unwrap()), ("never so", after + 7)]
    {
        let look = Look { customer: spent.customer, balance, span: Span::begin().end() };
        town.looks.push(look);
        assert_ne!(town.compare(&honest, &balances), Vec::<String>::new(), "a balance was {lie}");
        town.looks.pop();
    }
}
