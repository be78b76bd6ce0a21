//! What a lease, a source and the gateway may use.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use feed::lease::{Lease, Limits};
use gateway::Settings;

use crate::support::{Client, Echo, Town, lease, noise, tunnel};

fn status(town: &Town, echo: &Echo, login: &str, password: &str) -> u16 {
    let mut client = Client::connect(town.entry);
    client.http_connect(&echo.address.to_string(), Some((login, password)))
}

#[test]
fn a_lease_has_so_many_flows_at_a_time() {
    let (town, echo) = (Town::new(), Echo::new());
    let limits = Limits { flows: 3, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    town.put(&lease(2));
    let mut open: Vec<_> = (0..3).map(|_| tunnel(&town, 1, &echo)).collect();
    assert_eq!(status(&town, &echo, "u1", "p1"), 429);
    assert_eq!(status(&town, &echo, "u2", "p2"), 200);
    open.pop();
    // It is noticed as soon as the thread that served it comes to it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(&town, &echo, "u1", "p1") != 200 {
        assert!(Instant::now() < deadline, "the place of a flow that has ended stays taken");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_lease_opens_so_many_flows_in_a_second() {
    let (town, echo) = (Town::new(), Echo::new());
    let limits = Limits { flows_per_second: 5, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let began = Instant::now();
    let served = (0..60).filter(|_| status(&town, &echo, "u1", "p1") == 200).count();
    let most = 5.0 + 5.0 * began.elapsed().as_secs_f64() + 1.0;
    assert!(served >= 5, "only {served} were served");
    assert!((served as f64) <= most, "{served} were served in {:?}", began.elapsed());
}

#[test]
fn a_lease_passes_so_many_bytes_in_a_second() {
    let town = Town::new();
    let limits = Limits { bytes_per_second: 2_000_000, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let sent = noise(4_000_000);
    let source = sent.clone();
    let server = thread::spawn(move || {
        use std::io::Write;
        listener.accept().unwrap().0.write_all(&source).unwrap();
    });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    let began = Instant::now();
    assert!(client.rest() == sent, "something was lost");
    let took = began.elapsed();
    server.join().unwrap();
    assert!(took >= Duration::from_millis(1_700), "it took only {took:?}");
    assert!(took <= Duration::from_secs(12), "it took {took:?}");
}

#[test]
fn a_tunnel_may_be_silent_for_so_long() {
    let settings = Settings { idle: Duration::from_millis(1_500), ..Settings::default() };
    let (town, echo) = (Town::with(settings), Echo::new());
    town.put(&lease(1));
    let (mut silent, mut busy) = (tunnel(&town, 1, &echo).0, tunnel(&town, 1, &echo).0);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert!(busy.echoes());
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(silent.rest(), b"");
    assert!(busy.echoes());
}

#[test]
fn a_source_has_so_many_handshakes_at_a_time() {
    let settings = Settings { handshakes_per_source: 4, ..Settings::default() };
    let (town, echo) = (Town::with(settings), Echo::new());
    town.put(&lease(1));
    let _silent: Vec<_> = (0..4)
        .map(|_| {
            let mut client = Client::connect_from("127.5.5.5", town.entry);
            client.send("C");
            client
        })
        .collect();
    // The gateway takes them in the order in which they came, but on several threads.
    thread::sleep(Duration::from_millis(300));
    let mut one_more = Client::connect_from("127.5.5.5", town.entry);
    assert_eq!(one_more.rest(), b"");
    // Others are served, and who has a tunnel is not counted.
    let _tunnels: Vec<_> = (0..10).map(|_| tunnel(&town, 1, &echo)).collect();
}

#[test]
fn who_is_wrong_too_often_is_not_heard_for_a_while() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    town.put(&lease(2));
    let tries = (0..30).map(|_| status(&town, &echo, "u1", "wrong")).collect::<Vec<_>>();
    assert_eq!(tries[..20], [407; 20]);
    assert!(tries.contains(&429), "{tries:?}");
    // Somebody else's login is not concerned, nor is the same one from elsewhere.
    assert_eq!(status(&town, &echo, "u2", "p2"), 200);
    let mut client = Client::connect_from("127.5.5.6", town.entry);
    assert_eq!(client.http_connect(&echo.address.to_string(), Some(("u1", "p1"))), 200);
}

#[test]
fn the_gateway_has_so_many_connections_at_a_time() {
    let settings = Settings { connections_max: 4, flows_max: 2, ..Settings::default() };
    let (town, echo) = (Town::with(settings), Echo::new());
    town.put(&lease(1));
    let mut open: Vec<_> = (0..2).map(|_| tunnel(&town, 1, &echo).0).collect();
    assert_eq!(status(&town, &echo, "u1", "p1"), 503);
    let _silent: Vec<_> = (0..4).map(|_| Client::connect(town.entry)).collect();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(Client::connect(town.entry).rest(), b"");
    assert!(open.iter_mut().all(Client::echoes));
}
