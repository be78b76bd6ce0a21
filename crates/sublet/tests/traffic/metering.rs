//! What goes through a proxy is counted: every byte once, whatever happens to the server, and but
//! for what passed in the last moments before it was killed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use e2e::customer::Customer;
use e2e::http::Request;
use e2e::random::Random;
use serde_json::Value;

use crate::town::{Proxy, Town, setup};

/// How long until what was used is shown, at the latest.
const SHOWN: Duration = Duration::from_secs(20);

/// What an answer to a request holds.
const ANSWER: usize = 200_000;

/// Up, down, connections.
type Used = (u64, u64, u64);

/// A destination that counts for itself. Who posts something is answered, and whoever sends
/// anything else gets nothing back.
struct Destination {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
    connections: AtomicU64,
    /// How much had been received, and when.
    history: Mutex<Vec<(Instant, u64)>>,
}

impl Destination {
    fn new() -> Destination {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&shared);
                counts.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || counts.serve(stream));
            }
        });
        Destination { address, counts }
    }

    fn used(&self) -> Used {
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (of(&self.counts.received), of(&self.counts.sent), of(&self.counts.connections))
    }

    /// How much had been received at a moment.
    fn received_at(&self, moment: Instant) -> u64 {
        let history = self.counts.history.lock().unwrap();
        let before = history.iter().take_while(|(at, _)| *at <= moment);
        before.last().map_or(0, |(_, received)| *received)
    }
}

impl Counts {
    fn serve(&self, mut stream: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        let (mut head, mut missing) = (Vec::new(), None);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let all = self.received.fetch_add(count as u64, Ordering::SeqCst) + count as u64;
            self.history.lock().unwrap().push((Instant::now(), all));
            match &mut missing {
                Some(missing) => *missing -= count.min(*missing),
                None => {
                    head.extend_from_slice(&buffer[..count]);
                    if !head.starts_with(b"POST ") {
                        continue;
                    }
                    missing = missing_body(&head);
                }
            }
            if missing == Some(0) {
                let mut answer =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {ANSWER}\r\n\r\n").into_bytes();
                answer.resize(answer.len() + ANSWER, b'a');
                stream.write_all(&answer).unwrap();
                self.sent.fetch_add(answer.len() as u64, Ordering::SeqCst);
                (missing, head) = (None, Vec::new());
            }
        }
    }
}

/// How much of its body is missing behind a head that is whole.
fn missing_body(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let (_, length) = head.split_once("content-length: ")?;
    let length: usize = length.lines().next()?.trim().parse().unwrap();
    Some((end + length).saturating_sub(request.len()))
}

/// Posts so many bytes through a proxy, over a protocol.
#[track_caller]
fn post(proxy: &Proxy, options: &[&str], scheme: &str, to: SocketAddr, bytes: usize) {
    let Proxy { login, password, host, http, .. } = proxy;
    let folder = tempfile::tempdir().unwrap();
    let (body, answer) = (folder.path().join("body"), folder.path().join("answer"));
    std::fs::write(&body, vec![b'b'; bytes]).unwrap();
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "", "--max-time", "60", "-H", "Expect:"])
        .args(["-x", &format!("{scheme}://{login}:{password}@{host}:{http}")])
        .args(options)
        .args(["--data-binary", &format!("@{}", body.display()), "-o"])
        .arg(&answer)
        .arg(format!("http://{to}/"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::metadata(&answer).unwrap().len(), ANSWER as u64);
}

fn number(line: &Value, name: &str) -> u64 {
    line[name].as_u64().unwrap_or_else(|| panic!("{name} in {line}"))
}

fn sum<'a>(lines: impl IntoIterator<Item = &'a Value>) -> Used {
    lines.into_iter().fold((0, 0, 0), |(up, down, connections), line| {
        (
            up + number(line, "bytes_up"),
            down + number(line, "bytes_down"),
            connections + number(line, "connections"),
        )
    })
}

impl Town {
    /// What the native API says.
    #[track_caller]
    fn usage(&self, customer: &Customer, target: &str) -> Value {
        let request =
            Request::get(target).header("Authorization", &format!("Bearer {}", customer.key));
        let answer = request.send(self.shop.address());
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        answer.json()
    }

    fn used(&self, customer: &Customer) -> Used {
        sum(self.usage(customer, "/api/v1/usage")["usage"].as_array().unwrap())
    }

    /// What is shown when it has not changed for a while.
    #[track_caller]
    fn settled(&self, customer: &Customer) -> Used {
        let (mut used, mut since) = (self.used(customer), Instant::now());
        while since.elapsed() < Duration::from_millis(2_500) {
            thread::sleep(Duration::from_millis(100));
            let now = self.used(customer);
            if now != used {
                (used, since) = (now, Instant::now());
            }
        }
        used
    }

