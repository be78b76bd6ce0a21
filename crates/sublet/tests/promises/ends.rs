//! R3: a lease that has ended passes no byte, whatever its flows are doing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::figures::figure;
use e2e::proxies::{Association, Proxy, base64, status};

use crate::town::Town;

/// How long after the end bytes may come at the latest.
const TOLERANCE: Duration = Duration::from_secs(1);

/// What a flow is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Connect,
    Socks,
    /// Requests one by one on a connection that is kept.
    Forward,
    Datagrams,
}

/// What a flow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// A few bytes now and then.
    Idle,
    /// As much as goes through, both ways.
    Saturated,
    /// The client has said all, and is still being told something.
    HalfClosed,
}

/// When what came last, in microseconds since `began`.
struct Flow {
    way: Way,
    habit: Habit,
    began: Instant,
    /// At the client or at the destination.
    last: AtomicU64,
    /// When the client was told that it is over; 0 if it was not.
    closed: AtomicU64,
}

impl Flow {
    fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros().try_into().unwrap()
    }

    fn note_closed(&self) {
        self.closed.store(self.now(), Ordering::Relaxed);
    }
}

type Flows = Arc<Vec<Flow>>;

#[test]
fn no_byte_passes_after_the_end() {
    let town = Town::open();
    let count: u32 = figure(48, 200);
    let (_, rentals) = town.rents(count, 100);
    let began = rentals[0].ordered.0;
    let flows: Flows = Arc::new((0..count as usize).map(|number| flow(number, began)).collect());
    let target = target(&flows);
    let sink = datagrams(&flows);
    let proxies: Vec<(&Proxy, (Instant, Instant))> = rentals
        .iter()
        .flat_map(|rental| rental.proxies.iter().map(|proxy| (proxy, rental.ordered)))
        .collect();
    for (number, (proxy, _)) in proxies.iter().enumerate() {
        begin(&flows, number, proxy, target, sink);
    }
    // They end as many days after they were ordered as is left of the jump, so that the first ends in
    // a few seconds.
    let jump = 30 * 86_400 - began.elapsed().as_secs() - 8;
    town.shop.advance(&format!("{jump}s"));
    let left = Duration::from_secs(30 * 86_400 - jump);
    let ends = |number: usize| {
        let (from, to) = proxies[number].1;
        (from + left - began, to + left - began)
    };
    let (_, last_end) = ends(proxies.len() - 1);
    let sleep_until = |at: Duration| thread::sleep(at.saturating_sub(began.elapsed()));
    let first_end = ends(0).0;
    assert!(began.elapsed() + Duration::from_secs(1) < first_end, "this machine is too slow");
    sleep_until(last_end + TOLERANCE);
    let refused = proxies.iter().filter(|(proxy, _)| proxy.socks_tunnel(target).is_err()).count();
    sleep_until(last_end + 4 * TOLERANCE);

    let at = |micros: &AtomicU64| Duration::from_micros(micros.load(Ordering::Relaxed));
    let (mut latest, mut early, mut open) = (Duration::ZERO, 0, 0);
    let mut live = 0;
    for (number, flow) in flows.iter().enumerate() {
        let (from, to) = ends(number);
        let late = at(&flow.last).saturating_sub(to);
        assert!(
            late <= figure(2 * TOLERANCE, TOLERANCE),
            "{late:?}: {:?} {:?}",
            flow.way,
            flow.habit
        );
        latest = latest.max(late);
        live += usize::from(at(&flow.last) + Duration::from_secs(1) > from);
        let closed = at(&flow.closed);
        open += usize::from(closed.is_zero());
        early += usize::from(!closed.is_zero() && closed + Duration::from_millis(50) < from);
    }
    println!(
        "{count} flows: the last byte came {latest:.0?} after the end; {live} were alive within the \
         last second before it; {early} were cut before it, {open} never; of new ones {refused} were refused"
    );
    assert_eq!((early, open, refused), (0, 0, proxies.len()));
    assert!(live * 10 > flows.len() * 9, "only {live} were alive");
}

fn flow(number: usize, began: Instant) -> Flow {
    let way = [Way::Connect, Way::Socks, Way::Forward, Way::Datagrams][number % 4];
    // One in eight has as much to say as goes through.
    let habit = match (number / 4) % 8 {
        0 => Habit::Saturated,
        1..4 if matches!(way, Way::Connect | Way::Socks) => Habit::HalfClosed,
        _ => Habit::Idle,
    };
    Flow { way, habit, began, last: AtomicU64::new(0), closed: AtomicU64::new(0) }
}

/// How long those wait who have little to say.
const NOW_AND_THEN: Duration = Duration::from_millis(200);

fn begin(flows: &Flows, number: usize, proxy: &Proxy, target: SocketAddr, sink: SocketAddr) {
    let flow = &flows[number];
    match flow.way {
        Way::Connect | Way::Socks => {
            let stream = match flow.way {
                Way::Connect => proxy.http_tunnel(target),
                _ => proxy.socks_tunnel(target),
            };
            let stream = stream.unwrap();
            (&stream).write_all(&u32::try_from(number).unwrap().to_be_bytes()).unwrap();
            talk(stream, flows, number);
        }
        Way::Forward => {
            let stream = proxy.open(proxy.http).unwrap();
            let (proxy, flows) = (proxy.clone(), Arc::clone(flows));
            thread::spawn(move || {
                let _ = ask(stream, &proxy, target, &flows, number);
                flows[number].note_closed();
            });
        }
        Way::Datagrams => {
            let association = proxy.association().unwrap();
            association.patience(NOW_AND_THEN).unwrap();
            let control = association.control.try_clone().unwrap();
            control.set_read_timeout(None).unwrap();
            let told = Arc::clone(flows);
            thread::spawn(move || {
                let _ = (&control).read(&mut [0]);
                told[number].note_closed();
            });
            let flows = Arc::clone(flows);
            thread::spawn(move || fire(&association, sink, &flows, number));
        }
    }
}

