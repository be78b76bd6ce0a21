//! A server that takes over from another: nobody who connects notices, and no tunnel is cut.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::database::Engine;

use crate::crowd::{asked, keep_asking, number, tunnel, visit};
use crate::town::{Town, setup};

/// Tunnels that are open while servers follow each other, and how often they do, if
/// `SUBLET_TUNNELS` and `SUBLET_HAND_OVERS` do not say.
const TUNNELS: usize = 300;
const HAND_OVERS: usize = 2;
/// Clients that connect meanwhile.
const CLIENTS: usize = 4;

#[test]
fn servers_follow_each_other_and_nobody_notices() {
    // Where the books are in no file, it has to be said where a server is asked.
    let place = tempfile::tempdir().unwrap();
    let mut setup = setup().alone();
    if Engine::of_the_tests() == Engine::Postgres {
        let socket = place.path().join("hand-over.sock");
        setup = setup.serve("--hand-over").serve(socket.to_str().unwrap());
    }
    let mut town = Town::of(setup.open());
    let (tunnels, times) =
        (number("SUBLET_TUNNELS", TUNNELS), number("SUBLET_HAND_OVERS", HAND_OVERS));
    let (ann, proxies) = town.ann_served(12);
    let to = town.echo_v4();
    let http = town.shop.address();
    let mut open: Vec<_> = (0..tunnels).map(|i| tunnel(&proxies[i % 12], to)).collect();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (calls, failures) = (AtomicUsize::new(0), Mutex::default());
    let (mut left, mut took) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                keep_asking(&stop, &count, &failures, |number| visit(&proxies[number % 12], to));
            });
        }
        let call = format!(
            "GET /api/v1/wallet HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Connection: close\r\n\r\n",
            ann.key
        );
        let (calls, stop, failures) = (&calls, &stop, &failures);
        scope.spawn(move || {
            let host = http.ip().to_string();
            keep_asking(stop, calls, failures, |_| asked((&host, http.port()), &call).map(drop));
        });
        for _ in 0..times {
            thread::sleep(Duration::from_millis(500));
            let since = Instant::now();
            left.push(town.shop.take_over());
            took.push(since.elapsed());
            assert_eq!(town.shop.address(), http);
            thread::sleep(Duration::from_millis(500));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let failures = failures.into_inner().unwrap();
    let (count, calls) = (count.into_inner(), calls.into_inner());
    assert!(failures.is_empty(), "{} of {count} and {calls}: {:?}", failures.len(), &failures[0]);
    assert!(count > 200 && calls > 50, "{count} {calls}");
    println!(
        "{count} visits and {calls} calls in {times} hand-overs, of which the longest took {:?}",
        took.iter().max()
    );
    let live = open.iter_mut().filter_map(|tunnel| tunnel.echoes().then_some(())).count();
    assert_eq!(live, tunnels, "tunnels were cut: {}", town.shop.logged());
    // The first server has its tunnels still; the others have none, and are gone.
    let first = left.remove(0);
    for other in left {
        assert!(other.ended().success(), "{}", town.shop.logged());
    }
    drop(open);
    assert!(first.ended().success(), "{}", town.shop.logged());
    town.shop.audit();
}

#[test]
fn who_may_not_or_cannot_take_over_changes_nothing() {
    let shop = setup().alone().in_a_file().open();
    let mut town = Town::of(shop);
    let (_, proxies) = town.ann_served(1);
    let socket = town.shop.folder().join("hand-over.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Somebody who says nothing that is understood, and one who leaves in the middle.
    for said in [b"?".as_slice(), b"1"] {
        let mut line = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        line.write_all(said).unwrap();
    }
    // One that cannot open the books, when it has taken everything.
    let mut failing = town.shop.serve_command();
    let output = failing.args(["--take-over", "--gateway-cert", "/nowhere"]).output().unwrap();
    assert!(!output.status.success());
    let to = town.echo_v4();
    tunnel(&proxies[0], to);
    let output = town
        .shop
        .serve_command()
        .args(["--take-over", "--gateway-cert", "/nowhere"])
        .args(["--gateway-key", "/nowhere"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("gateway did not start"), "{said}");
    // Proxies go on all the same, and another one can take over.
    let mut open = tunnel(&proxies[0], to);
    let left = town.shop.take_over();
    assert!(open.echoes());
    tunnel(&proxies[0], to);
    drop(open);
    assert!(left.ended().success(), "{}", town.shop.logged());
    town.shop.sigterm();
    assert!(!socket.exists());
}
