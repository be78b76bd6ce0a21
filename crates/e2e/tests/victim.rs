//! The faults of a disk, tried on a small program before they are believed of the real one.
#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::power::{self, Failure};
use e2e::shim::{self, Fault, Faults};
use rusqlite::Connection;

/// Lines that a victim is given before the power is cut.
const LINES: usize = 150;

/// Possible disks that are looked at, of each victim.
const IMAGES: usize = 400;

#[test]
fn a_victim_that_syncs_keeps_what_it_promised() {
    let failures = cut_power("FULL");
    assert!(failures.is_empty(), "{} failures, first {}", failures.len(), failures[0]);
}

/// In WAL mode this syncs at checkpoints only: the file stays whole, but the last lines are lost.
#[test]
fn a_victim_that_syncs_seldom_is_found_out() {
    let failures = cut_power("NORMAL");
    let lost = failures.iter().filter(|failure| failure.reason.contains("lost")).count();
    assert!(IMAGES / 10 < lost, "{lost} lost of {IMAGES}");
    assert_eq!(lost, failures.len(), "{failures:?}");
}

#[test]
fn a_victim_that_never_syncs_is_found_out() {
    let failures = cut_power("OFF");
    assert!(IMAGES / 10 < failures.len(), "{} failures of {IMAGES}", failures.len());
}

#[test]
fn a_full_disk_refuses_until_there_is_space_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = victim(folder.path(), "FULL");
    let faults = Faults::prepare(&mut program, folder.path());
    let mut running = program.spawn().unwrap();
    let mut client = Client::new(&mut running);

    assert_eq!(client.send("before"), "ok");
    faults.begin(Fault::Full);
    let answer = client.send("meanwhile");
    assert!(answer.contains("full"), "{answer}");
    faults.end();
    assert_eq!(client.send("after"), "ok");

    drop(client);
    assert!(running.wait().unwrap().success());
    check(folder.path(), &["before".into(), "after".into()]).unwrap();
    assert_eq!(check(folder.path(), &["meanwhile".into()]), Err("lost meanwhile".into()));
}

#[test]
fn a_broken_disk_makes_nothing_durable() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = victim(folder.path(), "FULL");
    let faults = Faults::prepare(&mut program, folder.path());
    let mut running = program.spawn().unwrap();
    let mut client = Client::new(&mut running);

    assert_eq!(client.send("before"), "ok");
    faults.begin(Fault::Broken);
    let answer = client.send("meanwhile");
    assert!(answer.contains("disk I/O error"), "{answer}");

    drop(client);
    running.wait().unwrap();
}

#[test]
fn a_slow_disk_is_slow_at_every_sync() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = victim(folder.path(), "FULL");
    shim::slow_syncs(&mut program, 20_000);
    let mut running = program.spawn().unwrap();
    let mut client = Client::new(&mut running);

    let since = Instant::now();
    for i in 0..10 {
        assert_eq!(client.send(&i.to_string()), "ok");
    }
    assert!(Duration::from_millis(200) <= since.elapsed(), "{:?}", since.elapsed());

    drop(client);
    running.wait().unwrap();
}

/// Runs a victim, cuts its power and says which promises were not kept.
fn cut_power(synchronous: &str) -> Vec<Failure> {
    let folder = tempfile::tempdir().unwrap();
    let mut program = victim(folder.path(), synchronous);
    let recording = power::record(&mut program, folder.path(), |running, journal| {
        let mut client = Client::new(running);
        for i in 0..LINES {
            let line = format!("line {i}");
            assert_eq!(client.send(&line), "ok");
            journal.promised(line);
        }
    });
    assert_eq!(recording.promises().len(), LINES);
    recording.cut(IMAGES, 1, check)
}

/// Opens an image: it must be whole, and hold what was promised.
fn check(image: &Path, promised: &[String]) -> Result<(), String> {
    look(image, promised).unwrap_or_else(|error| Err(format!("broken: {error}")))
}

fn look(image: &Path, promised: &[String]) -> rusqlite::Result<Result<(), String>> {
    let database = Connection::open(image.join("victim.db"))?;
    let tables: i64 =
        database.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'total'", [], one)?;
    if tables == 0 {
        return Ok(promised.first().map_or(Ok(()), |line| Err(format!("lost {line}"))));
    }
    let state: String = database.query_row("PRAGMA quick_check(1)", [], one)?;
    if state != "ok" {
        return Ok(Err(format!("broken: {state}")));
    }
    let counts: (i64, i64) = database.query_row(
        "SELECT (SELECT count(*) FROM line), (SELECT coalesce(sum(lines), 0) FROM total)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if counts.0 != counts.1 {
        return Ok(Err(format!("half done: {counts:?}")));
    }
    let mut line = database.prepare("SELECT count(*) FROM line WHERE text = ?1")?;
    for promise in promised {
        if line.query_row([promise], one::<i64>)? == 0 {
            return Ok(Err(format!("lost {promise}")));
        }
    }
    Ok(Ok(()))
}

fn one<T: rusqlite::types::FromSql>(row: &rusqlite::Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}

fn victim(folder: &Path, synchronous: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_power-cut-victim"));
    program.arg(folder.join("victim.db")).arg(synchronous);
    program.stdin(Stdio::piped()).stdout(Stdio::piped());
    program
}

/// Speaks with a victim.
struct Client {
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn new(victim: &mut Child) -> Client {
        let lines = victim.stdin.take().unwrap();
        Client { lines, answers: BufReader::new(victim.stdout.take().unwrap()) }
    }

    fn send(&mut self, line: &str) -> String {
        writeln!(self.lines, "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }
}
