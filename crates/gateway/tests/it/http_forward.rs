//! Requests that are passed on one by one: from the leased exit, under the lease's limits, and no
//! longer than it lasts.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::Span;
use feed::lease::{Lease, Limits};

use crate::support::{Client, PATIENCE, START, Town, exit_of, lease, noise};

/// A web server that knows who came. `/size/N` has N bytes, `/stall` stops in the middle, and
/// everything else says whence the connection came and how many requests it has carried.
struct Web {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn new() -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, &seen));
            }
        });
        Web { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let peer = stream.peer_addr().ok()?.ip();
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    for number in 1.. {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        seen.lock().unwrap().push(head.clone());
        let path = head.split(' ').nth(1)?;
        if head.contains("Upgrade: websocket") {
            writer
                .write_all(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                .ok()?;
            std::io::copy(&mut reader, &mut writer).ok()?;
            return None;
        }
        let answer = if let Some(size) = path.strip_prefix("/size/") {
            noise(size.parse().ok()?)
        } else if path == "/stall" {
            writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").ok()?;
            reader.read_line(&mut head).ok()?;
            return None;
        } else if body.is_empty() {
            format!("{peer} {number}").into_bytes()
        } else {
            body
        };
        write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len()).ok()?;
        writer.write_all(&answer).ok()?;
    }
    None
}

pub(crate) fn request(id: u64, method: &str, url: &str, more: &str) -> String {
    let pair = STANDARD.encode(format!("u{id}:p{id}"));
    format!("{method} {url} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic {pair}\r\n{more}\r\n")
}

fn get(id: u64, web: &Web, path: &str) -> String {
    request(id, "GET", &format!("http://{}{path}", web.address), "")
}

/// Reads an answer with its body.
fn answer(client: &mut Client) -> (u16, Vec<u8>) {
    let status = client.line().split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        let line = client.line();
        if let Some(text) = line.strip_prefix("Content-Length: ") {
            length = text.parse().unwrap();
        }
        if line.is_empty() {
            return (status, client.receive(length));
        }
    }
}

fn ask(client: &mut Client, request: &str) -> (u16, String) {
    client.send(request);
    let (status, body) = answer(client);
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn each_request_leaves_from_the_exit_of_its_own_lease() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    town.put(&lease(2));
    let mut client = Client::connect(town.entry);
    for (id, number) in [(1, 1), (1, 2), (2, 1), (2, 2), (1, 1)] {
        let found = ask(&mut client, &get(id, &web, "/"));
        assert_eq!(found, (200, format!("{} {number}", exit_of(id))));
    }
    let wrong = get(1, &web, "/").replace("dTE6cDE=", "dTE6cDI=");
    assert_eq!(ask(&mut client, &wrong).0, 407);
    assert_eq!(ask(&mut client, &get(1, &web, "/")), (200, format!("{} 2", exit_of(1))));
    for head in web.heads() {
        assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nHost: {}\r\n", web.address)), "{head}");
        assert!(!head.contains("Proxy-"), "{head}");
    }
}

#[test]
fn a_refused_destination_is_told_and_the_client_may_go_on() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    let port = web.address.port();
    for (url, status) in [
        (format!("http://127.66.0.1:{port}/"), 403),
        (format!("http://[::ffff:127.66.0.1]:{port}/"), 403),
        (format!("http://localhost:{port}/"), 403),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), 403),
        ("http://127.0.0.1:25/".to_owned(), 403),
        (format!("http://[fd00:7::1]:{port}/"), 502),
    ] {
        assert_eq!(ask(&mut client, &request(1, "GET", &url, "")).0, status, "{url}");
    }
    assert_eq!(web.heads().len(), 0);
    assert_eq!(ask(&mut client, &get(1, &web, "/")).0, 200);
}

