//! What is away for longer than anybody waits for it.

use std::time::{Duration, Instant};

use e2e::bodies::{order, with};
use e2e::cluster::Cluster;
use e2e::deeds::{Deed, Outcome};
use e2e::postgres::wire::{Fate, Wire};
use e2e::race::Held;
use e2e::town::Town;
use serde_json::json;

use crate::{BINARY, SERVERS, founded};

/// How long any request may take, and how long the way back. Generous, because tests run on busy
/// machines; the measured times are printed.
const ANSWER_MAX: Duration = Duration::from_secs(40);
const RECOVERY_MAX: Duration = Duration::from_secs(15);

/// Longer than a server tries to find out what became of a commit.
const OUTAGE: Duration = Duration::from_secs(25);

/// Connections of a server on which something may be committed.
const COMMITTING: usize = 4;

/// How late a commit arrives: later than a server starts.
const LATE: Duration = Duration::from_millis(2_500);

const PATIENCE: Duration = Duration::from_secs(30);

/// How often somebody's commit is late.
const ROUNDS: i64 = 3;

/// What a fault meant for those who bought meanwhile.
struct Felt {
    /// The longest time that a request took.
    longest: Duration,
    /// How long after the end of the fault something was sold again.
    recovery: Duration,
    /// How many were told that nothing was done.
    refused: usize,
}

/// What those felt who asked after `since` of something that was over at `back`.
fn felt<'a>(deeds: impl Iterator<Item = &'a Deed>, since: Instant, back: Instant) -> Felt {
    let mut felt = Felt { longest: Duration::ZERO, recovery: Duration::MAX, refused: 0 };
    for deed in deeds {
        let Some(ended) = deed.span.ended.filter(|ended| since < *ended) else { continue };
        felt.longest = felt.longest.max(ended - deed.span.began);
        match deed.outcome {
            Outcome::Done(_) if back < ended => felt.recovery = felt.recovery.min(ended - back),
            Outcome::Nothing => felt.refused += 1,
            _ => {}
        }
    }
    felt
}

#[track_caller]
fn all_is_well(town: &mut Town) {
    assert_eq!(town.settle(), Vec::<String>::new());
    assert_eq!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
    assert_eq!(town.complaints(), Vec::<String>::new());
}

#[test]
fn a_database_that_stands_still_is_answered_for() {
    let (cluster, mut town) = founded(81);
    let mut times = None;
    town.work(|_| {
        std::thread::sleep(Duration::from_millis(200));
        let since = Instant::now();
        cluster.primary().freeze();
        std::thread::sleep(OUTAGE);
        cluster.primary().thaw();
        times = Some((since, Instant::now()));
        std::thread::sleep(Duration::from_secs(2));
    });
    let (since, back) = times.unwrap();
    let Felt { longest, recovery, refused } = felt(town.deeds(), since, back);
    eprintln!(
        "frozen: the longest answer took {longest:?}, {refused} were told that nothing was done; \
         sales went on after {recovery:?}"
    );
    assert!(0 < refused, "everybody waited");
    assert!(longest < ANSWER_MAX && recovery < RECOVERY_MAX, "{longest:?} {recovery:?}");
    all_is_well(&mut town);
}

/// The other server takes care of what this one has left, though it is still there.
#[test]
fn a_server_that_was_taken_for_gone_comes_back() {
    let (cluster, mut town) = founded(82);
    let mut times = None;
    town.work(|_| {
        std::thread::sleep(Duration::from_millis(200));
        let since = Instant::now();
        cluster.wires()[0].hold();
        std::thread::sleep(Duration::from_secs(8));
        cluster.wires()[0].release();
        times = Some((since, Instant::now()));
        std::thread::sleep(Duration::from_secs(2));
    });
    let (since, back) = times.unwrap();
    let of_that = town.programs.iter().step_by(SERVERS).flat_map(|program| program.deeds());
    let Felt { longest, recovery, refused } = felt(of_that, since, back);
    eprintln!(
        "not reached: the longest answer took {longest:?}, {refused} were told that nothing was \
         done; sales went on after {recovery:?}"
    );
    assert!(longest < ANSWER_MAX && recovery < RECOVERY_MAX, "{longest:?} {recovery:?}");
    all_is_well(&mut town);
}

/// Connections break while something is committed, and no others are to be had for so long that the
/// servers give up finding out what became of it. One commit has arrived, and the other has not.
#[test]
fn what_nobody_could_find_out_is_told_by_the_books() {
    let (cluster, mut town) = founded(83);
    let fates = [Fate::Late(Duration::ZERO), Fate::Lost];
    town.work(|_| {
        for (wire, fate) in cluster.wires().iter().zip(fates) {
            wire.refuse();
            // Heartbeats are committed too, each on a connection of its own.
            for _ in 0..COMMITTING {
                let cuts = wire.counts().cuts;
                wire.cut_at_commit(fate);
                wire.has_cut(cuts + 1, Duration::from_secs(1));
            }
            wire.spare();
            wire.cut();
        }
        std::thread::sleep(OUTAGE);
        cluster.wires().iter().for_each(Wire::admit);
        std::thread::sleep(Duration::from_secs(1));
    });
    for (server, fate) in fates.iter().enumerate() {
        let of_that = town.programs.iter().skip(server).step_by(SERVERS);
        let last = of_that.filter_map(|program| program.deeds().last());
        let unknown = last.filter(|deed| matches!(deed.outcome, Outcome::Unknown)).count();
        eprintln!("{fate:?}: {unknown} were told that nobody knows");
        assert!(0 < unknown, "{fate:?}: it was found out");
    }
    all_is_well(&mut town);
}

/// A server is killed with a commit on its way, and the next one starts before that arrives. Whoever
/// asked has no key, and asks again at another server.
#[test]
fn a_commit_that_arrives_after_the_next_start_is_told_again() {
    let cluster = Cluster::start(SERVERS);
    let mut shop = cluster.keep(Town::setup(BINARY)).open();
    let ann = shop.customer("Ann", "100.00");
    for round in 1..=ROUNDS {
        let body = with(&order("IPv4", "USA", 1, 30), json!({ "goal": format!("round {round}") }));
        let request = ann.posting("/order", &body);
        let wire = &cluster.wires()[0];
        let cuts = wire.counts().cuts;
        wire.cut_at_commit(Fate::Late(LATE));
        let mut held = Held::start(shop.address_of(0), std::slice::from_ref(&request));
        held.release();
        // The first may be a heartbeat's.
        for cut in 1..=2 {
            assert!(wire.has_cut(cuts + cut, PATIENCE), "nothing was committed");
            wire.cut_at_commit(Fate::Late(LATE));
        }
        shop.kill_node(0);
        wire.spare();
        shop.reopen_node(0);
        let again = request.send(shop.address_of(1));
        again.ok();
        assert!(again.is_replayed(), "round {round}: it was bought again");
        assert_eq!(shop.balance(&ann), 10_000 - 100 * round, "round {round}");
    }
    shop.audit();
}
