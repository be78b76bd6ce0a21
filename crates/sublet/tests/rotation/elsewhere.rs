//! Modems at a gateway on another host: everything is as with those of the server, whoever of the two
//! is killed meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::farm::{Farm, Modem, Proxy, setup};
use crate::keeper::Keeper;
use crate::outpost::{Outpost, port, soon};

/// A shop without a gateway of its own, and a gateway with its modems.
struct Away {
    farm: Farm,
    control: String,
    /// Before its folder, so that it ends first.
    outpost: Option<Outpost>,
    folder: TempDir,
}

impl Away {
    /// The gateway is started with these words too.
    #[track_caller]
    fn open(modems: &[Modem<'_>], words: &[&str]) -> Away {
        let address = format!("127.0.0.1:{}", port());
        let setup = setup(modems).serve("--roles").serve("api,web,scheduler");
        let farm = Farm::of(setup.serve("--gateway-listen").serve(&address).open());
        let added = farm.shop.run(&["node", "add", "--gateway", "main", "--name", "rotterdam"]);
        let folder = TempDir::new().unwrap();
        let mut away = Away { farm, control: format!("https://{address}"), outpost: None, folder };
        let token = added[0]["token"].as_str().unwrap();
        away.start(&[words, &["--token", token]].concat());
        away
    }

    #[track_caller]
    fn start(&mut self, words: &[&str]) {
        let data = self.folder.path().join("gateway");
        self.outpost = Some(Outpost::start(&data, &[&self.control], words));
    }

    fn outpost(&self) -> &Outpost {
        self.outpost.as_ref().unwrap()
    }

    /// What a check of a proxy finds.
    #[track_caller]
    fn checked(&self, proxy: &Proxy) -> Value {
        let target = format!("/api/v1/leases/{}/check", proxy.id);
        let answer = self.farm.native("POST", &target, &self.farm.ann);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The same with one modem, which is rented, served, and dials by now; with that rotation.
    #[track_caller]
    fn dialing(modem: Modem<'_>, words: &[&str]) -> (Away, Proxy, Value) {
        let away = Away::open(&[modem], words);
        let one = away.farm.rent(1, 0).remove(0);
        away.farm.served(&one);
        let asked = away.farm.rotate(&one);
        away.until_it_dials();
        (away, one, asked)
    }

    #[track_caller]
    fn until_it_dials(&self) {
        soon(
            || self.farm.shop.run(&["modem", "list"])[0]["state"] == "dialing",
            || "it does not dial".to_owned(),
        );
    }
}

/// A folder with the secret of the modems.
fn secrets() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("farm"), "canary0secret\n").unwrap();
    let words = format!("--modem-secrets={}", folder.path().display());
    (folder, words)
}

const SIMULATED: [Modem<'static>; 2] = [
    (
        "far-1",
        "127.50.11.1",
        "driver.simulator = { exits = [\"127.50.11.1\", \"127.50.11.2\"], takes_ms = 3000 }",
    ),
    (
        "far-2",
        "127.50.12.1",
        "driver.simulator = { exits = [\"127.50.12.1\", \"127.50.12.2\"], takes_ms = 100 }",
    ),
];

#[test]
fn it_rotates_over_the_api_by_its_link_and_by_its_timer() {
    let away = Away::open(&SIMULATED, &[]);
    let farm = &away.farm;
    let [one, two] = &farm.rent(2, 300)[..] else { panic!("two were rented") };
    farm.served(one);
    farm.served(two);
    assert_eq!(away.checked(one)["works"], true, "{}", away.checked(one));
    let mut open = farm.tunnel(one);
    let asked = farm.rotate(one);
    let says = "exit_dialing: exit is being rotated, try again in a moment\n|503";
    soon(|| farm.seen("http", one) == says, || farm.seen("http", one));
    assert!(open.echoes(), "what was open goes on while the modem dials");
    // Both ways in are told why, also that which has no words for it.
    let checked = away.checked(one);
    for way in checked["ways"].as_array().unwrap() {
        assert_eq!(way["reason"], "exit_dialing", "{checked}");
    }
    let ended = farm.ended(&asked);
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.11.2")));
    farm.soon_seen(one, "127.50.11.2");
    open.soon_closed();
    assert_eq!(farm.leases()[&one.id]["exit_ip"], "127.50.11.2");
    assert!(away.outpost().logged().contains("Modem far-1 has dialed: another exit"));

    let answer = farm.call(&two.link);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let since = Instant::now();
    let ended = farm.ended(&farm.history(two)[0]);
    println!("a modem elsewhere was rotated after {} ms", since.elapsed().as_millis());
    assert_eq!((&ended["cause"], &ended["state"]), (&json!("link"), &json!("changed")));
    farm.soon_seen(two, "127.50.12.2");

    // When the call that moves the clock returns, it has been done, and the new exits are in force.
    farm.shop.advance("310s");
    for (proxy, exit) in [(one, "127.50.11.1|200"), (two, "127.50.12.1|200")] {
        let history = farm.history(proxy);
        assert_eq!(
            (&history[1]["cause"], &history[1]["state"]),
            (&json!("timer"), &json!("changed"))
        );
        assert_eq!(farm.seen("http", proxy), exit);
    }
    assert!(!farm.shop.logged().contains("Rotations that are due have not been done"));
    farm.shop.audit();
}

