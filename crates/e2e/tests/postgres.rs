//! A database server of the tests' own, and what can be done to it.
#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::postgres::pooler::Pooler;
use e2e::postgres::wire::{Fate, Wire};
use e2e::postgres::{Acknowledged, Postgres, psql};

/// Has a test of this file end like a process that was killed, after it has said where its server is.
const DIES: &str = "SUBLET_TEST_DIES";

/// Longer than whatever takes a moment.
const A_WHILE: Duration = Duration::from_secs(20);

fn rows(url: &str) -> String {
    psql(url, "SELECT string_agg(name, ' ' ORDER BY name) FROM line").unwrap().trim().to_owned()
}

#[track_caller]
fn table(postgres: &Postgres) -> String {
    let url = postgres.new_database();
    psql(&url, "CREATE TABLE line (name TEXT PRIMARY KEY)").unwrap();
    url
}

fn insert(name: &str) -> String {
    format!("INSERT INTO line VALUES ('{name}')")
}

#[test]
fn each_database_is_new() {
    let shared = Postgres::shared();
    let (one, other) = (table(shared), table(shared));
    psql(&one, &insert("a")).unwrap();
    assert_eq!((rows(&one).as_str(), rows(&other).as_str()), ("a", ""));
    let encoding = psql(&one, "SHOW server_encoding").unwrap();
    assert_eq!(encoding.trim(), "UTF8");
    shared.drop_database(&other);
    assert!(psql(&other, "SELECT 1").unwrap_err().contains("does not exist"));
    assert!(psql(&one, "SELECT 1; SELECT 1/0").unwrap_err().contains("division by zero"));
}

#[test]
fn a_killed_server_has_what_it_acknowledged() {
    let postgres = Postgres::start();
    let url = table(&postgres);
    for round in 0..3 {
        psql(&url, &insert(&round.to_string())).unwrap();
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| psql(&url, "SELECT pg_sleep(60)"));
            while psql(&url, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'sleep.60'")
                .unwrap()
                .trim()
                != "2"
            {}
            postgres.kill9();
            waiting.join().unwrap()
        });
        assert!(waiting.is_err(), "the kill has spared a connection");
        assert!(psql(&url, "SELECT 1").is_err(), "the server is still there");
        postgres.start_again();
    }
    assert_eq!(rows(&url), "0 1 2");
    assert!(postgres.logged().contains("automatic recovery in progress"), "{}", postgres.logged());
}

#[test]
fn a_frozen_server_answers_later() {
    let postgres = Postgres::start();
    let url = table(&postgres);
    postgres.freeze();
    std::thread::scope(|scope| {
        let began = Instant::now();
        let inserting = scope.spawn(|| psql(&url, &insert("late")));
        std::thread::sleep(Duration::from_millis(500));
        assert!(!inserting.is_finished(), "it has answered");
        postgres.thaw();
        inserting.join().unwrap().unwrap();
        assert!(began.elapsed() < A_WHILE);
    });
    assert_eq!(rows(&url), "late");
}

#[test]
fn a_standby_that_acknowledges_has_everything() {
    let first = Postgres::start();
    let url = table(&first);
    let standby = first.standby(Acknowledged::ByBoth);
    // It is slow, and yet nothing is lost.
    standby.freeze();
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| psql(&url, &insert("both")));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!inserting.is_finished(), "it was acknowledged by the first alone");
        standby.thaw();
        inserting.join().unwrap().unwrap();
    });
    first.kill9();
    standby.promote();
    let name = url.rsplit('/').next().unwrap();
    let promoted = standby.url(name);
    assert_eq!(rows(&promoted), "both");
    psql(&promoted, &insert("new")).unwrap();

    let next = standby.standby(Acknowledged::ByBoth);
    psql(&promoted, &insert("third")).unwrap();
    assert_eq!(rows(&next.url(name)), "both new third");
}

#[test]
fn a_standby_that_is_not_asked_may_lack_something() {
    let first = Postgres::start();
    let url = table(&first);
    let standby = first.standby(Acknowledged::ByTheFirstAlone);
    standby.cut_off();
    psql(&url, &insert("lost")).unwrap();
    first.kill9();
    standby.promote();
    assert_eq!(rows(&standby.url(url.rsplit('/').next().unwrap())), "");
}