/// One side of a tunnel. Both do the same, but for who half-closes.
fn talk(stream: TcpStream, flows: &Flows, number: usize) {
    stream.set_read_timeout(None).unwrap();
    let writing = stream.try_clone().unwrap();
    let habit = flows[number].habit;
    thread::spawn(move || match habit {
        Habit::HalfClosed => drop(writing.shutdown(Shutdown::Write)),
        _ => drop(say(&writing, habit)),
    });
    let flows = Arc::clone(flows);
    thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while (&stream).read(&mut bytes).is_ok_and(|count| count > 0) {
            flows[number].note();
        }
        flows[number].note_closed();
    });
}

fn say(mut stream: &TcpStream, habit: Habit) -> io::Result<()> {
    let bytes = vec![7; if habit == Habit::Saturated { 16 * 1024 } else { 100 }];
    loop {
        stream.write_all(&bytes)?;
        // Even those who say as much as they can leave the machine something to breathe.
        thread::sleep(if habit == Habit::Saturated {
            Duration::from_millis(1)
        } else {
            NOW_AND_THEN
        });
    }
}

/// Requests over one connection, until it ends.
fn ask(
    mut stream: TcpStream,
    proxy: &Proxy,
    target: SocketAddr,
    flows: &Flows,
    number: usize,
) -> Result<(), String> {
    let pair = base64(format!("{}:{}", proxy.login, proxy.password).as_bytes());
    let request = format!(
        "GET http://{target}/{number} HTTP/1.1\r\nHost: {target}\r\n\
         Proxy-Authorization: Basic {pair}\r\n\r\n"
    );
    let text = |error: io::Error| error.to_string();
    loop {
        stream.write_all(request.as_bytes()).map_err(text)?;
        let status = status(&mut stream)?;
        if status != 200 {
            return Err(status.to_string());
        }
        let mut body = vec![0; ANSWER];
        stream.read_exact(&mut body).map_err(text)?;
        flows[number].note();
        if flows[number].habit == Habit::Idle {
            thread::sleep(NOW_AND_THEN);
        }
    }
}

/// Datagrams, and what comes back of them. It goes on when the association is over.
fn fire(association: &Association, sink: SocketAddr, flows: &Flows, number: usize) {
    let flow = &flows[number];
    let payload = u32::try_from(number).unwrap().to_be_bytes();
    while flow.began.elapsed() < Duration::from_secs(120) {
        let _ = association.send(sink, &payload);
        if association.receive().is_ok() {
            flow.note();
        }
        let pause = if flow.habit == Habit::Saturated { Duration::ZERO } else { NOW_AND_THEN };
        thread::sleep(pause);
    }
}

/// Bytes in an answer.
const ANSWER: usize = 16 * 1024;

/// The destination: who begins with a number of four bytes is in a tunnel.
fn target(flows: &Flows) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let flows = Arc::clone(flows);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let flows = Arc::clone(&flows);
            thread::spawn(move || serve(stream, &flows));
        }
    });
    address
}

fn serve(mut stream: TcpStream, flows: &Flows) -> Option<()> {
    let mut first = [0; 4];
    stream.read_exact(&mut first).ok()?;
    if &first == b"GET " {
        return answer(stream, flows);
    }
    let number = u32::from_be_bytes(first) as usize;
    let habit = flows[number].habit;
    let writing = stream.try_clone().ok()?;
    thread::spawn(move || say(&writing, habit));
    let mut bytes = vec![0; 64 * 1024];
    while stream.read(&mut bytes).ok()? > 0 {
        flows[number].note();
    }
    Some(())
}

/// Answers requests, the first of which has begun.
fn answer(mut stream: TcpStream, flows: &Flows) -> Option<()> {
    let mut heard = b"GET ".to_vec();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {ANSWER}\r\n\r\n");
    let answer = [head.as_bytes(), &[7; ANSWER]].concat();
    loop {
        while let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
            let line = String::from_utf8_lossy(&heard[..end]).into_owned();
            let number: usize = line.split([' ', '/']).nth(2)?.parse().ok()?;
            flows[number].note();
            heard.drain(..end + 4);
            stream.write_all(&answer).ok()?;
        }
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).ok().filter(|count| *count > 0)?;
        heard.extend_from_slice(&bytes[..count]);
    }
}

/// The destination of datagrams, which sends them back.
fn datagrams(flows: &Flows) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let flows = Arc::clone(flows);
    thread::spawn(move || {
        let mut bytes = [0; 4];
        while let Ok((_, from)) = socket.recv_from(&mut bytes) {
            flows[u32::from_be_bytes(bytes) as usize].note();
            let _ = socket.send_to(&bytes, from);
        }
    });
    address
}
