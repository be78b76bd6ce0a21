//! One fault after another, in no order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::cluster::Cluster;
use e2e::deeds::{Tally, refusals};
use e2e::postgres::Acknowledged;
use e2e::postgres::wire::Fate;
use e2e::random::Random;
use e2e::shop::Shop;

use crate::{SERVERS, founded, pause};

/// What fails in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// PostgreSQL is killed and started again.
    Kill,
    /// PostgreSQL stands still for a while.
    Freeze,
    /// PostgreSQL is killed, and the standby takes its place.
    FailOver,
    /// Connections break, all at once.
    Cut,
    /// Connections break in the middle of what is said on them.
    CutAnywhere,
    /// Connections break while they commit.
    CutAtCommit,
    /// One of the servers does not reach the database for a while.
    Hold,
    /// One of the servers is killed and started again.
    KillServer,
    /// One of the servers is killed with commits on their way, which arrive later.
    KillServerThatCommits,
    /// All is killed at once.
    KillAll,
}

/// Each comes in turn, so that every run has all of them.
const ALL: [Fault; 10] = [
    Fault::Kill,
    Fault::CutAtCommit,
    Fault::KillServer,
    Fault::FailOver,
    Fault::CutAnywhere,
    Fault::Freeze,
    Fault::KillServerThatCommits,
    Fault::Cut,
    Fault::Hold,
    Fault::KillAll,
];

/// How often connections are cut in a round.
const CUTS: usize = 6;

fn from_environment(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

#[test]
fn two_servers_are_one_shop_whatever_fails() {
    let rounds = from_environment("SUBLET_FAULTS", 2 * ALL.len());
    let seed = u64::try_from(from_environment("SUBLET_SEED", 1)).unwrap();
    let began = Instant::now();
    let (mut cluster, mut town) = founded(seed);
    cluster.follow(Acknowledged::ByBoth);
    let mut random = Random::new(seed);
    let mut comparison = ALL.len().min(rounds);
    let mut repeated = vec![0; town.programs.len()];
    let mut spent: BTreeMap<Fault, Duration> = BTreeMap::new();
    for (number, fault) in (1..=rounds).zip(ALL.iter().cycle()) {
        let round = Instant::now();
        let paying = (random.below(2) == 0).then(|| town.begin_to_pay());
        town.work(|shop| {
            pause(&mut random, 20, 150);
            fail(*fault, &mut cluster, shop, &mut random);
            pause(&mut random, 50, 200);
        });
        cluster.operator().spare();
        if let Some(paying) = paying {
            town.end_to_pay(paying);
        }
        let what = format!("round {number}, {fault:?}, seed {seed}");
        assert_eq!(town.settle(), Vec::<String>::new(), "{what}");
        if number == comparison {
            assert_eq!(town.repeat(&repeated), Vec::<String>::new(), "{what}");
            assert_eq!(town.complaints(), Vec::<String>::new(), "{what}");
            repeated = town.told();
            comparison = rounds.min(2 * number);
        }
        *spent.entry(*fault).or_default() += round.elapsed();
    }

    let tally = Tally::of(town.deeds());
    let (done, not_done) = town.unheard();
    eprintln!(
        "{rounds} faults in {:?}: {tally:?}, refusals {:?}; of those without an answer {done} had been \
         done and {not_done} not; {} balances looked up; {} deposits; time by fault {spent:.1?}",
        began.elapsed(),
        refusals(town.deeds()),
        town.looks.len(),
        town.deposits.len(),
    );
    assert!(rounds < 20 || (0 < done && 0 < not_done), "no fault has hit anything");
    assert!(rounds < 20 || 0 < tally.nothing, "nobody was told that nothing could be done");
    let expected = [16, 35];
    assert!(refusals(town.deeds()).keys().all(|code| expected.contains(code)));
}

/// Has something fail, and heals it.
fn fail(fault: Fault, cluster: &mut Cluster, shop: &mut Shop, random: &mut Random) {
    let server = random.below(SERVERS);
    match fault {
        Fault::Kill => {
            cluster.primary().kill9();
            pause(random, 0, 300);
            cluster.primary().start_again();
        }
        Fault::Freeze => {
            cluster.primary().freeze();
            pause(random, 300, 1_500);
            cluster.primary().thaw();
        }
        Fault::FailOver => {
            cluster.fail_over();
            cluster.follow(Acknowledged::ByBoth);
        }
        Fault::Cut => {
            for _ in 0..CUTS {
                cluster.wires()[random.below(SERVERS)].cut();
                pause(random, 20, 60);
            }
        }
        Fault::CutAnywhere => {
            for _ in 0..CUTS {
                cluster.wires()[random.below(SERVERS)].cut_after(random.below(20_000));
                pause(random, 20, 60);
            }
        }
        Fault::CutAtCommit => cut_at_commits(cluster, random),
        Fault::Hold => {
            cluster.wires()[server].hold();
            pause(random, 300, 1_500);
            cluster.wires()[server].release();
        }
        Fault::KillServer => {
            shop.kill_node(server);
            pause(random, 0, 300);
            shop.reopen_node(server);
        }
        Fault::KillServerThatCommits => {
            let late = Duration::from_millis(u64::try_from(random.below(600)).unwrap());
            let wire = &cluster.wires()[server];
            let cuts = wire.counts().cuts;
            wire.cut_at_commit(Fate::Late(late));
            wire.has_cut(cuts + 1, Duration::from_secs(1));
            shop.kill_node(server);
            wire.spare();
            shop.reopen_node(server);
        }
        Fault::KillAll => {
            shop.kill_node(server);
            cluster.primary().kill9();
            shop.kill_node(1 - server);
            cluster.primary().start_again();
            shop.reopen();
        }
    }
}

/// Cuts connections between a commit and its answer, in all the ways there are.
fn cut_at_commits(cluster: &Cluster, random: &mut Random) {
    for _ in 0..CUTS {
        let wire = match random.below(SERVERS + 1) {
            SERVERS => cluster.operator(),
            server => &cluster.wires()[server],
        };
        let late = Duration::from_millis(u64::try_from(random.below(400)).unwrap());
        let fate = match random.below(4) {
            0 => Fate::Lost,
            1 => Fate::Late(Duration::ZERO),
            2 => Fate::Late(late),
            _ => Fate::Unheard,
        };
        wire.cut_at_commit(fate);
        pause(random, 20, 100);
    }
    cluster.wires().iter().for_each(e2e::postgres::wire::Wire::spare);
}
