//! The shop is away: what is open goes on, what was rented works, and ends are on time.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::figures::figure;

use crate::outpost::{Away, signal};
use crate::town::{Proxy, Town, Tunnel};

/// What is open goes on, and what was rented works, for so long.
#[track_caller]
fn goes_on(town: &Town, open: &mut Tunnel, proxy: &Proxy, how_long: Duration) {
    let since = Instant::now();
    while since.elapsed() < how_long {
        assert!(open.echoes(), "what was open is closed after {:?}", since.elapsed());
        let new = town.tunnel(proxy);
        assert!(new.is_ok(), "what was rented does not work after {:?}", since.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process that listens at a port.
fn listening(port: u16) -> u32 {
    let hex = format!(":{port:04X} ");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table.lines().find(|line| line.contains(&hex) && line.contains(" 0A ")).unwrap();
    let inode = line.split_whitespace().nth(9).unwrap();
    let target = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = process.file_name().to_string_lossy().parse() else { continue };
        let files = std::fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        for file in files {
            if std::fs::read_link(file.path()).is_ok_and(|to| to.to_string_lossy() == target) {
                return id;
            }
        }
    }
    panic!("nobody listens at {port}");
}

#[test]
fn while_the_shop_is_killed_everything_goes_on_also_after_a_restart() {
    let mut away = Away::open();
    let saved = away.saved();
    let (_, proxies) = away.town.ann_served(3);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    away.town.shop.kill9();
    assert_eq!(away.town.tunnel(&proxies[1]).unwrap().seen, proxies[1].exit());
    // What was told shortly before is saved within seconds.
    away.soon_saved_since(&saved);
    let outage = figure(Duration::ZERO, Duration::from_secs(150));
    goes_on(&away.town, &mut open, &proxies[1], outage);
    assert!(open.echoes(), "what was open is closed");
    away.kill9();
    let since = Instant::now();
    away.start(&[]);
    println!("it serves {} ms after its start", since.elapsed().as_millis());
    assert_eq!(away.outpost().ready["saved"], true);
    assert_eq!(away.outpost().status()["followed"], false);
    for proxy in &proxies {
        assert_eq!(away.town.tunnel(proxy).unwrap().seen, proxy.exit());
    }
    let mut open = away.town.tunnel(&proxies[2]).unwrap();
    goes_on(&away.town, &mut open, &proxies[1], outage);
    // The shop is back: what it sells works, and what was open goes on.
    away.town.shop.reopen();
    away.town.ann_served(1);
    assert!(open.echoes(), "what was open is closed");
    // It went on from where it was: nothing was told twice.
    let logged = away.outpost().logged();
    assert!(!logged.contains("is refused"), "{logged}");
}

#[test]
fn while_the_shop_is_frozen_leases_end_on_time() {
    let away = Away::open();
    let (_, proxies) = away.town.ann_with(2);
    let now = away.town.shop.advance("1s")["now"].as_str().unwrap().to_owned();
    for proxy in &proxies {
        away.town.soon_seen_through(proxy);
    }
    // So many seconds before the end of both, at most.
    let left = figure(16, 316);
    let now: jiff::Timestamp = now.parse().unwrap();
    let shortly = now + jiff::SignedDuration::from_secs(30 * 86_400 - left);
    away.town.shop.move_clock(&serde_json::json!({ "now": shortly.to_string() }));
    let end = Instant::now() + Duration::from_secs(left.unsigned_abs());
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    let port = away.control.rsplit(':').next().unwrap().parse().unwrap();
    let shop = listening(port);
    signal(shop, "STOP");
    goes_on(&away.town, &mut open, &proxies[1], Duration::from_secs(left.unsigned_abs() - 13));
    while away.town.tunnel(&proxies[1]).is_ok() {
        let late = Instant::now().saturating_duration_since(end);
        assert!(late < figure(Duration::from_secs(5), Duration::from_secs(1)), "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    open.soon_closed();
    signal(shop, "CONT");
}

#[test]
fn a_gateway_may_be_told_to_take_nothing_new_when_the_shop_is_away_for_too_long() {
    let mut away = Away::alone();
    let token = away.token("rotterdam");
    away.start(&["--token", &token, "--max-stale", "2"]);
    let (_, proxies) = away.town.ann_served(1);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    away.town.shop.kill9();
    away.town.soon_refused(&proxies[0]);
    assert!(open.echoes(), "what was open is closed");
    assert_eq!(away.outpost().status()["gateway"], "stale");
    away.town.shop.reopen();
    away.town.soon_seen_through(&proxies[0]);
    assert!(open.echoes(), "what was open is closed");
}

#[test]
fn a_gateway_that_is_asked_to_end_lets_what_is_open_go_on() {
    let mut away = Away::open();
    let (_, proxies) = away.town.ann_served(1);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    away.town.soon_refused(&proxies[0]);
    assert!(open.echoes(), "what was open was cut at once");
    drop(open);
    assert!(outpost.ended().success());
    let used = Command::new(crate::BINARY)
        .args(["gateway", "--control", &away.control, "--data"])
        .arg(away.data())
        .args(["--listen-admin", "not an address"])
        .output()
        .unwrap();
    assert_eq!(used.status.code(), Some(2));
}