/// Runs itself as a program that is killed. Whoever kills it cannot have it clean up.
#[test]
fn the_server_of_a_killed_test_ends_too() {
    if std::env::var_os(DIES).is_some() {
        let own = Postgres::start();
        println!("\n{}", own.psql("postgres", "SHOW data_directory"));
        println!("\n{}", Postgres::shared().psql("postgres", "SHOW data_directory"));
        std::thread::sleep(A_WHILE);
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_server_of_a_killed_test_ends_too", "--nocapture"]);
    command.env(DIES, "1").env_remove("SUBLET_TEST_POSTGRES").stdout(Stdio::piped());
    let mut dying = command.spawn().unwrap();
    let out = BufReader::new(dying.stdout.take().unwrap());
    let said = out.lines().map(Result::unwrap).filter(|line| line.starts_with('/'));
    let folders: Vec<String> = said.take(2).collect();
    dying.kill().unwrap();
    dying.wait().unwrap();
    let killed = Instant::now();
    assert_eq!(folders.len(), 2);
    for folder in folders {
        let folder = Path::new(&folder);
        // What it works on is in a folder that is removed as a whole.
        while folder.exists() || folder.parent().unwrap().exists() {
            assert!(killed.elapsed() < A_WHILE, "{} is still there", folder.display());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Inserts through a wire, in a transaction that sends its commit as a message of its own.
fn insert_through(url: &str, name: &str) -> Result<String, String> {
    let insert = insert(name);
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    for statement in ["BEGIN", &insert, "COMMIT"] {
        command.args(["-c", statement]);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Asserts that the rows become these, sooner or later.
#[track_caller]
fn become_rows(url: &str, expected: &str) {
    let began = Instant::now();
    while rows(url) != expected {
        assert!(began.elapsed() < A_WHILE, "{}", rows(url));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_wire_is_cut_around_a_commit() {
    let postgres = Postgres::start();
    let url = table(&postgres);
    let wire = Wire::to(postgres.address());
    let through = wire.url(&url);

    insert_through(&through, "a").unwrap();
    assert_eq!(rows(&through), "a");
    assert_eq!((wire.counts().connections, wire.counts().commits), (2, 1));
    assert_eq!(wire.counts().cuts, 0);

    wire.cut_at_commit(Fate::Lost);
    insert_through(&through, "b").unwrap_err();
    assert_eq!(rows(&url), "a");

    wire.cut_at_commit(Fate::Unheard);
    insert_through(&through, "c").unwrap_err();
    assert_eq!(rows(&url), "a c");

    wire.cut_at_commit(Fate::Late(Duration::from_millis(600)));
    insert_through(&through, "d").unwrap_err();
    assert_eq!(rows(&url), "a c", "it is not late");
    become_rows(&url, "a c d");

    assert!(wire.has_cut(3, A_WHILE));
    assert_eq!((wire.counts().cuts, wire.counts().commits), (3, 4));
    insert_through(&through, "e").unwrap();
    wire.cut_at_commit(Fate::Lost);
    wire.spare();
    insert_through(&through, "f").unwrap();
    assert_eq!(rows(&url), "a c d e f");
}

#[test]
fn a_wire_is_cut_after_some_bytes() {
    let postgres = Postgres::start();
    let url = table(&postgres);
    let wire = Wire::to(postgres.address());
    let (mut done, mut cut) = (0, 0);
    for bytes in (0..1_500).step_by(100) {
        wire.cut_after(bytes);
        match insert_through(&wire.url(&url), &bytes.to_string()) {
            Ok(_) => done += 1,
            Err(_) => cut += 1,
        }
    }
    assert!(0 < done && 0 < cut, "{done} done, {cut} cut");
    assert_eq!(wire.counts().cuts, cut);
}

#[test]
fn a_wire_holds_refuses_cuts_and_leads_elsewhere() {
    let (one, other) = (Postgres::start(), Postgres::start());
    let wire = Wire::to(one.address());
    let through = wire.url(&one.url("postgres"));
    let server = || psql(&through, "SHOW port").map(|port| port.trim().parse::<u16>().unwrap());
    assert_eq!(server(), Ok(one.address().port()));

    wire.hold();
    std::thread::scope(|scope| {
        let asking = scope.spawn(server);
        std::thread::sleep(Duration::from_millis(300));
        assert!(!asking.is_finished(), "nothing is held");
        wire.release();
        assert!(asking.join().unwrap().is_ok());
    });

    wire.refuse();
    server().unwrap_err();
    wire.admit();
    std::thread::scope(|scope| {
        let sleeping = scope.spawn(|| psql(&through, "SELECT pg_sleep(60)"));
        let began = wire.counts().connections;
        while wire.counts().connections == began {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(200));
        wire.cut();
        sleeping.join().unwrap().unwrap_err();
    });

    wire.lead_to(other.address());
    assert_eq!(server(), Ok(other.address().port()));
    other.kill9();
    server().unwrap_err();
    drop(wire);
    server().unwrap_err();
}

#[test]
fn a_pooler_has_clients_share_connections() {
    let postgres = Postgres::start();
    let url = table(&postgres);
    let pooler = Pooler::before(postgres.address(), 1);
    let through = pooler.url(&url);
    insert_through(&through, "a").unwrap();
    assert_eq!(rows(&through), "a");
    psql(&through, "SET statement_timeout = '1h'").unwrap();
    assert_eq!(psql(&through, "SHOW statement_timeout").unwrap().trim(), "1h", "as it was left");
    let backend = || psql(&through, "SELECT pg_backend_pid()").unwrap();
    assert_eq!(backend(), backend(), "each client has a connection of its own");
}
