//! The disk is full for a while, or breaks, while customers buy.
//!
//! A full disk: what writes is refused with 503 and nothing was done, what reads goes on, and work
//! goes on by itself when there is room. A broken disk: the server ends, because it cannot know any
//! more what is durable.
//!
//! `SUBLET_FULL_DISKS=20` fills the disk so often; see `docs/proofs.md`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::deeds::Tally;
use e2e::http::{Answer, Connection, Request};
use e2e::programs::{Program, StopWhenDropped};
use e2e::shim::{Fault, Faults, slow_syncs};
use e2e::town::Town;
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// How long a refusal or a reading may take, and how long the way back. Generous, because tests run
/// on busy machines; the measured times are printed.
const ANSWER_MAX: Duration = Duration::from_secs(3);
const RECOVERY_MAX: Duration = Duration::from_secs(10);

const SIGABRT: i32 = 6;

const PHASE: Duration = Duration::from_millis(600);

/// How a call was answered, and when.
struct Heard {
    began: Instant,
    ended: Instant,
    answer: Answer,
    /// Whether the call only reads.
    reads: bool,
}

/// A town on a disk that can fail.
fn town(seed: u64) -> (Town, Faults) {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), seed);
    town.shop.sigterm();
    let mut faults = None;
    let folder = town.shop.folder().to_owned();
    town.shop.reopen_with(|command| faults = Some(Faults::prepare(command, &folder)));
    (town, faults.unwrap())
}

/// Has everybody buy and look while `during` runs; gives what they heard.
fn listen(town: &mut Town, during: impl FnOnce()) -> Vec<Heard> {
    let address = town.shop.address();
    let (stop, heard) = (AtomicBool::new(false), Mutex::new(vec![]));
    let looking = town.programs[0].customer().clone();
    let calls = [
        looking.reading("/balance"),
        looking.reading("/ipAddress/page?page=0&size=50"),
        looking.posting("/calculate/order", &order("IPv4", "USA", 1, 30)),
    ];
    std::thread::scope(|scope| {
        let _stopping = StopWhenDropped(&stop);
        for program in &mut town.programs {
            scope.spawn(|| buy(program, address, &stop, &heard));
        }
        scope.spawn(|| look(&calls, address, &stop, &heard));
        during();
    });
    heard.into_inner().unwrap()
}

