//! The power fails while customers buy. Everything that they were told is on the disk.
//!
//! The server runs once, with a recorder between it and its files. Then the power is cut at many
//! points of the recording, and what the disk may hold then is opened and proved like any other
//! database: unsynced writes are there, or not, or in part, in any order.
//!
//! `SUBLET_IMAGES=3000` looks at so many disks; see `docs/proofs.md`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use e2e::auditor::Auditor;
use e2e::database::Database;
use e2e::power::{Failure, Journal, Recording, record};
use e2e::programs::StopWhenDropped;
use e2e::server::{first_line, listening, wait};
use e2e::town::Town;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// How long customers buy while the server is recorded.
const WORK: Duration = Duration::from_millis(1_500);

/// The write-ahead log is moved into the database when it has this many bytes.
const LOG_BYTES: u64 = 8_000 * 4_096;

fn images() -> usize {
    std::env::var("SUBLET_IMAGES").map_or(300, |images| images.parse().unwrap())
}

/// A request of a program that was answered: the program, and the number of the request.
type Promise = (usize, usize);

/// Has customers buy from a server that is recorded; then `end` is done to it.
fn recorded(town: &mut Town, end: impl FnOnce(&mut Child)) -> Recording<Promise> {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = town.shop.serve_command();
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let folder = town.shop.folder().to_owned();
    let programs = &mut town.programs;
    record(&mut command, &folder, |server: &mut Child, journal: &Journal<Promise>| {
        let ready = first_line(server.stdout.take().unwrap(), elsewhere.path());
        let address = ready.as_ref().and_then(listening).expect("the server gets ready");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (number, program) in programs.iter_mut().enumerate() {
                let stop = &stop;
                scope.spawn(move || {
                    program.work(address, stop, |deed| journal.promised((number, deed)));
                });
            }
            let _stopping = StopWhenDropped(&stop);
            std::thread::sleep(WORK);
        });
        end(server);
    })
}

/// Why the disk in `folder` is not what was promised to the programs, which had made so many
/// requests `before`.
fn judge(
    town: &mut Town,
    before: &[usize],
    folder: &Path,
    promises: &[Promise],
) -> Result<(), String> {
    let auditor = Auditor::new(BINARY, &Database::in_folder(folder));
    auditor.audit()?;
    let journal = auditor.journal(0)?;
    let balances = auditor.balances()?;
    let mut told = before.to_vec();
    for (program, deed) in promises {
        told[*program] = told[*program].max(deed + 1);
    }
    match town.witness(&told, 1).complaints(&journal, &balances).into_iter().next() {
        None => Ok(()),
        Some(complaint) => Err(complaint),
    }
}

fn cut(
    town: &mut Town,
    before: &[usize],
    recording: &Recording<Promise>,
    images: usize,
    seed: u64,
) -> Vec<Failure> {
    let began = Instant::now();
    let failures =
        recording.cut(images, seed, |folder, promises| judge(town, before, folder, promises));
    eprintln!(
        "{images} images of {} records and {} promises in {:?}: {} lost something",
        recording.records(),
        recording.promises().len(),
        began.elapsed(),
        failures.len(),
    );
    failures
}

/// A shop that was closed, and how much its programs had asked for.
fn closed_town(seed: u64) -> (Town, Vec<usize>) {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), seed);
    town.shop.sigterm();
    let told = town.told();
    (town, told)
}

#[track_caller]
fn assert_none(failures: &[Failure]) {
    assert!(failures.is_empty(), "{} images, such as {}", failures.len(), failures[0]);
}

/// On a disk that does not sync.
#[track_caller]
fn assert_some(failures: &[Failure]) {
    assert!(!failures.is_empty(), "a disk that does not sync was not found out");
}

#[test]
fn a_power_cut_loses_nothing_that_was_promised() {
    let (mut town, before) = closed_town(11);
    let terminate = |server: &mut Child| {
        let id = server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(wait(server).success());
    };
    let recording = recorded(&mut town, terminate);
    let failures = cut(&mut town, &before, &recording, images(), 1);
    assert_none(&failures);
}

/// The log is long already, and on the way is moved into the database and begun anew.
#[test]
fn a_power_cut_while_the_log_starts_over_loses_nothing() {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), 12);
    lengthen_log(&town);
    town.shop.kill9();
    let before = town.told();
    let recording = recorded(&mut town, |_| {});
    assert!(recording.wrote_to("sublet.db"), "the log was not moved into the database");
    let failures = cut(&mut town, &before, &recording, images() / 3, 2);
    assert_none(&failures);
}

