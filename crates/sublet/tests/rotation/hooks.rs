//! A modem that is rotated by a request.

use serde_json::json;

use crate::farm::{Farm, setup};
use crate::keeper::Keeper;

#[test]
fn a_hook_is_called_with_its_secret_and_the_traffic_follows_its_answer() {
    let keeper = Keeper::open(&["127.50.7.2", "127.50.7.2"], 0);
    let modem = keeper.modem("");
    let folder = tempfile::tempdir().unwrap();
    let secrets = format!("--modem-secrets={}", folder.path().display());
    let farm = Farm::of(setup(&[("hooked", "127.50.7.1", &modem)]).serve(&secrets).open());
    let [one] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    farm.served(one);
    let ended = farm.ended(&farm.rotate(one));
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("failed"), &json!("misconfigured")));
    farm.soon_seen(one, "127.50.7.1");
    std::fs::write(folder.path().join("farm"), "canary0secret\n").unwrap();
    for (at, state) in ["changed", "same"].into_iter().enumerate() {
        farm.shop.advance("2s");
        let ended = farm.ended(&farm.rotate(one));
        assert_eq!((&ended["state"], &ended["exit"]), (&json!(state), &json!("127.50.7.2")));
        farm.soon_seen(one, "127.50.7.2");
        let asked = &keeper.asked()[at];
        assert!(asked.starts_with("post /rotate/hooked http/1.1\r\n"), "{asked}");
        assert!(asked.contains("\r\nauthorization: bearer canary0secret\r\n"), "{asked}");
    }
    // Nobody is there any more.
    farm.shop.advance("2s");
    let ended = farm.ended(&farm.rotate(one));
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("failed"), &json!("unreachable")));
    farm.soon_seen(one, "127.50.7.2");
    let catalogue = farm.shop.say(&["catalogue", "show"]);
    let told = farm.shop.logged() + &catalogue.out;
    assert!(!told.contains("canary0secret"), "a secret is shown");
}
