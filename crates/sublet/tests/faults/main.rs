//! PostgreSQL fails, and what leads to it, while customers buy at two servers: it is killed, frozen
//! and replaced, connections are cut at the worst moments, and servers of ours are killed as well.
//! Nothing that was acknowledged is lost, nothing is done twice, and what the customers of both
//! servers were told can be told as one history.
//!
//! `SUBLET_FAULTS=1000` has so many rounds, `SUBLET_SEED=7` asks for other things; see
//! `docs/proofs.md`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod absences;
mod rounds;
mod standbys;

use std::time::Duration;

use e2e::cluster::Cluster;
use e2e::random::Random;
use e2e::town::Town;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// Servers of ours on one database.
const SERVERS: usize = 2;

/// A database, and a town around a shop that keeps its books there.
fn founded(seed: u64) -> (Cluster, Town) {
    let cluster = Cluster::start(SERVERS);
    let town = Town::found(cluster.keep(Town::setup(BINARY)), seed);
    (cluster, town)
}

fn pause(random: &mut Random, least_ms: usize, most_ms: usize) {
    let wait = least_ms + random.below(most_ms - least_ms);
    std::thread::sleep(Duration::from_millis(u64::try_from(wait).unwrap()));
}
