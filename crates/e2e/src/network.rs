//! Networks of a test's own: a test runs itself once more in a network namespace, where it may add
//! interfaces, addresses and routes, and nothing of it remains afterwards.
//!
//! Root may make one; others may in a user namespace of their own, where the system lets them.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Names the test that runs in a network of its own.
const INSIDE: &str = "SUBLET_TEST_INSIDE";

/// With this at 1, a machine on which no network can be made fails the tests that need one.
const NEEDED: &str = "SUBLET_TEST_NAMESPACES";

/// Whether the caller, who is the test of this name (`module::name`), is in a network of its own, in
/// which there is nothing but loopback. If not, the test has been run there by the time this
/// returns, and there is nothing left to do.
///
/// # Panics
///
/// If the test fails there.
#[track_caller]
pub fn in_own_network(test: &str) -> bool {
    if env::var(INSIDE).is_ok_and(|inside| inside == test) {
        ip("link set lo up");
        return true;
    }
    let Some(unshare) = how() else {
        let words = "this process may make no network namespaces";
        assert_ne!(env::var(NEEDED).as_deref(), Ok("1"), "{words}");
        eprintln!("NOT TESTED: {test}: {words}");
        return false;
    };
    let status = Command::new("unshare")
        .args(unshare)
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(INSIDE, test)
        .output()
        .unwrap();
    let said = [status.stdout, status.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(status.status.success(), "in a network of its own:\n{said}");
    assert!(said.contains("1 passed"), "there is no test {test}:\n{said}");
    print!("{said}");
    false
}

/// Runs a command of `ip`, in the network that the calling thread is in.
#[track_caller]
pub fn ip(words: &str) {
    let done = Command::new("ip").args(words.split(' ')).output();
    let done = done.unwrap_or_else(|error| panic!("networks need the command ip: {error}"));
    assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Adds an address of IPv6 to an interface, for which nobody else is asked, and waits until it can be
/// reached: the kernel does a part of it later.
#[track_caller]
pub fn add_v6(address: &str, bits: u8, interface: &str) {
    ip(&format!("-6 addr add {address}/{bits} dev {interface} nodad"));
    ip(&format!("link set {interface} up"));
    let since = Instant::now();
    while !said_by_ip(&format!("-6 route get {address}")).contains("local ") {
        assert!(since.elapsed() < Duration::from_secs(20), "{address} cannot be reached");
        thread::sleep(Duration::from_millis(5));
    }
}

fn said_by_ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split(' ')).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The options with which `unshare` makes a network here.
fn how() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    ways.into_iter().find(|way| {
        let mut tried = Command::new("unshare");
        let tried = tried.args(*way).args(["ip", "link", "set", "lo", "up"]);
        let tried = tried.stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}
