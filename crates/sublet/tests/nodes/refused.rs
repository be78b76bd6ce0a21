//! What a shop tells wrongly is not believed: the table in force stays so, and nothing that is open
//! is closed.

use std::time::Duration;

use e2e::figures::figure;

use crate::fake::{Fake, Says, Told, proxy};
use crate::outpost::{Outpost, port, soon};
use crate::town::Echo;

/// Damages that a stream may have on its way.
fn damaged(stream: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8(stream.to_vec()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let without = |at: usize| -> Vec<u8> {
        let kept = lines.iter().enumerate().filter(|(line, _)| *line != at);
        kept.map(|(_, line)| *line).collect::<String>().into_bytes()
    };
    let last = lines.len() - 1;
    vec![
        ("its sum is wrong", without(2)),
        ("its sum is wrong", text.replacen("ann", "bob", 1).into_bytes()),
        ("does not begin with its beginning", without(0)),
        ("its sum is wrong", [lines[..last].concat(), "{\"sum\":\"00\"}\n".into()].concat().into()),
        ("cannot be read", b"{\"begin\":7}\n".to_vec()),
        ("cannot be read", [&stream[..stream.len() / 2], b"\n\xff\xfe\n"].concat()),
        ("has the form 99", text.replacen("\"version\":1", "\"version\":99", 1).into_bytes()),
    ]
}

#[test]
fn a_damaged_table_leaves_everything_as_it_is() {
    check(|told| {
        let cases = damaged(&told("fake", 11, &[3])).into_iter();
        cases.map(|(says, bytes)| (says, Says::Tells(bytes))).collect()
    });
}

#[test]
fn the_table_of_another_an_older_or_half_a_one_leaves_everything_as_it_is() {
    check(|told| {
        let other = told("fake", 11, &[3]);
        vec![
            ("it is the table of the gateway other", Says::Tells(told("other", 11, &[3]))),
            ("it is older than the table in force", Says::Tells(told("fake", 9, &[3]))),
            ("", Says::Tells(other[..other.len() / 2].to_vec())),
        ]
    });
}

#[test]
fn answers_that_make_no_sense_leave_everything_as_it_is() {
    check(|_| {
        let answers: [&[u8]; 5] = [
            b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            b"\x00\x01garbage\xff\xff\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nno\n",
            b"HTTP/1.1 302 Go\r\nLocation: https://127.0.0.1:1/\r\n\r\n",
            b"",
        ];
        answers.map(|answer| ("", Says::Answers(answer))).into()
    });
}

/// Gateways that are told wrongly at the same time: each asks again ever later.
const GATEWAYS: usize = 4;

/// What a test says wrongly, with what a gateway makes of it.
type Cases = Vec<(&'static str, Says)>;

/// Says wrongly what a test wants to, to one gateway or another.
fn check(cases: impl Fn(&dyn Fn(&'static str, i64, &[u8]) -> Vec<u8>) -> Cases + Sync) {
    std::thread::scope(|scope| {
        for gateway in 0..GATEWAYS {
            let cases = &cases;
            scope.spawn(move || {
                check_some(|told| cases(told).into_iter().skip(gateway).step_by(GATEWAYS).collect())
            });
        }
    });
}

/// Says this wrongly to one gateway, and looks that nothing comes of it; then something rightly.
fn check_some(cases: impl Fn(&dyn Fn(&'static str, i64, &[u8]) -> Vec<u8>) -> Cases) {
    let (port, echo) = (port(), Echo::new());
    let told =
        |node, number, leases: &[u8]| Told { node, number, port, leases: leases.to_vec() }.bytes();
    let fake = Fake::open(Says::Tells(told("fake", 10, &[1, 2])));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    let outpost = Outpost::start(&data, &[&fake.control], &["--token", &fake.token()]);
    let mut open = echo.tunnel(&proxy(1, port)).unwrap();
    assert!(echo.tunnel(&proxy(3, port)).is_err());
    for (says, case) in cases(&told) {
        let asked = fake.asked("/v1/feed").len();
        fake.says(case);
        fake.hang_up();
        soon(|| fake.asked("/v1/feed").len() > asked, || outpost.logged());
        if says.is_empty() {
            let long = Duration::from_secs(20);
            std::thread::sleep(figure(Duration::from_millis(200), long));
        } else {
            let refused = || outpost.status()["refused"].as_str().unwrap_or_default().to_owned();
            soon(|| refused().contains(says), || format!("{:?} is not {says:?}", refused()));
        }
        assert!(open.echoes(), "what was open is closed: {says}");
        assert!(echo.tunnel(&proxy(2, port)).is_ok(), "what was in force is not: {says}");
        assert!(echo.tunnel(&proxy(3, port)).is_err(), "what was told wrongly is served: {says}");
    }
    // What is told rightly is taken, and nothing that stays is touched.
    fake.says(Says::Tells(told("fake", 12, &[1, 3])));
    fake.hang_up();
    soon(|| echo.tunnel(&proxy(3, port)).is_ok(), || outpost.logged());
    assert!(open.echoes(), "what was open is closed");
    assert!(echo.tunnel(&proxy(2, port)).is_err());
    assert!(outpost.status()["refused"].is_null());
    // It asks from where it is.
    fake.hang_up();
    soon(
        || fake.asked("/v1/feed").last().is_some_and(|asked| asked.contains("\"number\":12")),
        || format!("{:?}", fake.asked("/v1/feed").last()),
    );
}

/// While a shop reads all that there is, leases are taken away that it has read before: it tells
/// that behind them, before anything counts.
#[test]
fn what_is_taken_away_while_everything_is_told_is_not_served() {
    let (port, echo) = (port(), Echo::new());
    let bytes = |number, leases: &[u8], taken_away: &[u8]| {
        let told = Told { node: "fake", number, port, leases: leases.to_vec() };
        Says::Tells(told.bytes_without(taken_away))
    };
    let fake = Fake::open(bytes(1, &[6, 7], &[7]));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    let outpost = Outpost::start(&data, &[&fake.control], &["--token", &fake.token()]);
    assert!(echo.tunnel(&proxy(7, port)).is_err(), "what was taken away is served");
    let mut open = echo.tunnel(&proxy(6, port)).unwrap();
    // The same where it is told again to a gateway that serves it.
    fake.says(bytes(2, &[6, 7, 8], &[6]));
    fake.hang_up();
    soon(|| echo.tunnel(&proxy(8, port)).is_ok(), || outpost.logged());
    assert!(!open.echoes(), "what was taken away is open");
    assert!(echo.tunnel(&proxy(6, port)).is_err(), "what was taken away is served");
    assert!(echo.tunnel(&proxy(7, port)).is_ok(), "what is told later is not served");
}

#[test]
fn a_shop_that_says_nothing_is_left_for_another() {
    let (port, echo) = (port(), Echo::new());
    let bytes = Told { node: "fake", number: 1, port, leases: vec![5] }.bytes();
    let (silent, fake) = (Fake::open(Says::Nothing), Fake::open(Says::Tells(bytes)));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    // It enrols where it is answered, and no more is needed elsewhere: both have other keys.
    let outpost =
        Outpost::start(&data, &[&silent.control, &fake.control], &["--token", &fake.token()]);
    assert!(echo.tunnel(&proxy(5, port)).is_ok());
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(outpost.status()["followed"], true);
    assert!(silent.asked("/v1/enrol").is_empty(), "the token was told to another");
}
