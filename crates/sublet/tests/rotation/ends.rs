//! What becomes of a job when its server ends.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::farm::{Farm, Modem};

/// Given up on soon, for tests' sake.
const SLOW: Modem<'static> = (
    "slow",
    "127.50.6.1",
    "deadline_seconds = 2\n\
     driver.simulator = { exits = [\"127.50.6.1\", \"127.50.6.2\"], takes_ms = 1500 }",
);

fn until_it_dials(farm: &Farm) {
    let since = Instant::now();
    while farm.shop.run(&["modem", "list"])[0]["state"] != "dialing" {
        assert!(since.elapsed() < Duration::from_secs(5));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_job_whose_server_was_killed_is_done_by_the_next_one() {
    let mut farm = Farm::open(&[SLOW]);
    let [one] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    farm.served(one);
    let asked = farm.rotate(one);
    until_it_dials(&farm);
    farm.shop.kill9();
    farm.shop.reopen();
    let ended = farm.ended(&asked);
    assert_eq!(ended["state"], "changed", "{ended}");
    farm.soon_seen(one, "127.50.6.2");
    assert_eq!(farm.history(one).len(), 1);
    // After another kill, it still has the exit that it was told.
    farm.shop.restart();
    farm.soon_seen(one, "127.50.6.2");
    farm.shop.audit();
}

#[test]
fn a_server_that_ends_well_waits_for_its_modem() {
    let mut farm = Farm::open(&[SLOW]);
    let [one] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    farm.served(one);
    farm.rotate(one);
    until_it_dials(&farm);
    farm.shop.sigterm();
    let modems = farm.shop.run(&["modem", "list"]);
    assert_eq!((&modems[0]["state"], &modems[0]["last"]), (&json!("idle"), &json!("changed")));
}
