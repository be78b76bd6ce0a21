//! The shop in a PostgreSQL database, against the same server doing the same work by itself.

mod clients;
mod node;
mod rival;
mod server;
mod shop;
mod soak;
mod sweep;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use self::node::Node;
use self::rival::{HOT_LEASES, Rival, Whose};
use self::server::Server;
use self::shop::Place;
use super::Options;
use super::data::{Customer, LEASES, Shop};
use super::http::{Call, Repeats, one_lease};
use super::load;
use super::report::{Against, Bound, Figure, Report};
use super::store::{BATCH, rate};
use super::turns::in_turn;

/// How many clients of a server ask at the same time.
const CLIENTS: usize = 64;

/// What to measure on PostgreSQL.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PostgresOptions {
    #[command(flatten)]
    what: Options,
    /// Instead of measuring, has two servers work on everything for so many minutes, and audits
    /// the books.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u64>,
}

/// Measures the store, HTTP, two servers and the renewal sweep, on the server that `url` names or
/// one of its own.
pub(crate) fn postgres(
    options: &PostgresOptions,
    url: Option<&str>,
    report: &mut Report,
) -> Result<()> {
    let folder = Folder::new(options.what.folder.as_ref())?;
    let server = match url {
        Some(url) => Server::named(url),
        None => {
            report.say("Starting a PostgreSQL server …");
            Server::start(folder.path.join("server"))?
        }
    };
    report.say(&format!("PostgreSQL {}", server.scratch.version()?));
    match options.soak {
        Some(minutes) => {
            let time = Duration::from_secs(minutes * 60);
            soak::soak(&server, &options.what, time, &folder.path, report)
        }
        None => measured(&server, &options.what, &folder.path, report),
    }
}

/// A folder that is removed with this value, if it was made for it.
struct Folder {
    path: PathBuf,
    made: bool,
}

impl Folder {
    fn new(given: Option<&PathBuf>) -> Result<Folder> {
        let own = || std::env::temp_dir().join(format!("sublet-bench-{}", std::process::id()));
        let path = given.cloned().unwrap_or_else(own);
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Folder { path: path.canonicalize()?, made: given.is_none() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.made {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn measured(server: &Server, options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    if ["store", "http", "nodes"].iter().any(|part| options.wants(part)) {
        report.say("Filling the database of pgbench …");
        let rival = Rival::create(server, options, folder.to_owned())?;
        report.say("Setting up a shop …");
        let place = Place::new(&server.scratch, folder, "shop")?;
        let mut leases = vec![LEASES; usize::try_from(options.customers)?];
        leases.push(HOT_LEASES);
        let shop = place.fill(&leases)?;
        let bench = Bench { rival, place, shop };
        if options.wants("store") {
            bench.batches(report)?;
        }
        if options.wants("http") || options.wants("nodes") {
            bench.requests(options, report)?;
        }
    }
    if options.wants("sweep") {
        sweep::renewals(server, options, folder, report)?;
    }
    Ok(())
}

fn compare((one, two): (f64, f64), busier: f64, report: &mut Report) {
    let mut tell = |name, value, against| {
        report.figure(&Figure { name, value, unit: "/s", against });
    };
    tell("extensions over HTTP, one server with 64 clients", one, None);
    tell("extensions over HTTP, one server with 128 clients", busier, None);
    let against = Against { name: "one server", ratio: two / one, bound: Bound::AtLeast(0.9) };
    tell("extensions over HTTP, two servers with 64 clients each", two, Some(against));
}

/// Two databases with the same in them.
struct Bench<'s> {
    rival: Rival<'s>,
    place: Place,
    shop: Shop,
}

impl Bench<'_> {
    /// All customers but the one who is hot, or him alone.
    fn customers(&self, whose: Whose) -> &[Customer] {
        let (hot, spread) = self.shop.customers.split_last().expect("there is one at least");
        match whose {
            Whose::Spread => spread,
            Whose::Hot => std::slice::from_ref(hot),
        }
    }

    fn settle(&self) -> Result<()> {
        Ok(self.place.database().settle()?)
    }

    /// Extensions at the store.
    fn batches(&self, report: &mut Report) -> Result<()> {
        for (whose, bound) in [(Whose::Spread, 3.0), (Whose::Hot, 8.0)] {
            // As the batcher does: each customer's are decided by the same thread.
            let customers = self.customers(whose);
            let threads = self.shop.store.batches_at_once();
            let parts: Vec<_> = customers
                .chunks(customers.len().div_ceil(threads))
                .map(|customers| shop::part(&self.shop, &self.shop.store, customers))
                .collect();
            let name = format!("extensions at the store, groups of {BATCH}");
            let settle = || self.settle();
            self.rival.measure(whose, &name, bound, report, settle, |time| {
                std::thread::scope(|scope| {
                    let threads: Vec<_> = parts
                        .iter()
                        .map(|shop| scope.spawn(|| rate(shop, BATCH, 1, time)))
                        .collect();
                    let rates = threads.into_iter().map(|it| it.join().expect("it has ended"));
                    rates.sum()
                })
            })?;
        }
        Ok(())
    }

    /// Extensions over HTTP, of one server and of two.
    fn requests(&self, options: &Options, report: &mut Report) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut stores = vec![self.shop.store.clone()];
        if options.wants("nodes") {
            stores.push(self.place.open("two")?);
        }
        let mut nodes = Vec::new();
        for store in stores {
            let node = runtime.block_on(Node::start(store))?;
            runtime.block_on(async { node.meet_everybody(&self.shop) })?;
            nodes.push(node);
        }
        let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
        let extend = |whose, clients, to: &[SocketAddr], time| -> Result<f64> {
            let shop = shop::part(&self.shop, &self.shop.store, self.customers(whose));
            let make = one_lease(&shop, Call::EXTEND, Repeats::Keyed);
            let expected = "\"success\":true";
            let load = runtime.block_on(load::run(to, clients, time, expected, make))?;
            Ok(load.per_second)
        };
        let one = &addresses[..1];
        let settle = || self.settle();
        for (whose, bound) in [(Whose::Spread, 0.9), (Whose::Hot, 2.0)] {
            if options.wants("http") {
                let name = "extensions over HTTP, 64 clients";
                let ours = |time| extend(whose, CLIENTS, one, time);
                self.rival.measure(whose, name, bound, report, settle, ours)?;
            }
        }
        if options.wants("nodes") {
            settle()?;
            let rates = in_turn(
                options.time(),
                |time| extend(Whose::Spread, CLIENTS, one, time),
                |time| extend(Whose::Spread, 2 * CLIENTS, &addresses, time),
            )?;
            let busier = extend(Whose::Spread, 2 * CLIENTS, one, options.time())?;
            compare(rates, busier, report);
        }
        for node in nodes {
            runtime.block_on(node.stop());
        }
        Ok(())
    }
}