fn buy(program: &mut Program, to: SocketAddr, stop: &AtomicBool, heard: &Mutex<Vec<Heard>>) {
    let mut connection = Connection::open(to);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let Ok(answer) = program.act(&mut connection) else { return };
        note(heard, Heard { began, ended: Instant::now(), answer, reads: false });
        // So that refusals, which are quick, are not all that is measured.
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn look(calls: &[Request], to: SocketAddr, stop: &AtomicBool, heard: &Mutex<Vec<Heard>>) {
    let mut connection = Connection::open(to);
    for call in calls.iter().cycle() {
        let began = Instant::now();
        let sent = connection.send(&call.bytes());
        let Ok(answer) = sent.and_then(|()| connection.answer()) else { return };
        note(heard, Heard { began, ended: Instant::now(), answer, reads: true });
        std::thread::sleep(Duration::from_millis(5));
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn note(heard: &Mutex<Vec<Heard>>, one: Heard) {
    heard.lock().unwrap().push(one);
}

/// Asserts that an answer says that nothing was done, in the documented words.
#[track_caller]
fn assert_nothing_was_done(answer: &Answer) {
    let body = answer.json();
    assert_eq!(answer.status, 503, "{body}");
    assert!(answer.header("retry-after").is_some_and(|it| it.parse::<u32>().is_ok()));
    assert_eq!(body["success"], json!(false));
    let message = "Temporarily unavailable, nothing was done";
    assert_eq!(body["error"], json!({ "code": 35, "message": message }));
}

fn slowest<'a>(heard: impl Iterator<Item = &'a Heard>) -> Duration {
    heard.map(|one| one.ended - one.began).max().unwrap_or_default()
}

#[test]
fn a_full_disk_refuses_what_writes_and_harms_nothing() {
    let rounds = std::env::var("SUBLET_FULL_DISKS").map_or(4, |rounds| rounds.parse().unwrap());
    let (mut town, faults) = town(21);
    for round in 0..rounds {
        let (mut full, mut room) = (Instant::now(), Instant::now());
        let address = town.shop.address();
        let heard = listen(&mut town, || {
            std::thread::sleep(PHASE / 2 + Duration::from_millis(37 * round % 200));
            let fault = if round % 2 == 0 { Fault::Full } else { Fault::NearlyFull };
            faults.begin(fault);
            full = Instant::now();
            std::thread::sleep(PHASE);
            assert_eq!(Request::get("/healthz").send(address).status, 200);
            assert_eq!(Request::get("/readyz").send(address).status, 200, "reading goes on");
            room = Instant::now();
            faults.end();
            std::thread::sleep(PHASE);
        });
        let is_within = |one: &&Heard| full <= one.began && one.ended <= room;
        let within: Vec<&Heard> = heard.iter().filter(is_within).collect();
        let refused: Vec<&Heard> = within.iter().filter(|one| !one.reads).copied().collect();
        let read: Vec<&Heard> = within.iter().filter(|one| one.reads).copied().collect();
        assert!(10 < refused.len() && 10 < read.len(), "{} {}", refused.len(), read.len());
        for one in &refused {
            // Who has no money is told that, disk or no disk.
            if one.answer.status != 200 || one.answer.code() != 16 {
                assert_nothing_was_done(&one.answer);
            }
        }
        for one in heard.iter().filter(|one| one.reads) {
            one.answer.ok();
        }
        let slow = slowest(refused.iter().copied());
        let slow_read = slowest(read.iter().copied());
        let bought = |one: &&Heard| room <= one.ended && !one.reads && one.answer.status == 200;
        let again = heard.iter().filter(bought).map(|one| one.ended - room).min();
        eprintln!(
            "round {round}: {} refused in {slow:?} at most, {} read in {slow_read:?} at most, bought \
             again after {again:?}",
            refused.len(),
            read.len(),
        );
        assert!(slow < ANSWER_MAX && slow_read < ANSWER_MAX);
        assert!(again.is_some_and(|it| it < RECOVERY_MAX), "nobody can buy again");
        assert_eq!(town.settle(), Vec::<String>::new(), "round {round}");
        assert_eq!(town.complaints(), Vec::<String>::new(), "round {round}");
    }
    let tally = Tally::of(town.deeds());
    assert!(0 < tally.nothing && 0 < tally.done, "{tally:?}");

    // What was refused has left nothing behind that a crash would bring to light.
    town.shop.kill9();
    town.shop.reopen();
    assert_eq!(town.complaints(), Vec::<String>::new());
    assert_eq!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
}

/// A server that is killed while its disk is full starts when there is room, and has lost nothing.
#[test]
fn a_kill_on_a_full_disk_loses_nothing() {
    for (seed, fault) in [(22, Fault::Full), (23, Fault::NearlyFull)] {
        let (mut town, faults) = town(seed);
        listen(&mut town, || {
            std::thread::sleep(PHASE / 2);
            faults.begin(fault);
            std::thread::sleep(PHASE / 4);
        });
        town.shop.kill9();
        town.shop.reopen();
        assert_eq!(town.settle(), Vec::<String>::new(), "{fault:?}");
        assert_eq!(town.complaints(), Vec::<String>::new(), "{fault:?}");
    }
}

#[test]
fn a_broken_disk_ends_the_server_and_the_next_one_starts_clean() {
    let mut ended_after = vec![];
    for round in 0..3 {
        let (mut town, faults) = town(30 + round);
        let mut broke = Instant::now();
        let heard = listen(&mut town, || {
            std::thread::sleep(PHASE / 2);
            faults.begin(Fault::Broken);
            broke = Instant::now();
            std::thread::sleep(PHASE);
        });
        let late = heard.iter().filter(|one| broke <= one.began && one.answer.status == 200);
        let spent = late.filter(|one| !one.reads && one.answer.code() == 0).count();
        assert_eq!(spent, 0, "something was acknowledged that is not durable");
        let status = town.shop.ended();
        assert_eq!(status.signal(), Some(SIGABRT), "{status}: {}", town.shop.logged());
        let last = heard.iter().map(|one| one.ended).max().unwrap();
        ended_after.push(last.saturating_duration_since(broke));
        town.shop.reopen();
        assert_eq!(town.settle(), Vec::<String>::new());
        assert_eq!(town.complaints(), Vec::<String>::new());
        assert_eq!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
    }
    eprintln!("the last answers came {ended_after:?} after the disk broke");
}

/// A server that nobody asks for anything has things to write as well.
#[test]
fn a_disk_that_breaks_in_a_quiet_moment_ends_the_server_too() {
    let (mut town, faults) = town(40);
    town.work(|_| std::thread::sleep(PHASE / 4));
    faults.begin(Fault::Broken);
    // It notes within seconds that all answers have arrived, which is the first write that fails.
    let status = town.shop.ended();
    assert_eq!(status.signal(), Some(SIGABRT), "{status}: {}", town.shop.logged());
    town.shop.reopen();
    assert_eq!(town.complaints(), Vec::<String>::new());
}

/// The disk becomes full between a purchase and the note that its buyer has left. When there is room
/// again and the buyer asks again, the purchase is still known.
#[test]
fn who_left_when_the_disk_became_full_is_charged_once() {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), 41);
    town.shop.sigterm();
    let (mut faults, folder) = (None, town.shop.folder().to_owned());
    town.shop.reopen_with(|command| {
        slow_syncs(command, 300_000);
        faults = Some(Faults::prepare(command, &folder));
    });
    let (shop, faults) = (&town.shop, faults.unwrap());
    let customer = town.programs[0].customer();
    // The first write to a new log syncs twice.
    shop.order(customer, &order("IPv4", "USA", 1, 90));
    let balance = shop.balance(customer);
    let wanted = order("IPv4", "USA", 1, 30);
    let mut connection = Connection::open(shop.address());
    connection.send(&customer.posting("/order", &wanted).bytes()).unwrap();
    // The order is written by now, and its sync goes on.
    std::thread::sleep(Duration::from_millis(150));
    connection.close();
    faults.begin(Fault::Full);
    // The sync has ended, and whatever is written next has failed.
    std::thread::sleep(Duration::from_millis(1_000));
    assert_eq!(shop.balance(customer), balance - 100, "the order was not done before");
    faults.end();
    let again = shop.post(customer, "/order", &wanted);
    again.ok();
    assert_eq!(shop.balance(customer), balance - 100, "charged twice");
    assert!(again.is_replayed());
    shop.audit();
}