#[test]
fn its_secret_is_on_its_host_alone_and_without_it_nothing_dials() {
    let keeper = Keeper::open(&["127.50.13.2", "127.50.13.1"], 0);
    let (folder, words) = secrets();
    let mut away = Away::open(&[("hooked", "127.50.13.1", &keeper.modem(""))], &[]);
    let [one] = &away.farm.rent(1, 0)[..] else { panic!("one was rented") };
    away.farm.served(one);
    let ended = away.farm.ended(&away.farm.rotate(one));
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("failed"), &json!("misconfigured")));
    assert!(away.outpost().logged().contains("--modem-secrets was not given"));
    assert!(keeper.asked().is_empty());
    away.farm.soon_seen(one, "127.50.13.1");
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    assert!(outpost.ended().success());

    away.start(&[&words]);
    away.farm.shop.advance("2s");
    let ended = away.farm.ended(&away.farm.rotate(one));
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.13.2")));
    away.farm.soon_seen(one, "127.50.13.2");
    assert!(keeper.asked()[0].contains("\r\nauthorization: bearer canary0secret\r\n"));
    for told in [away.farm.shop.logged(), away.outpost().logged()] {
        assert!(!told.contains("canary0secret"), "a secret is shown");
    }
    drop(folder);
}

#[test]
fn a_gateway_that_is_killed_while_a_modem_dials_does_the_job_again_when_its_time_is_over() {
    let keeper = Keeper::open(&["127.50.14.3", "127.50.14.2", "127.50.14.3"], 60_000);
    let (_folder, words) = secrets();
    let modem = keeper.modem("deadline_seconds = 2");
    let (mut away, one, asked) = Away::dialing(("hooked", "127.50.14.1", &modem), &[&words]);
    soon(|| keeper.asked().len() == 1, || "nobody was asked".to_owned());
    away.outpost.take().unwrap().kill9();
    keeper.takes(0);
    let since = Instant::now();
    away.start(&[&words]);
    let ended = away.farm.ended(&asked);
    println!("the job of a gateway that was killed has ended after {:?}", since.elapsed());
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.14.2")));
    assert!(Duration::from_secs(3) < since.elapsed(), "it was not waited for the first to end");
    away.farm.soon_seen(&one, "127.50.14.2");
    assert_eq!((away.farm.history(&one).len(), keeper.asked().len()), (1, 2));
}

#[test]
fn a_shop_that_is_killed_while_a_modem_dials_is_told_of_it_once_when_it_is_back() {
    let keeper = Keeper::open(&["127.50.15.2", "127.50.15.1", "127.50.15.2"], 2_000);
    let (_folder, words) = secrets();
    let modem = keeper.modem("");
    let (mut away, one, asked) = Away::dialing(("hooked", "127.50.15.1", &modem), &[&words]);
    soon(|| keeper.asked().len() == 1, || "nobody was asked".to_owned());
    away.farm.shop.kill9();
    away.outpost().soon_logs("Modem hooked has dialed: another exit");
    thread::sleep(Duration::from_secs(2));
    away.farm.shop.reopen();
    let ended = away.farm.ended(&asked);
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.15.2")));
    soon(|| away.farm.seen("http", &one) == "127.50.15.2|200", || away.farm.seen("http", &one));
    assert_eq!(
        (away.farm.history(&one).len(), keeper.asked().len()),
        (1, 1),
        "it has dialed twice"
    );
    // And again, as if nothing had been.
    away.farm.shop.advance("2s");
    let ended = away.farm.ended(&away.farm.rotate(&one));
    assert_eq!((&ended["state"], &ended["exit"]), (&json!("changed"), &json!("127.50.15.1")));
    away.farm.soon_seen(&one, "127.50.15.1");
    away.farm.shop.audit();
}

#[test]
fn a_gateway_that_ends_well_waits_for_its_modem() {
    let takes =
        "driver.simulator = { exits = [\"127.50.16.1\", \"127.50.16.2\"], takes_ms = 1500 }";
    let (mut away, one, _) = Away::dialing(("slow", "127.50.16.1", takes), &[]);
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    assert!(outpost.ended().success());
    let modems = away.farm.shop.run(&["modem", "list"]);
    assert_eq!((&modems[0]["state"], &modems[0]["last"]), (&json!("idle"), &json!("changed")));
    // Nobody is there who would do this one.
    away.farm.shop.advance("61s");
    let asked = away.farm.rotate(&one);
    thread::sleep(Duration::from_secs(2));
    let target = format!("/api/v1/rotations/{}", asked["id"].as_str().unwrap());
    let now = away.farm.native("GET", &target, &away.farm.ann).json();
    assert_eq!(now["state"], "queued");
}