#[test]
fn bodies_of_any_size_arrive_whole_and_are_counted() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    for size in [0, 1, 1000, 16_384, 70_000, 3_000_000] {
        client.send(get(1, &web, &format!("/size/{size}")));
        assert!(answer(&mut client) == (200, noise(size)), "{size}");
    }
    let body = noise(3_000_000);
    let url = format!("http://{}/", web.address);
    client.send(request(1, "POST", &url, &format!("Content-Length: {}\r\n", body.len())));
    let mut sender = client.0.try_clone().unwrap();
    let sent = body.clone();
    let sending = thread::spawn(move || sender.write_all(&sent).unwrap());
    assert!(answer(&mut client) == (200, body));
    sending.join().unwrap();
    let used = town.used(1, 9_000_000);
    assert!((3_000_000..3_010_000).contains(&used.bytes_up), "{used:?}");
    assert!((6_087_385..6_100_000).contains(&used.bytes_down), "{used:?}");
    assert_eq!(used.flows, 1);
}

#[test]
fn a_client_is_one_flow_however_much_it_asks() {
    let (town, web) = (Town::new(), Web::new());
    let limits = Limits { flows: 1, flows_per_second: 1, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let mut client = Client::connect(town.entry);
    for _ in 0..20 {
        assert_eq!(ask(&mut client, &get(1, &web, "/")).0, 200);
    }
    let mut second = Client::connect(town.entry);
    assert_eq!(ask(&mut second, &get(1, &web, "/")).0, 429);
    drop(client);
    // It is counted out as soon as the gateway has seen it go, and a second has passed.
    let deadline = Instant::now() + PATIENCE;
    while ask(&mut second, &get(1, &web, "/")).0 != 200 {
        assert!(Instant::now() < deadline, "the flow was never given back");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn bytes_are_held_to_the_rate_of_the_lease() {
    let (town, web) = (Town::new(), Web::new());
    let limits = Limits { bytes_per_second: 200_000, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let mut client = Client::connect(town.entry);
    let start = Instant::now();
    client.send(get(1, &web, "/size/200000"));
    assert!(answer(&mut client) == (200, noise(200_000)));
    let took = start.elapsed();
    assert!(took > Duration::from_millis(600), "it took only {took:?}");
}

#[test]
fn what_is_under_way_ends_with_the_lease() {
    let (town, web) = (Town::new(), Web::new());
    let ends_at = (START + Span::from_millis(60_000)).millis();
    town.put(&Lease { ends_at, ..lease(1) });
    town.put(&lease(2));
    let mut idle = Client::connect(town.entry);
    assert_eq!(ask(&mut idle, &get(1, &web, "/")).0, 200);
    let mut stalled = Client::connect(town.entry);
    stalled.send(get(1, &web, "/stall"));
    assert_eq!(stalled.status(), 200);
    assert_eq!(stalled.receive(4), b"half");
    let mut other = Client::connect(town.entry);
    assert_eq!(ask(&mut other, &get(2, &web, "/")).0, 200);

    town.turn_clock(Span::from_millis(60_000));
    assert_eq!(idle.rest(), b"");
    let broken = stalled.0.read(&mut [0]).unwrap_err();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(ask(&mut other, &get(2, &web, "/")).0, 200);
    let mut late = Client::connect(town.entry);
    assert_eq!(ask(&mut late, &get(1, &web, "/")).0, 403);
}

#[test]
fn websocket_becomes_a_tunnel() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    assert_eq!(ask(&mut client, &get(1, &web, "/")).0, 200);
    let url = format!("http://{}/chat", web.address);
    client.send(request(1, "GET", &url, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    assert_eq!(client.status(), 101);
    for _ in 0..3 {
        assert!(client.echoes());
    }
    let much = noise(1_000_000);
    let mut sender = client.0.try_clone().unwrap();
    let sent = much.clone();
    let sending = thread::spawn(move || sender.write_all(&sent).unwrap());
    assert!(client.receive(much.len()) == much);
    sending.join().unwrap();
}

#[test]
fn a_tunnel_may_follow_requests_on_the_same_connection() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    assert_eq!(ask(&mut client, &get(1, &web, "/")).0, 200);
    assert_eq!(client.http_connect(&web.address.to_string(), Some(("u1", "p1"))), 200);
    client.send("GET /inside HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer(&mut client).0, 200);
    assert!(web.heads().last().unwrap().starts_with("GET /inside "));
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let (town, web) = (Town::new(), Web::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    client.send(get(1, &web, "/size/500000"));
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(answer(&mut client) == (200, noise(500_000)));
    assert_eq!(client.rest(), b"");
}
