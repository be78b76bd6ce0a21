//! One process of a gateway takes over from another: nobody who connects notices, no tunnel is cut,
//! what is taken away is closed in both, and what is used is counted once.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::customer::Customer;
use e2e::http::Request;
use serde_json::json;

use crate::crowd::{keep_asking, number, visit};
use crate::fake::{Fake, Says, Told, proxy};
use crate::outpost::{Away, Outpost, port, soon};
use crate::town::{Echo, Proxy, Tunnel};

/// Tunnels that are open while one process follows another, and how often it does, if
/// `SUBLET_TUNNELS` and `SUBLET_HAND_OVERS` do not say.
const TUNNELS: usize = 24;
const HAND_OVERS: usize = 2;

/// Clients that connect meanwhile.
const CLIENTS: usize = 2;

/// Has clients visit through `proxies` while `meanwhile` goes on; says how many have come, all of
/// whom must have been served.
#[track_caller]
fn while_they_come<T>(
    away: &mut Away,
    proxies: &[Proxy],
    meanwhile: impl FnOnce(&mut Away) -> T,
) -> (usize, T) {
    let to = away.town.echo_v4();
    let (stop, count, failures) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::default());
    let done = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                keep_asking(&stop, &count, &failures, |number| {
                    visit(&proxies[number % proxies.len()], to)
                });
            });
        }
        let stop = Stop(&stop);
        let done = meanwhile(away);
        drop(stop);
        done
    });
    let (count, failures) = (count.into_inner(), failures.into_inner().unwrap());
    let logged = away.outpost().logged();
    assert!(failures.is_empty(), "{} of {count}: {:?} {logged}", failures.len(), failures[0]);
    assert!(count > 20, "only {count} have come");
    (count, done)
}

/// Has them stop, also when something fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// So many tunnels, through each proxy in its turn. The destination takes its time to speak first.
fn tunnels(away: &Away, proxies: &[Proxy], count: usize) -> Vec<Tunnel> {
    const LANES: usize = 12;
    let lane = |first| {
        let own = (first..count).step_by(LANES).map(|number| &proxies[number % proxies.len()]);
        own.map(|proxy| away.town.tunnel(proxy).unwrap()).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|first| scope.spawn(move || lane(first))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    })
}

/// Gives the logins of a customer another password; says how long it takes then until `open` is
/// closed.
#[track_caller]
fn revoked(away: &Away, customer: &Customer, open: Tunnel) -> Duration {
    let ways = away.town.shop.seller(customer, "GET", "auth/list", &json!({}));
    let body = json!({ "id": ways[0]["id"], "password": "an0ther-secret" });
    away.town.shop.seller(customer, "POST", "auth/change", &body);
    let since = Instant::now();
    open.soon_closed();
    since.elapsed()
}

/// What a customer has used, as the operator is told: bytes up, and connections.
fn used(away: &Away, customer: &Customer) -> (u64, usize) {
    let lines = away.town.shop.run(&["usage", "--customer", &customer.id.to_string()]);
    let sum = |of: &str| lines.iter().map(|line| line[of].as_u64().unwrap()).sum::<u64>();
    (sum("bytes_up"), sum("connections").try_into().unwrap())
}

/// Every tunnel passes four bytes on, and back; says how many that are.
#[track_caller]
fn echo(open: &mut [Tunnel]) -> u64 {
    let passed = open.iter_mut().filter_map(|tunnel| tunnel.echoes().then_some(())).count();
    assert_eq!(passed, open.len(), "tunnels were cut");
    4 * u64::try_from(passed).unwrap()
}

/// What is counted of so many tunnels that have passed so many bytes on: each begins with one more.
fn with_first(echoed: u64, tunnels: usize) -> (u64, usize) {
    (echoed + u64::try_from(tunnels).unwrap(), tunnels)
}

