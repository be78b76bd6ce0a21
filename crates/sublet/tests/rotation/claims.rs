//! Who has taken a job last is believed, and nobody else, whatever gateways on other hosts tell.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::farm::{Farm, setup};
use crate::key::{Key, KeyHash};
use crate::outpost::{PATIENCE, port, soon};

/// A gateway that says whatever a test wants it to.
struct Pretender {
    address: String,
    key: Key,
    shop: KeyHash,
}

impl Pretender {
    /// One that has enrolled as a node of `gateway`.
    fn enrol(farm: &Farm, address: &str, gateway: &str) -> Pretender {
        let added = farm.shop.run(&["node", "add", "--gateway", gateway, "--name", gateway]);
        let token = added[0]["token"].as_str().unwrap().to_owned();
        let (secret, shop) = token.split_once('.').unwrap();
        let byte = |at: usize| u8::from_str_radix(&shop[at * 2..at * 2 + 2], 16).unwrap();
        let shop = std::array::from_fn(byte);
        let key = Key::read(&Key::draw().unwrap()).unwrap();
        let pretender = Pretender { address: address.to_owned(), key, shop };
        let (status, _) = pretender.ask("/v1/enrol", &json!({ "token": secret }));
        assert_eq!(status, 200);
        pretender
    }

    /// The status and the body of an answer.
    fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = "shop".try_into().unwrap();
        let connection = rustls::ClientConnection::new(self.key.asking(self.shop), name).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = Vec::new();
        // It may be closed without a farewell.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        // It comes in chunks.
        let whole = body.find('{').zip(body.rfind('}')).map(|(from, to)| &body[from..=to]);
        (status, serde_json::from_str(whole.unwrap_or("null")).unwrap())
    }

    /// The jobs that it is given.
    fn jobs(&self, busy: &[&str]) -> Vec<Value> {
        let (status, answer) = self.ask("/v1/rotations", &json!({ "busy": busy }));
        assert_eq!(status, 200);
        answer["jobs"].as_array().unwrap().clone()
    }

    /// Whether it is believed what it tells of a job.
    fn is_believed(&self, job: &Value, with: &Value) -> bool {
        let mut ended = json!({ "outcome": { "changed": { "new": "127.50.21.2" } } });
        for from in [job, with] {
            for (name, value) in from.as_object().unwrap() {
                ended[name] = value.clone();
            }
        }
        let (status, answer) = self.ask("/v1/rotations/ended", &ended);
        assert_eq!(status, 200);
        answer["believed"].as_bool().unwrap()
    }
}

#[test]
fn who_was_given_up_on_or_has_another_gateway_is_not_believed_and_who_repeats_himself_is() {
    let address = format!("127.0.0.1:{}", port());
    let driver = |last: u8| {
        format!("deadline_seconds = 1\ndriver.simulator = {{ exits = [\"127.50.2{last}.1\"] }}")
    };
    let (one, two) = (driver(1), driver(2));
    // A gateway is described behind the last modem.
    let two = two
        + "\n[gateways.other]\nhost = \"127.0.0.8\"\nhttp_port = 9\nsocks_port = 10\n\
                     shared_ports = [11, 12]";
    let setup = setup(&[("m1", "127.50.21.1", &one), ("m2", "127.50.22.1", &two)]);
    let setup = setup.serve("--roles").serve("api,web,scheduler");
    let farm = Farm::of(setup.serve("--gateway-listen").serve(&address).open());
    let [main, other] = ["main", "other"].map(|name| Pretender::enrol(&farm, &address, name));
    let [first, _] = &farm.rent(2, 0)[..] else { panic!("two were rented") };
    let asked = farm.rotate(first);
    assert!(other.jobs(&[]).is_empty(), "another gateway is given the job");
    assert!(main.jobs(&["m1"]).is_empty(), "a modem that dials is given a job");
    let job = main.jobs(&[]).remove(0);
    assert_eq!((&job["modem"], &job["claim"]), (&json!("m1"), &json!(1)));
    assert_eq!(job["driver"]["simulator"]["exits"][0], "127.50.21.1");
    assert!(main.jobs(&[]).is_empty(), "a job is given twice");
    assert!(!other.is_believed(&job, &json!({})), "another gateway is believed");
    assert!(!main.is_believed(&job, &json!({ "modem": "m2" })), "it is the job of another modem");
    assert!(!main.is_believed(&job, &json!({ "claim": 2 })), "nobody has taken it twice");
    assert!(!main.is_believed(&job, &json!({ "id": 1_000 })), "there is no such job");
    // Its deadline and a few seconds pass.
    thread::sleep(Duration::from_secs(5));
    let mut again = Vec::new();
    soon(
        || {
            again = main.jobs(&[]);
            !again.is_empty()
        },
        || "the job is not given again".to_owned(),
    );
    let again = again.remove(0);
    assert_eq!((&again["id"], &again["claim"]), (&job["id"], &json!(2)));
    assert!(!main.is_believed(&job, &json!({})), "who was given up on is believed");
    assert!(farm.native("GET", &target(&asked), &farm.ann).json()["ended_at"].is_null());
    assert!(main.is_believed(&again, &json!({})));
    // The answer may have been lost.
    assert!(main.is_believed(&again, &json!({})), "who repeats himself is not believed");
    assert!(!main.is_believed(&again, &json!({ "outcome": { "failed": "refused" } })));
    assert!(!main.is_believed(&job, &json!({})));
    let ended = farm.ended(&asked);
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.21.2")));

    // A gateway that was removed is given nothing.
    farm.shop.run(&["node", "remove", "main"]);
    let (status, answer) = main.ask("/v1/rotations", &json!({}));
    assert_eq!((status, &answer["error"]), (403, &json!("removed")));
    for wrong in [json!(7), json!({ "busy": 7 })] {
        assert_eq!(other.ask("/v1/rotations", &wrong).0, 400, "{wrong}");
    }
}

fn target(rotation: &Value) -> String {
    format!("/api/v1/rotations/{}", rotation["id"].as_str().unwrap())
}