    /// Waits until so much is shown, and no more for a while.
    #[track_caller]
    fn soon_used(&self, customer: &Customer, expected: Used) {
        let since = Instant::now();
        while self.used(customer) != expected {
            let used = self.used(customer);
            assert!(since.elapsed() < SHOWN, "shown are {used:?}, passed have {expected:?}");
            thread::sleep(Duration::from_millis(100));
        }
        thread::sleep(Duration::from_millis(1_200));
        assert_eq!(self.used(customer), expected, "nothing is added twice");
    }
}

#[test]
fn every_byte_is_counted_once_and_shown_to_customer_and_operator() {
    let mut town = Town::open();
    let (ann, proxies) = town.ann_with(3);
    let bob = town.shop.customer("Bob", "1.00");
    let [one, two, unused] = &proxies[..] else { panic!("three were ordered") };
    let through_one = Destination::new();
    let through_two = Destination::new();
    town.soon_seen_through(unused);
    let before = town.usage(&ann, &format!("/api/v1/leases/{}/usage", one.id));
    assert_eq!(before["usage"], serde_json::json!([]));

    for (options, scheme, bytes) in [
        (&[][..], "http", 1_000_003),
        (&["-p"][..], "http", 2_000_005),
        (&[][..], "socks5", 3_000_007),
        (&[][..], "socks5h", 0),
    ] {
        post(one, options, scheme, through_one.address, bytes);
        post(two, options, scheme, through_two.address, bytes / 3);
    }
    let (expected_one, expected_two) = (through_one.used(), through_two.used());
    assert!(expected_one.0 > 6_000_015 && expected_one.1 > 4 * ANSWER as u64);
    let of = |town: &Town, lease: &str| {
        let shown = town.usage(&ann, &format!("/api/v1/leases/{lease}/usage"));
        assert!(shown["next"].is_null() && shown["from"].as_str() < shown["to"].as_str());
        sum(shown["usage"].as_array().unwrap())
    };
    let since = Instant::now();
    while of(&town, &one.id) != expected_one || of(&town, &two.id) != expected_two {
        let shown = (of(&town, &one.id), of(&town, &two.id));
        assert!(since.elapsed() < SHOWN, "{shown:?} of {expected_one:?} and {expected_two:?}");
        thread::sleep(Duration::from_millis(100));
    }
    // Through the third one somebody has sent one byte, to be told from where he comes.
    assert_eq!(town.used(&ann).0, expected_one.0 + expected_two.0 + 1);

    // Page by page it is the same.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = town.usage(&ann, &format!("/api/v1/usage?limit=1&after={after}"));
        paged.extend(page["usage"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(sum(&paged), town.used(&ann));

    // Nobody sees what is another's.
    assert_eq!(town.used(&bob), (0, 0, 0));
    let target = format!("/api/v1/leases/{}/usage", one.id);
    let his = Request::get(&target).header("Authorization", &format!("Bearer {}", bob.key));
    assert_eq!(his.send(town.shop.address()).status, 404);
    for wrong in ["from=2026-13-01", "from=tomorrow", "from=2026-12-02&to=2026-12-01", "after=x"] {
        let target = format!("/api/v1/usage?{wrong}");
        let asked = Request::get(&target).header("Authorization", &format!("Bearer {}", ann.key));
        assert_eq!(asked.send(town.shop.address()).status, 400, "{wrong}");
    }

    // The operator sees the same from his side.
    let said = |words: &[&str]| town.shop.run(&[&["usage"], words].concat());
    let by_lease = said(&["--by", "lease"]);
    let line = by_lease.iter().find(|line| line["lease_id"] == one.id.as_str()).unwrap();
    assert_eq!(sum([line]), expected_one);
    assert_eq!(sum(&said(&["--lease", &two.id])), expected_two);
    let customer = ann.id.to_string();
    assert_eq!(sum(&said(&["--customer", &customer, "--by", "customer"])), town.used(&ann));
    assert_eq!(sum(&said(&["--to", "2020-01-01"])), (0, 0, 0));
    assert_eq!(sum(&said(&["meters"])), town.used(&ann));

    // What ends cleanly loses nothing, not even what has just passed.
    post(one, &["-p"], "http", through_one.address, 500_000);
    let more = through_one.used();
    town.shop.sigterm();
    town.shop.reopen();
    assert_eq!(of(&town, &one.id), more);
    town.shop.audit();
}

/// Somebody who sends through a tunnel, as evenly as he can, until the tunnel breaks.
struct Stream {
    sent: Arc<AtomicU64>,
    is_enough: Arc<AtomicBool>,
    sender: thread::JoinHandle<()>,
}

impl Stream {
    fn begin(proxy: &Proxy, to: SocketAddr) -> Stream {
        let mut stream = TcpStream::connect((proxy.host.as_str(), proxy.socks)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let SocketAddr::V4(to) = to else { panic!("it is IPv4") };
        let mut ask = |bytes: &[u8], reply: usize| {
            stream.write_all(bytes).unwrap();
            let mut said = vec![0; reply];
            stream.read_exact(&mut said).unwrap();
            assert_eq!(said[1] & 0xfd, 0, "{said:?}");
        };
        ask(&[5, 1, 2], 2);
        let mut known = vec![1];
        for word in [&proxy.login, &proxy.password] {
            known.push(u8::try_from(word.len()).unwrap());
            known.extend_from_slice(word.as_bytes());
        }
        ask(&known, 2);
        let mut request = vec![5, 1, 0, 1];
        request.extend_from_slice(&to.ip().octets());
        request.extend_from_slice(&to.port().to_be_bytes());
        ask(&request, 10);
        let (sent, is_enough) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, enough) = (Arc::clone(&sent), Arc::clone(&is_enough));
        let sender = thread::spawn(move || {
            while !enough.load(Ordering::SeqCst) {
                // Counted before it can be known whether it has gone.
                count.fetch_add(8_192, Ordering::SeqCst);
                if stream.write_all(&[b's'; 8_192]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(4));
            }
        });
        Stream { sent, is_enough, sender }
    }

    /// Sends no more; says how much was sent.
    fn end(self) -> u64 {
        self.is_enough.store(true, Ordering::SeqCst);
        self.sender.join().unwrap();
        self.sent.load(Ordering::SeqCst)
    }
}

#[test]
fn what_goes_on_through_a_server_that_was_followed_is_counted_by_its_heir() {
    let mut town = Town::of(setup().alone().in_a_file().open());
    let (ann, proxies) = town.ann_served(1);
    let proxy = &proxies[0];
    let (before, destination) = (town.settled(&ann), Destination::new());
    let stream = Stream::begin(proxy, destination.address);
    thread::sleep(Duration::from_millis(700));
    let left = town.shop.take_over();
    let at_hand_over = stream.sent.load(Ordering::SeqCst);
    thread::sleep(Duration::from_millis(700));
    let sent = stream.end();
    assert!(sent > at_hand_over, "the tunnel goes on");
    assert!(left.ended().success(), "{}", town.shop.logged());
    town.soon_used(&ann, (before.0 + sent, before.1, before.2 + 1));
    town.shop.audit();
}

#[test]
fn a_server_that_is_killed_loses_no_more_than_the_last_moments_and_counts_nothing_twice() {
    let mut town = Town::open();
    let (ann, proxies) = town.ann_served(1);
    let proxy = &proxies[0];
    // The byte that he begins with, and the line that he is told before he gets it back.
    let greeting = proxy.host.len() as u64 + 1;
    town.soon_used(&ann, (1, greeting + 1, 1));
    let mut random = Random::new(7);
    let (mut counted_before, mut lost_most, mut kills) = (1, Duration::ZERO, Vec::new());
    for kill in 1..=10 {
        let destination = Destination::new();
        let stream = Stream::begin(proxy, destination.address);
        thread::sleep(Duration::from_millis(900 + random.below(1_200) as u64));
        town.shop.kill9();
        let killed = Instant::now();
        let sent = stream.end();
        // What was on its way arrives.
        thread::sleep(Duration::from_millis(200));
        town.shop.reopen();
        // What the last one has written down is taken, and no more comes.
        let counted = town.settled(&ann).0 - counted_before;
        counted_before += counted;
        kills.push((sent, destination.used().0, counted));
        assert!(counted <= sent, "kill {kill}: sent, received, counted: {kills:?}");
        let lost_since = (0..100)
            .map(|tenth| Duration::from_millis(100 * tenth))
            .find(|ago| destination.received_at(killed - *ago) <= counted);
        let lost = lost_since.expect("something was received at last");
        lost_most = lost_most.max(lost);
        // Less than a second on a machine that has nothing else to do.
        assert!(lost <= Duration::from_secs(3), "kill {kill}: {lost:?} are lost: {kills:?}");
    }
    assert!(counted_before > 1);
    eprintln!("10 kills; at most what passed in the last {lost_most:?} was lost");
    let shown = town.used(&ann);
    town.shop.restart();
    assert_eq!(town.settled(&ann), shown, "a new start adds nothing");
    town.shop.audit();
}