#[test]
fn gateways_follow_each_other_and_nobody_notices() {
    let mut away = Away::open();
    let (count, times) =
        (number("SUBLET_TUNNELS", TUNNELS), number("SUBLET_HAND_OVERS", HAND_OVERS));
    let [(ann, anns), (bob, bobs), (cid, cids)] =
        [12, 1, 4].map(|count| away.town.ann_served(count));
    let mut open = tunnels(&away, &anns, count);
    let (mut echoed, mut opened) = (echo(&mut open), count + anns.len());
    let taken_away = away.town.tunnel(&bobs[0]).unwrap();
    let admin: SocketAddr = away.outpost().ready["admin"].as_str().unwrap().parse().unwrap();
    let told = AtomicBool::new(false);
    let (visits, mut left) = thread::scope(|scope| {
        let stop = Stop(&told);
        // Whoever looks after it sees nothing but a gateway that is ready.
        scope.spawn(|| {
            while !told.load(Ordering::Relaxed) {
                assert_eq!(Request::get("/readyz").send(admin).status, 200);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let done = while_they_come(&mut away, &cids, |away| {
            let round = |round| {
                thread::sleep(Duration::from_millis(300));
                let since = Instant::now();
                let left = away.take_over();
                let took = since.elapsed();
                assert_eq!(away.outpost().ready["saved"], true);
                assert_eq!(away.outpost().ready["admin"], admin.to_string());
                echoed += echo(&mut open);
                let mut more = tunnels(away, &anns, 2);
                echoed += echo(&mut more);
                opened += more.len();
                // The second has tunnels too; any that comes later ends when it is followed.
                if round == 0 {
                    open.extend(more);
                }
                thread::sleep(Duration::from_millis(300));
                (left, took)
            };
            (0..times).map(round).collect::<Vec<_>>()
        });
        drop(stop);
        done
    });
    // What is new is told to the process that listens; what is taken away, to all.
    away.town.ann_served(1);
    let took = revoked(&away, &bob, taken_away);
    println!(
        "{visits} visits in {times} hand-overs, of which the longest took {:?}; closed after {} ms",
        left.iter().map(|(_, took)| took).max(),
        took.as_millis()
    );
    echoed += echo(&mut open);
    let runs = left.iter_mut().take(2).filter_map(|(left, _)| left.runs().then_some(())).count();
    assert_eq!(runs, 2, "one has ended with tunnels in it");
    assert_eq!(away.listed("rotterdam")["state"], "here");
    drop(open);
    for (other, _) in &mut left {
        assert!(other.ended().success(), "{}", other.logged());
    }
    let all = || (used(&away, &ann), used(&away, &bob), used(&away, &cid).1);
    let expected = (with_first(echoed, opened), (2, 2), visits + cids.len());
    soon(|| all() == expected, || format!("{:?} is counted, not {expected:?}", all()));
    away.town.shop.audit();
}

/// What was kept may be older than what is served: while the shop is there, it is waited for.
#[test]
fn a_gateway_that_follows_waits_for_what_has_happened_since_it_was_kept() {
    const SILENT: Duration = Duration::from_millis(1_500);
    let (port, echo) = (port(), Echo::new());
    let told = |number, leases: &[u8]| {
        Says::Tells(Told { node: "fake", number, port, leases: leases.to_vec() }.bytes())
    };
    let fake = Fake::open(told(1, &[11]));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    let first = Outpost::start(&data, &[&fake.control], &["--token", &fake.token()]);
    assert!(echo.tunnel(&proxy(11, port)).is_ok());
    thread::scope(|scope| {
        // The one that runs hears that the shop is there; the new one is told nothing for a while.
        fake.says(Says::Nothing);
        let asked = fake.asked("/v1/feed").len();
        let new = scope.spawn(|| Outpost::start(&data, &[&fake.control], &["--take-over"]));
        soon(|| fake.asked("/v1/feed").len() > asked, || first.logged());
        thread::sleep(SILENT);
        assert!(!new.is_finished(), "it did not wait: {}", first.logged());
        assert!(echo.tunnel(&proxy(11, port)).is_ok());
        fake.says(told(2, &[12]));
        fake.hang_up();
        let new = new.join().unwrap();
        assert_eq!(new.ready["saved"], true);
        // A moment longer, somebody may be accepted by the first, which may not have heard of it yet.
        soon(|| echo.tunnel(&proxy(12, port)).is_ok(), || new.logged());
        soon(|| echo.tunnel(&proxy(11, port)).is_err(), || "what was kept is served".to_owned());
    });
}

/// A process that was followed goes on telling what it has taken; how the gateway is, the other says.
#[test]
fn who_leaves_does_not_say_how_the_gateway_is() {
    let mut away = Away::open();
    let (_, proxies) = away.town.ann_with(1);
    away.town.soon_seen_through(&proxies[0]);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    let mut left = away.take_over();
    soon(
        || away.listed("rotterdam")["report"]["connections"] == 0,
        || away.listed("rotterdam").to_string(),
    );
    // The new one cannot say anything for a while, and longer than until it is noted again.
    away.outpost().signal("STOP");
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(8) {
        let listed = away.listed("rotterdam");
        assert_ne!(listed["report"]["leaving"], true, "{listed}");
        assert_eq!(listed["report"]["connections"], 0, "{listed}");
        thread::sleep(Duration::from_millis(500));
    }
    away.outpost().signal("CONT");
    assert!(open.echoes() && left.runs(), "{}", left.logged());
    drop(open);
    assert!(left.ended().success(), "{}", left.logged());
}

#[test]
fn while_the_shop_is_away_a_gateway_follows_from_what_was_kept() {
    let mut away = Away::open();
    let [(ann, anns), (bob, bobs), (_, cids)] = [2, 1, 2].map(|count| away.town.ann_served(count));
    let mut open = tunnels(&away, &anns, 10);
    let taken_away = away.town.tunnel(&bobs[0]).unwrap();
    let (_, (mut left, mut echoed)) = while_they_come(&mut away, &cids, |away| {
        away.town.shop.kill9();
        let left = away.take_over();
        open.extend(tunnels(away, &anns, 2));
        (left, echo(&mut open))
    });
    assert_eq!(away.outpost().ready["saved"], true);
    assert_eq!(away.outpost().status()["followed"], false);
    // The shop is back: both find it again.
    away.town.shop.reopen();
    away.town.ann_served(1);
    thread::sleep(Duration::from_secs(4));
    let took = revoked(&away, &bob, taken_away);
    println!("closed after {} ms, in a process that was followed", took.as_millis());
    echoed += echo(&mut open);
    let opened = open.len() + anns.len();
    drop(open);
    assert!(left.ended().success(), "{}", left.logged());
    let expected = with_first(echoed, opened);
    soon(
        || used(&away, &ann) == expected,
        || format!("{:?} is counted, not {expected:?}", used(&away, &ann)),
    );
}

#[test]
fn who_cannot_take_over_changes_nothing() {
    let mut away = Away::alone();
    let token = away.token("rotterdam");
    // There is nobody to take over from.
    away.start(&["--token", &token, "--take-over"]);
    let (_, proxies) = away.town.ann_served(4);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    let data = away.data();
    let fails = |away: &Away, controls: &[&str], words: &[&str], says: &str| {
        let words = [&["--take-over"], words].concat();
        let mut failing = Outpost::begin(&data, controls, &words);
        assert!(!failing.ended().success());
        assert!(away.outpost().logged().contains(says), "no {says:?}: {}", away.outpost().logged());
    };
    let control = away.control.clone();
    let control = [control.as_str()];
    let (_, more) = while_they_come(&mut away, &proxies, |away| {
        // Options that do not go together, and files that are not there, disturb nobody.
        fails(away, &control, &["--gateway-cert", "/nowhere"], "--gateway-key");
        fails(
            away,
            &control,
            &["--gateway-cert", "/nowhere", "--gateway-key", "/nowhere"],
            "/nowhere",
        );
        assert!(!away.outpost().logged().contains("Asked to hand over"));
        // A folder that is damaged is noticed when it was taken.
        let key = std::fs::read(data.join("key")).unwrap();
        std::fs::write(data.join("key"), "nonsense").unwrap();
        fails(away, &control, &[], "the key of this gateway is damaged");
        std::fs::write(data.join("key"), key).unwrap();
        // One that does not find the shop knows less than the one that runs.
        let nowhere = format!("https://127.0.0.1:{}", crate::outpost::port());
        fails(away, &[&nowhere], &[], "knows more than it has kept, and stays");
        // One that is killed when it has taken everything.
        let killed = Outpost::begin(&data, &[&nowhere], &["--take-over"]);
        killed.soon_logs_times("Serving what was known before", 2);
        killed.kill9();
        away.outpost().soon_logs_times("The folder is this gateway's again", 3);
        // The folder is this one's again, and what is told is kept there.
        let mut second = Outpost::begin(&data, &control, &[]);
        assert!(!second.ended().success());
        assert!(away.outpost().logged().contains("another gateway uses the folder"));
        let (_, more) = away.town.ann_served(1);
        more
    });
    assert!(open.echoes(), "a tunnel was cut");
    // What was told while the folder was another's is kept as soon as everything is told again.
    let before = std::fs::read(data.join("table")).unwrap();
    away.town.shop.restart();
    soon(|| std::fs::read(data.join("table")).unwrap() != before, || "nothing is saved".to_owned());
    thread::sleep(Duration::from_millis(500));
    away.town.shop.kill9();
    away.kill9();
    away.start(&[]);
    away.town.tunnel(&more[0]).unwrap();
}

#[test]
fn a_gateway_that_is_removed_ends_in_every_process() {
    let mut away = Away::open();
    let (_, proxies) = away.town.ann_served(1);
    let early = away.town.tunnel(&proxies[0]).unwrap();
    let mut left = away.take_over();
    let late = away.town.tunnel(&proxies[0]).unwrap();
    away.town.shop.run(&["node", "remove", "rotterdam"]);
    early.soon_closed();
    late.soon_closed();
    assert!(!left.ended().success());
    assert!(!away.outpost.as_mut().unwrap().ended().success());
    assert!(!away.data().join("table").exists(), "what it was told is still there");
}

#[test]
fn a_gateway_that_is_asked_to_end_closes_what_is_taken_away_meanwhile() {
    let mut away = Away::open();
    let (_, anns) = away.town.ann_served(1);
    let (bob, bobs) = away.town.ann_served(1);
    let mut open = away.town.tunnel(&anns[0]).unwrap();
    let taken_away = away.town.tunnel(&bobs[0]).unwrap();
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    away.town.soon_refused(&anns[0]);
    revoked(&away, &bob, taken_away);
    assert!(open.echoes(), "a tunnel was cut");
    drop(open);
    assert!(outpost.ended().success());
}

#[test]
fn servers_follow_each_other_and_a_gateway_misses_nothing() {
    let mut away = Away::open_whose_servers_follow();
    let (bob, bobs) = away.town.ann_served(1);
    let (_, proxies) = away.town.ann_served(2);
    let mut open = tunnels(&away, &proxies, 10);
    let taken_away = away.town.tunnel(&bobs[0]).unwrap();
    let before = away.listed("rotterdam");
    let (_, left) = while_they_come(&mut away, &proxies, |away| {
        [(), ()].map(|()| {
            let shop = away.town.shop.address();
            let (stop, ordered) = (AtomicBool::new(false), Mutex::new(Vec::new()));
            let (dan, _) = away.town.ann_with(1);
            let left = thread::scope(|scope| {
                let told = Stop(&stop);
                // Somebody orders all the time, also while one server leaves and the other begins.
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let body = e2e::bodies::order("IPv4", "USA", 1, 30);
                        let number =
                            dan.posting("/order", &body).send(shop).ok()["orderNumber"].clone();
                        ordered.lock().unwrap().push(number);
                        thread::sleep(Duration::from_millis(50));
                    }
                });
                thread::sleep(Duration::from_millis(200));
                let left = away.town.shop.take_over();
                thread::sleep(Duration::from_millis(300));
                drop(told);
                left
            });
            assert_eq!(away.town.shop.address(), shop);
            // Whatever was ordered works.
            let ordered = ordered.into_inner().unwrap();
            let listed = away.town.shop.addresses(&dan, "IPv4");
            assert_eq!(listed.len(), ordered.len() + 1);
            println!("{} were ordered while servers followed each other", ordered.len());
            for address in &listed {
                away.town.soon_seen_through(&Proxy::listed(address));
            }
            left
        })
    });
    for left in left {
        assert!(left.ended().success(), "{}", away.town.shop.logged());
    }
    revoked(&away, &bob, taken_away);
    echo(&mut open);
    assert_eq!(away.listed("rotterdam")["node"], before["node"]);
    let logged = away.outpost().logged();
    assert!(!logged.contains("is refused"), "{logged}");
    away.town.shop.audit();
}
