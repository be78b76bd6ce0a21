//! Extensions a second through the store, beside the bare loop over SQLite in the same run; what an
//! extension of a hundred leases costs beside one of one; how long a quote's look takes.
//!
//! `cargo run --release -p store --example extend [FOLDER]`

#![expect(clippy::unwrap_used, clippy::float_arithmetic, reason = "a measurement for people")]

mod measured;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use measured::{CUSTOMERS, LEASES, Shop};
use store::Store;
use store::sqlite::baseline::Baseline;
use store::sqlite::{Create, Options, SqliteStore};

const GROUP: usize = 128;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("sublet-extend-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut bare = Baseline::create(&folder.join("bare.db"), CUSTOMERS, LEASES).unwrap();
    let mut shop = Shop::create(open(&folder));
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let bare = bare.extensions_per_second(GROUP, ROUND).unwrap();
        let ours = shop.extensions_per_second(GROUP, 1, ROUND);
        println!("round {round}: bare {bare:.0}/s, store {ours:.0}/s, {:.2}", ours / bare);
        ratios.push(ours / bare);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[ROUNDS / 2]);
    let (one, hundred) = (shop.alone(1), shop.alone(LEASES));
    println!(
        "one lease a commit {one:?}, a hundred leases {hundred:?}, {:.1} times",
        hundred.as_secs_f64() / one.as_secs_f64()
    );
    let one = shop.extensions_per_second(GROUP, 1, ROUND);
    let hundred = shop.extensions_per_second(GROUP, LEASES, ROUND);
    println!("in groups: one {one:.0}/s, a hundred {hundred:.0}/s, {:.1} times", one / hundred);
    println!("a look at a wallet and a lease {:?}", shop.look());
    std::fs::remove_dir_all(&folder).unwrap();
}

fn open(folder: &Path) -> Arc<dyn Store> {
    let store = SqliteStore::open(&Options {
        path: folder.join("sublet.db"),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox: false },
        migrate: true,
        readers: 2,
    });
    Arc::new(store.unwrap())
}
