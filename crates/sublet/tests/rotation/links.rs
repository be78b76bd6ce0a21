//! The link that rotates a lease.

use e2e::http::Request;
use serde_json::json;

use crate::farm::{Farm, TWO, target};

const SUCCESS: &str = r#"{"status":"success","data":null,"errors":[]}"#;

#[test]
fn a_link_rotates_its_own_lease_once_in_a_while_and_nothing_else() {
    let farm = Farm::open(&TWO);
    let [one, two] = &farm.rent(2, 0)[..] else { panic!("two were rented") };
    farm.served(one);
    farm.served(two);
    let mut undisturbed = farm.tunnel(two);
    let answer = farm.call(&one.link);
    assert_eq!((answer.status, answer.text().as_str()), (200, SUCCESS));
    let rotation = farm.history(one).remove(0);
    assert_eq!((&rotation["cause"], &rotation["lease_id"]), (&json!("link"), &json!(one.id)));
    let ended = farm.ended(&rotation);
    farm.soon_seen(one, "127.50.1.2");
    assert_eq!(ended["state"], "changed");
    assert_eq!(
        (&ended["exit_before"], &ended["exit"]),
        (&json!("127.50.1.1"), &json!("127.50.1.2"))
    );
    farm.soon_seen(two, "127.50.2.1");
    assert!(undisturbed.echoes() && farm.history(two).is_empty());

    // Too soon.
    let again = farm.call(&one.link);
    let wait: u64 = again.header("Retry-After").unwrap().parse().unwrap();
    assert!(again.status == 429 && (1..=60).contains(&wait), "{} {wait}", again.status);
    assert_eq!(farm.history(one).len(), 1);
    farm.shop.advance("61s");
    assert_eq!(farm.call(&one.link).status, 200);
    farm.ended(&farm.history(one)[1]);
    farm.soon_seen(one, "127.50.1.1");
    let leases = farm.leases();
    assert_eq!(leases[&one.id]["exit_ip"], "127.50.1.1");
    assert!(leases[&one.id]["last_rotated_at"].is_string());
    assert!(leases[&one.id]["next_rotation_at"].is_null(), "by link only");
    assert!(leases[&two.id]["last_rotated_at"].is_null());
}

#[test]
fn only_a_get_with_the_right_token_of_a_live_lease_rotates() {
    let farm = Farm::open(&TWO[..1]);
    let [one] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    for method in ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"] {
        let answer = Request::new(method, &one.link).send_as(method, farm.shop.address());
        assert_eq!(answer, 405, "{method}");
    }
    let (path, token) = one.link.split_once('=').unwrap();
    let wrong = farm.call(path);
    assert_eq!(wrong.status, 404);
    for token in [
        "",
        "x",
        &token[1..],
        &token.to_uppercase(),
        &format!("{token}0"),
        &format!("{token}00000001"),
        &token.replace(&token[50..], "000000"),
    ] {
        let answer = farm.call(&format!("{path}={token}"));
        assert_eq!((answer.status, answer.text()), (404, wrong.text()), "{token}");
    }
    assert!(farm.history(one).is_empty(), "something was rotated");

    // Over every dialect it is the same link.
    let list = format!("/personal/api/v2/{}/proxy/list/mobile", farm.ann.key);
    let listed = Request::get(&list).send(farm.shop.address()).text();
    assert!(listed.contains(token), "{listed}");
    let ipv4 = farm.shop.order(&farm.ann, &e2e::bodies::order("IPv4", "USA", 1, 30));
    let list = format!("/personal/api/v2/{}/proxy/list/ipv4", farm.ann.key);
    let listed = Request::get(&list).send(farm.shop.address()).text();
    assert!(listed.contains("\"link_reboot\":\"#\""), "{listed}");
    let fixed = ipv4[0]["ipAddressId"].as_str().unwrap();
    for (target, status) in [("rotate", 422), ("reboot-link", 422)] {
        let target = format!("/api/v1/leases/{fixed}/{target}");
        assert_eq!(farm.native("POST", &target, &farm.ann).status, status);
    }

    // Replaced, the old link is dead at once.
    let renew = format!("/api/v1/leases/{}/reboot-link", one.id);
    let bob = farm.shop.customer("Bob", "0");
    assert_eq!(farm.native("POST", &renew, &bob).status, 404);
    let renewed = farm.native("POST", &renew, &farm.ann).json();
    let renewed = target(renewed["reboot_link"].as_str().unwrap());
    assert_ne!(renewed, one.link);
    let answer = farm.call(&one.link);
    assert_eq!((answer.status, answer.text()), (404, wrong.text()));
    assert_eq!(target(farm.leases()[&one.id]["reboot_link"].as_str().unwrap()), renewed);
    assert_eq!(farm.call(&renewed).status, 200);
    farm.ended(&farm.history(one)[0]);

    // And so is that of a lease that has ended.
    farm.shop.advance("31d");
    let answer = farm.call(&renewed);
    assert_eq!((answer.status, answer.text()), (404, wrong.text()));
    assert_eq!(farm.native("POST", &renew, &farm.ann).status, 404);
    // Let again, the same modem has another link.
    let [again] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    assert!(again.link != renewed && again.link != one.link);
    assert_eq!((farm.call(&renewed).status, farm.call(&one.link).status), (404, 404));
    let log = farm.shop.logged();
    for link in [&one.link, &renewed] {
        assert!(!log.contains(link.split_once('=').unwrap().1), "a token was logged");
    }
}

/// A request whose answer may have no body.
trait SendAs {
    fn send_as(&self, method: &str, to: std::net::SocketAddr) -> u16;
}

impl SendAs for Request {
    fn send_as(&self, method: &str, to: std::net::SocketAddr) -> u16 {
        let mut connection = e2e::http::Connection::open(to);
        connection.send(&self.bytes()).unwrap();
        connection.answer_to(method).unwrap().status
    }
}
