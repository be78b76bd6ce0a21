//! Rotation by itself.

use serde_json::json;

use crate::farm::{Farm, TWO};

#[test]
fn a_timer_rotates_when_its_time_has_come_and_once_however_far_the_clock_jumps() {
    let farm = Farm::open(&TWO);
    let [one, two] = &farm.rent(2, 300)[..] else { panic!("two were rented") };
    farm.served(one);
    farm.shop.advance("270s");
    assert!(farm.history(one).is_empty());
    // It has been done when the call returns.
    farm.shop.advance("35s");
    let history = farm.history(one);
    assert_eq!(history.len(), 1);
    assert_eq!((&history[0]["cause"], &history[0]["state"]), (&json!("timer"), &json!("changed")));
    assert_eq!(farm.seen("http", one), "127.50.1.2|200");
    assert_eq!(farm.seen("http", two), "127.50.2.2|200");
    let lease = &farm.leases()[&one.id];
    let seconds = |name: &str| e2e::dates::millis(lease[name].as_str().unwrap()) / 1000;
    assert_eq!(seconds("next_rotation_at") - seconds("last_rotated_at"), 300);
    // By hand in between: the timer counts from then on.
    farm.shop.advance("200s");
    farm.ended(&farm.rotate(one));
    farm.shop.advance("150s");
    assert_eq!((farm.history(one).len(), farm.history(two).len()), (2, 2));
    farm.shop.advance("28d");
    assert_eq!((farm.history(one).len(), farm.history(two).len()), (3, 3));
    // What has ended rotates no more.
    farm.shop.advance("3d");
    let modems = farm.shop.run(&["modem", "list"]);
    let last = modems[0]["last_at"].clone();
    farm.shop.advance("1d");
    assert_eq!(farm.shop.run(&["modem", "list"])[0]["last_at"], last);
    farm.shop.audit();
}