/// Adds to the stock until the log is nearly as long as it may become.
fn lengthen_log(town: &Town) {
    let log = town.shop.folder().join("sublet.db-wal");
    for network in 0..200 {
        let length = std::fs::metadata(&log).unwrap().len();
        if LOG_BYTES - LOG_BYTES / 16 < length {
            assert!(length < LOG_BYTES, "the log has started over already: {length}");
            return;
        }
        town.shop.stock(&format!("--kind IPv4 --country DEU --cidr 10.{}.0.0/22", 64 + network));
    }
    panic!("the log does not become long");
}

/// A shop that is cut off while it is set up can be set up again, and one that was said to be there
/// is there.
#[test]
fn a_power_cut_while_a_shop_is_set_up_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let set_up = |folder: &Path| {
        let mut command = Command::new(BINARY);
        command.arg("--database").arg(format!("sqlite:{}", folder.join("sublet.db").display()));
        command.args(["--json", "init", "--sandbox"]).stdout(Stdio::null());
        command
    };
    let recording = record(&mut set_up(folder.path()), folder.path(), |init, journal| {
        assert!(wait(init).success());
        journal.promised(());
    });
    let judge = |folder: &Path, promises: &[()]| {
        let auditor = Auditor::new(BINARY, &Database::in_folder(folder));
        if promises.is_empty() {
            let again = set_up(folder).stderr(Stdio::piped()).output().unwrap();
            if !again.status.success() {
                return Err(String::from_utf8_lossy(&again.stderr).into_owned());
            }
        }
        auditor.audit()
    };
    assert_none(&recording.cut(images() / 3, 4, judge));
    assert_some(&recording.with_syncs_ignored().cut(40, 5, judge));
}

/// Each command line opens the database and closes it as the last one who has it open, which begins
/// and ends the log every time.
#[test]
fn what_the_command_line_said_is_there_after_a_power_cut() {
    const COMMANDS: usize = 12;
    let (town, _) = closed_town(14);
    let customer = town.programs[0].customer().id;
    for _ in 0..COMMANDS {
        town.shop.key(customer, "--name cut");
    }
    let before = town.auditor().journal(0).unwrap();
    let listed = town.shop.run(&["key", "list", "--customer", &customer.to_string()]);
    let named = listed.iter().filter(|key| key["name"] == "cut");
    let keys: Vec<String> = named.map(|key| key["key_id"].to_string()).collect();

    let mut shell = Command::new("sh");
    let script = "customer=$1; shift; for key in \"$@\"; do
            $0 wallet deposit --customer $customer --amount 1.00 --note \"cut $key\" && echo $key
            $0 key revoke $key && echo $key
        done; read end";
    shell.args(["-c", script, BINARY, &customer.to_string()]).args(&keys);
    shell.env("SUBLET_DATABASE", format!("sqlite:{}", town.shop.database().file().display()));
    shell.stdin(Stdio::piped()).stdout(Stdio::piped());
    let folder = town.shop.folder();
    let recording = record(&mut shell, folder, |shell: &mut Child, journal: &Journal<String>| {
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        for promise in 0..2 * COMMANDS {
            // Before its number each command prints what it has done.
            let number = lines.by_ref().map(Result::unwrap).find(|line| keys.contains(line));
            assert_eq!(number.as_ref(), Some(&keys[promise / 2]));
            journal.promised(number.unwrap());
        }
    });

    let judge = |folder: &Path, promises: &[String]| {
        let auditor = Auditor::new(BINARY, &Database::in_folder(folder));
        auditor.audit()?;
        let paid = auditor.journal(0)?.len() - before.len();
        let expected = promises.len().div_ceil(2);
        if !(expected..=expected + 1).contains(&paid) {
            return Err(format!("{paid} deposits instead of {expected}"));
        }
        let revoked = auditor.revoked_keys()?;
        match keys.iter().take(promises.len() / 2).find(|key| !revoked.contains(*key)) {
            None => Ok(()),
            Some(key) => Err(format!("the key {key} is valid again")),
        }
    };
    assert_none(&recording.cut(images() / 3, 6, judge));
    assert_some(&recording.with_syncs_ignored().cut(40, 7, judge));
}

/// The same proof finds out a disk that says it has synced and has not.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let (mut town, before) = closed_town(13);
    let recording = recorded(&mut town, |_| {}).with_syncs_ignored();
    let images = 60.min(images());
    let failures = cut(&mut town, &before, &recording, images, 3);
    let lost = failures.iter().filter(|it| it.reason.starts_with("lost")).count();
    eprintln!(
        "without syncs {} of {images} images fail, {lost} of them only by loss",
        failures.len()
    );
    assert!(images / 3 < failures.len(), "{}", failures.len());
    assert!(0 < lost, "{:?}", failures.first());
}
