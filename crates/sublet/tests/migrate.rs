//! The books of a shop move from its file to a PostgreSQL server, and nobody notices.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::bodies::{extend, order, with};
use e2e::customer::{Customer, id};
use e2e::dates::millis;
use e2e::http::Request;
use e2e::postgres::wire::Wire;
use e2e::postgres::{Postgres, psql};
use e2e::shop::{Said, Shop};
use e2e::town::Town;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// How long a move may take to get somewhere.
const PATIENCE: Duration = Duration::from_secs(60);

/// What customers can look at.
const CALLS: [&str; 7] = [
    "/balance",
    "/ipAddress",
    "/ipAddress?proxyType=IPv4",
    "/ipAddress?proxyType=IPv6",
    "/ipAddress?proxyType=MOBILE",
    "/ipAddress?proxyType=ISP",
    "/promoCode",
];

/// What the operator can look at.
const LISTS: [&[&str]; 9] = [
    &["events", "list"],
    &["customer", "list"],
    &["key", "list"],
    &["promo", "list"],
    &["limit", "list"],
    &["stock", "list"],
    &["operator", "token", "list"],
    &["catalogue", "show"],
    &["audit"],
];

/// All that anybody can see, byte for byte.
fn seen(shop: &Shop, customers: &[Customer]) -> Vec<String> {
    let mut seen = vec![];
    for customer in customers {
        for call in CALLS {
            seen.push(format!("{call} {}", shop.get(customer, call).text()));
        }
        let bearer = format!("Bearer {}", customer.key);
        for call in ["/api/v1/receipts", "/api/v1/leases", "/api/v1/wallet"] {
            let answer = Request::get(call).header("Authorization", &bearer).send(shop.address());
            assert_eq!(answer.status, 200, "{call} {}", answer.text());
            seen.push(format!("{call} {}", answer.text()));
        }
    }
    for words in LISTS {
        let said = shop.say(&[&["--json"], words].concat());
        assert_eq!(said.code, Some(0), "{words:?} {}", said.err);
        seen.push(format!("{words:?} {}", said.out));
    }
    seen
}

fn migrate(shop: &Shop, url: &str) -> Said {
    shop.say(&["--json", "migrate", "--to", url])
}

/// A move that has been begun.
fn begin(shop: &Shop, url: &str) -> Child {
    let mut command = shop.command();
    command.args(["migrate", "--to", url]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Moves everything, which must succeed; the result.
#[track_caller]
fn moved(shop: &Shop, url: &str) -> Value {
    let said = migrate(shop, url);
    assert_eq!(said.code, Some(0), "{}", said.err);
    said.objects().remove(0)
}

/// A program that must refuse with words that have these in them.
#[track_caller]
fn refuses(said: &Said, words: &str) {
    assert_eq!(said.code, Some(1), "{} {}", said.out, said.err);
    assert!(said.err.contains(words), "{}", said.err);
}

#[track_caller]
fn does_not_serve(command: &mut Command, words: &str) {
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(words), "{err}");
}

/// The server of a shop with its books at `url`.
fn server_at(shop: &Shop, url: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["--database", url, "--key-file"]).arg(shop.folder().join("sublet.key"));
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.env_remove("SUBLET_DATABASE").env_remove("SUBLET_KEY_FILE");
    command
}

