//! Clients that come steadily, whatever happens meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::town::{Proxy, Tunnel};

/// How often one client comes in a second.
const EACH_PER_SECOND: u32 = 50;

/// A number from the environment.
pub(crate) fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().expect("it is a number"))
}

fn opened(to: (&str, u16)) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(to).map_err(|error| format!("connect: {error}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Ok(stream)
}

fn known(proxy: &Proxy) -> String {
    let pair = STANDARD.encode(format!("{}:{}", proxy.login, proxy.password));
    format!("Proxy-Authorization: Basic {pair}\r\n")
}

/// A tunnel through `proxy` that is used.
pub(crate) fn tunnel(proxy: &Proxy, to: SocketAddr) -> Tunnel {
    let mut tunnel = proxy.http_tunnel(to).and_then(Tunnel::to_echo).unwrap();
    assert_eq!(tunnel.seen, proxy.exit());
    assert!(tunnel.echoes());
    tunnel
}

/// A request with a connection of its own; its whole answer.
pub(crate) fn asked(to: (&str, u16), request: &str) -> Result<String, String> {
    let mut stream = opened(to)?;
    stream.write_all(request.as_bytes()).map_err(|error| format!("write: {error}"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| format!("read: {error}"))?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(answer) } else { Err(format!("says {answer:?}")) }
}

/// Calls `ask` so often in a second until `stop`; notes what fails. Calls that take long do not
/// hold up the next ones.
pub(crate) fn keep_asking(
    stop: &AtomicBool,
    count: &AtomicUsize,
    failures: &Mutex<Vec<String>>,
    ask: impl Fn(usize) -> Result<(), String> + Sync,
) {
    thread::scope(|scope| {
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let ask = &ask;
            scope.spawn(move || {
                if let Err(why) = ask(number) {
                    failures.lock().unwrap().push(why);
                }
            });
            next += Duration::from_secs(1) / EACH_PER_SECOND;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    });
}

/// A request through `proxy` with a connection of its own; the address that was seen.
pub(crate) fn visit(proxy: &Proxy, to: SocketAddr) -> Result<(), String> {
    let request = format!(
        "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{}Connection: close\r\n\r\n",
        known(proxy)
    );
    let answer = asked((&proxy.host, proxy.http), &request)?;
    if answer.ends_with(&proxy.host) { Ok(()) } else { Err(format!("{} {answer:?}", proxy.host)) }
}
