//! Rotation over the API: a job, and what becomes of traffic meanwhile.

use std::time::{Duration, Instant};

use e2e::http::Request;
use serde_json::{Value, json};

use crate::farm::{Farm, Modem};

const SLOW: Modem<'static> = (
    "slow",
    "127.50.3.1",
    "driver.simulator = { exits = [\"127.50.3.1\", \"127.50.3.2\"], takes_ms = 1500 }",
);

#[test]
fn while_a_modem_dials_nothing_new_begins_and_then_the_old_exit_is_left() {
    let farm = Farm::open(&[SLOW]);
    let [one] = &farm.rent(1, 300)[..] else { panic!("one was rented") };
    farm.served(one);
    let mut open = farm.tunnel(one);
    let asked = farm.rotate(one);
    assert_eq!(asked["state"], "queued");
    let since = Instant::now();
    while farm.seen("http", one)
        != "exit_dialing: exit is being rotated, try again in a moment\n|503"
    {
        assert!(since.elapsed() < Duration::from_millis(1200), "{}", farm.seen("http", one));
    }
    assert!(open.echoes(), "what was open goes on while the modem dials");
    let modems = farm.shop.run(&["modem", "list"]);
    assert_eq!((&modems[0]["modem"], &modems[0]["state"]), (&json!("slow"), &json!("dialing")));
    let answer = farm.native("POST", &format!("/api/v1/leases/{}/rotate", one.id), &farm.ann);
    assert_eq!(
        (answer.status, answer.json()["type"].as_str()),
        (429, Some("urn:sublet:problem:too-soon"))
    );
    assert!(answer.header("Retry-After").is_some());
    let ended = farm.ended(&asked);
    assert_eq!(ended["state"], "changed");
    farm.soon_seen(one, "127.50.3.2");
    open.soon_closed();
    assert_eq!(farm.leases()[&one.id]["exit_ip"], "127.50.3.2");
    assert_eq!(farm.leases()[&one.id]["exit"], "127.50.3.1", "what it is known by stays");
    let modems = farm.shop.run(&["modem", "list"]);
    assert_eq!((&modems[0]["exit"], &modems[0]["last"]), (&json!("127.50.3.2"), &json!("changed")));

    // Others know nothing of it.
    let bob = farm.shop.customer("Bob", "0");
    let rotation = format!("/api/v1/rotations/{}", ended["id"].as_str().unwrap());
    assert_eq!(farm.native("GET", &rotation, &bob).status, 404);
    assert_eq!(farm.native("GET", &rotation, &farm.ann).json(), ended);
    for (method, call) in [("POST", "rotate"), ("GET", "rotations")] {
        let target = format!("/api/v1/leases/{}/{call}", one.id);
        assert_eq!(farm.native(method, &target, &bob).status, 404, "{call}");
    }

    // The operator does not wait.
    farm.shop.run(&["modem", "rotate", "slow"]);
    let since = Instant::now();
    while farm.shop.run(&["modem", "list"])[0]["exit"] != "127.50.3.1" {
        assert!(since.elapsed() < Duration::from_secs(20));
    }
    farm.soon_seen(one, "127.50.3.1");
    assert_eq!(farm.history(one).len(), 1, "it was not asked for the lease");
    assert_ne!(farm.shop.say(&["modem", "rotate", "nobody"]).code, Some(0));
}

#[test]
fn the_same_exit_and_a_failure_are_told_as_such() {
    let farm = Farm::open(&[
        ("same", "127.50.4.1", "driver.simulator = { exits = [\"127.50.4.1\"], takes_ms = 10 }"),
        (
            "sick",
            "127.50.5.1",
            "driver.simulator = { exits = [\"127.50.5.1\", \"127.50.5.2\"], takes_ms = 10, fails_every = 1 }",
        ),
    ]);
    let [same, sick] = &farm.rent(2, 0)[..] else { panic!("two were rented") };
    farm.served(same);
    farm.served(sick);
    for (proxy, state, failure) in [(same, "same", Value::Null), (sick, "failed", json!("refused"))]
    {
        let mut open = farm.tunnel(proxy);
        let ended = farm.ended(&farm.rotate(proxy));
        assert_eq!((&ended["state"], &ended["failure"]), (&json!(state), &failure));
        farm.soon_seen(proxy, &proxy.exit);
        assert!(open.echoes(), "{state}");
    }
    // Until it has changed, but only so often.
    farm.shop.advance("61s");
    let target = format!("/api/v1/leases/{}/rotate", same.id);
    let ask = |body: &Value| {
        Request::post(&target, body)
            .header("Authorization", &format!("Bearer {}", farm.ann.key))
            .send(farm.shop.address())
    };
    for wrong in [json!({ "until_changed": 6 }), json!({ "until": 1 }), json!([])] {
        assert_eq!(ask(&wrong).status, 400, "{wrong}");
    }
    let asked = ask(&json!({ "until_changed": 3 }));
    assert_eq!((asked.status, &asked.json()["tries"]), (202, &json!(3)));
    assert_eq!(farm.ended(&asked.json())["state"], "same");
}