/// Waits until `sql` gives a number that is large enough. What is not there yet is none.
#[track_caller]
fn wait_for(url: &str, sql: &str, enough: i64) {
    let began = Instant::now();
    while psql(url, sql).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0) < enough {
        assert!(began.elapsed() < PATIENCE, "{sql} does not get to {enough}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How many parts are there: one for each table.
const PARTS: &str = "SELECT count(*) FROM moving_part";
/// How many there are in the end.
const TABLES: i64 = 35;
const MADE: &str = "SELECT 100 - count(*) FROM moving_later";

/// Ann and Bob with everything that can be had, some of it told to extend itself.
fn street() -> (Shop, [Customer; 2]) {
    let setup = Town::setup(BINARY).catalogue(e2e::shop::SAMPLE).in_a_file();
    let shop = setup.stock("--kind MOBILE --country USA --operator verizon --cidr 192.0.2.0/28");
    let shop = shop.stock("--kind ISP --country USA --cidr 203.0.113.0/26").open();
    shop.promo("SPRING --percent 10");
    let people = [shop.customer("Ann", "1000.00"), shop.customer("Bob", "1000.00")];
    for customer in &people {
        let bought = shop.order(customer, &order("IPv4", "USA", 3, 30));
        shop.order(customer, &order("ISP", "USA", 2, 30));
        let promo = json!({ "promoCode": "SPRING" });
        shop.order(customer, &with(&order("IPv4", "USA", 1, 60), promo));
        let on = with(&extend("IPv4", &[id(&bought[0])], 30), json!({ "autoExtend": true }));
        shop.post(customer, "/extend/auto", &on).ok();
    }
    shop.advance("40d");
    for customer in &people {
        shop.order(customer, &order("ISP", "USA", 1, 30));
    }
    let ann = people[0].id.to_string();
    shop.run(&["limit", "set", "--customer", &ann, "--bandwidth", "2MB"]);
    shop.run(&["limit", "set", "1", "--connections", "0"]);
    let lost = shop.key(people[0].id, "--name lost");
    let keys = shop.run(&["key", "list"]);
    let number = keys.iter().find(|key| key["name"] == "lost").unwrap()["key_id"].to_string();
    shop.run(&["key", "revoke", &number]);
    drop(lost);
    (shop, people)
}

#[test]
fn everything_is_as_it_was_and_goes_on() {
    let (mut shop, people) = street();
    let before = seen(&shop, &people);
    shop.sigterm();
    let url = Postgres::shared().new_database();

    let result = moved(&shop, &url);
    assert_eq!(result["moved_before"], json!(false));
    assert_eq!(result["key_file"], json!(shop.folder().join("sublet.key").to_str().unwrap()));
    assert!(result["rows"].as_i64().unwrap() > 16_000, "{result}");

    does_not_serve(&mut shop.serve_command(), "have moved to postgres@127.0.0.1:");
    refuses(&shop.say(&["audit"]), "have moved to postgres@127.0.0.1:");
    assert_eq!(moved(&shop, &url)["moved_before"], json!(true));
    let elsewhere = Postgres::shared().new_database();
    refuses(&migrate(&shop, &elsewhere), "have moved to");

    shop.moved(&url);
    shop.reopen();
    assert_eq!(seen(&shop, &people), before);

    // What was told to extend itself goes on doing so, and what is wished for is done.
    for customer in &people {
        let ends = |shop: &Shop| -> Vec<i64> {
            let listed = shop.addresses(customer, "IPv4");
            listed.iter().map(|it| millis(it["dateEnd"].as_str().unwrap())).collect()
        };
        let (first, balance) = (ends(&shop), shop.balance(customer));
        let lease = shop.addresses(customer, "IPv4").pop().unwrap();
        shop.post(customer, "/extend", &extend("IPv4", &[id(&lease)], 30)).ok();
        assert!(shop.balance(customer) < balance);
        assert_ne!(ends(&shop), first);
        shop.order(customer, &order("ISP", "USA", 1, 30));
    }
    let events = shop.run(&["events", "list"]).len();
    shop.advance("60d");
    let renewals = shop.run(&["events", "list"]).split_off(events);
    assert!(renewals.iter().any(|it| it["event"] == "renewal"), "{renewals:?}");
    shop.audit();
}

#[test]
fn what_was_told_before_is_true_afterwards() {
    let mut town = Town::found(Town::setup(BINARY).in_a_file(), 7);
    town.work(|_| std::thread::sleep(Duration::from_millis(300)));
    // At once, so that some answers are on their way, and nobody knows which.
    town.work(|shop| {
        std::thread::sleep(Duration::from_millis(200));
        shop.kill9();
    });
    let url = Postgres::shared().new_database();
    moved(&town.shop, &url);
    town.moved(&url);
    town.shop.reopen();

    assert_eq!(town.settle(), Vec::<String>::new());
    assert_eq!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
    assert_eq!(town.complaints(), Vec::<String>::new());
    town.work(|_| std::thread::sleep(Duration::from_millis(300)));
    assert_eq!(town.settle(), Vec::<String>::new());
    assert_eq!(town.complaints(), Vec::<String>::new());
}

#[test]
fn a_move_that_is_killed_keeps_everybody_away_and_is_gone_on_with() {
    let (mut shop, people) = street();
    let before = seen(&shop, &people);
    shop.sigterm();
    let url = Postgres::shared().new_database();
    let wire = Wire::to(Postgres::shared().address());
    wire.delay_commits(Duration::from_millis(100));
    let slow = wire.url(&url);

    for (sql, enough) in [(PARTS, 1), (PARTS, 8), (PARTS, 15), (PARTS, TABLES), (MADE, 90)] {
        let mut child = begin(&shop, &slow);
        wait_for(&url, sql, enough);
        if sql == PARTS && enough < TABLES {
            // Whoever does the same at the same time is in the way of nothing.
            refuses(&migrate(&shop, &slow), "another program has");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        does_not_serve(&mut server_at(&shop, &url), "are being moved to postgres@127.0.0.1:");
        // Nothing keeps the shop from going on where it is.
        assert_eq!(shop.say(&["audit"]).code, Some(0));
    }
    // What comes after that is of a moment, and may be over before the kill.
    let mut child = begin(&shop, &slow);
    wait_for(&url, MADE, 100);
    std::thread::sleep(Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();

    moved(&shop, &url);
    shop.moved(&url);
    shop.reopen();
    assert_eq!(seen(&shop, &people), before);
}

#[test]
fn who_goes_on_with_the_file_after_a_broken_move_moves_what_is_in_it_then() {
    let (mut shop, people) = street();
    shop.sigterm();
    let url = Postgres::shared().new_database();
    let wire = Wire::to(Postgres::shared().address());
    wire.delay_commits(Duration::from_millis(100));
    let mut child = begin(&shop, &wire.url(&url));
    wait_for(&url, PARTS, 18);
    child.kill().unwrap();
    child.wait().unwrap();

    shop.reopen();
    shop.order(&people[0], &order("ISP", "USA", 2, 30));
    let before = seen(&shop, &people);
    shop.sigterm();
    moved(&shop, &url);
    shop.moved(&url);
    shop.reopen();
    assert_eq!(seen(&shop, &people), before);
}

#[test]
fn a_changed_row_is_noticed() {
    let (mut shop, people) = street();
    let before = seen(&shop, &people);
    shop.sigterm();
    let url = Postgres::shared().new_database();
    let wire = Wire::to(Postgres::shared().address());
    wire.delay_commits(Duration::from_millis(100));
    for (change, table) in [
        ("UPDATE wallet SET balance_minor = balance_minor + 1 WHERE customer_id = 1", "wallet"),
        ("UPDATE customer_order SET goal = goal || '.' WHERE id = 2", "customer_order"),
        ("DELETE FROM promo_use WHERE customer_id = 2", "promo_use"),
        ("UPDATE limit_exception SET connections = 1 WHERE lease_id = 1", "limit_exception"),
        ("UPDATE batch SET number = number + 1000000 WHERE number = 1", "batch"),
    ] {
        let mut child = begin(&shop, &wire.url(&url));
        wait_for(&url, PARTS, TABLES);
        child.kill().unwrap();
        child.wait().unwrap();
        psql(&url, change).unwrap();
        refuses(&migrate(&shop, &url), &format!("the table {table} is not in"));
        does_not_serve(&mut server_at(&shop, &url), "are being moved");
    }
    moved(&shop, &url);
    shop.moved(&url);
    shop.reopen();
    assert_eq!(seen(&shop, &people), before);
}

#[test]
fn what_cannot_be_moved_is_refused() {
    let (mut shop, people) = street();
    let url = Postgres::shared().new_database();

    refuses(&migrate(&shop, &url), "stop the server");
    assert!(shop.balance(&people[0]) > 0, "the server goes on");
    shop.sigterm();

    let said = shop.say(&["migrate", "--from", &url, "--to", "sqlite:back.db"]);
    assert_eq!(said.code, Some(2), "{}", said.err);

    let made = Command::new(BINARY)
        .args(["--database", &url, "--key-file"])
        .arg(shop.folder().join("other.key"))
        .arg("init")
        .output()
        .unwrap();
    assert!(made.status.success());
    refuses(&migrate(&shop, &url), "there are books in postgres@127.0.0.1:");

    let theirs = Postgres::shared().new_database();
    psql(&theirs, "CREATE TABLE theirs (id BIGINT)").unwrap();
    refuses(&migrate(&shop, &theirs), "another program");

    std::fs::copy(shop.folder().join("other.key"), shop.folder().join("sublet.key")).unwrap();
    refuses(&migrate(&shop, &Postgres::shared().new_database()), "does not belong");
}
