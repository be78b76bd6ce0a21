//! Everything that reads bytes of strangers, fed with bytes that are nearly right.
//!
//! The same functions are targets of cargo-fuzz (`fuzz/`), which is guided by what they reach. Here
//! seeds are changed at random, so many times that it takes seconds; with `SUBLET_FUZZ_SECONDS` for
//! so long, and with `SUBLET_SEED` otherwise.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod mutation;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../pure/plain.rs"]
mod plain;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../pure/support.rs"]
mod support;
mod targets {
    pub(crate) mod authority;
    pub(crate) mod chunked;
    pub(crate) mod conversation;
    pub(crate) mod credentials;
    pub(crate) mod head;
    pub(crate) mod response;
    pub(crate) mod rules;
    pub(crate) mod socks5;
    pub(crate) mod spool;
    pub(crate) mod stream;
}

use std::path::Path;
use std::time::{Duration, Instant};

use mutation::Mutation;

/// Shows what was being read, if reading it panics.
struct Show<'a>(&'a [u8]);

impl Drop for Show<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("with b\"{}\"", self.0.escape_ascii());
        }
    }
}

fn check(name: &str, rounds: u64, run: fn(&[u8])) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seconds = number("SUBLET_FUZZ_SECONDS").map(Duration::from_secs);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let mut mutation = Mutation::new(seeds, number("SUBLET_SEED").unwrap_or(1));
    let began = Instant::now();
    let mut done = 0u64;
    while seconds.map_or(done < rounds, |seconds| began.elapsed() < seconds) {
        let bytes = mutation.next();
        let show = Show(&bytes);
        run(show.0);
        done += 1;
    }
    println!("{name}: {done} inputs in {:?}", began.elapsed());
}

#[test]
fn authorities() {
    check("authority", 60_000, targets::authority::run);
}

#[test]
fn chunks() {
    check("chunked", 60_000, targets::chunked::run);
}

#[test]
fn conversations() {
    check("conversation", 10_000, targets::conversation::run);
}

#[test]
fn credentials() {
    check("credentials", 60_000, targets::credentials::run);
}

#[test]
fn heads() {
    check("head", 30_000, targets::head::run);
}

#[test]
fn responses() {
    check("response", 30_000, targets::response::run);
}

#[test]
fn rules() {
    check("rules", 30_000, targets::rules::run);
}

#[test]
fn socks5() {
    check("socks5", 60_000, targets::socks5::run);
}

#[test]
fn spools() {
    check("spool", 2_000, targets::spool::run);
}

#[test]
fn streams() {
    check("stream", 5_000, targets::stream::run);
}
