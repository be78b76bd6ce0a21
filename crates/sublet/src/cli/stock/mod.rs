//! `sublet stock`: the addresses that are rented out.

mod add;
mod csv;
mod import;
mod line;

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use clap::Subcommand;
use domain::catalogue::Catalogue;
use domain::product::ProductKey;
use serde::Serialize;
use store::records::{NewAddress, NewPrefix, StockLine};

use crate::console::{Console, Row};
use crate::problem::Problem;
use crate::progress;
use crate::shop::Shop;

/// How many addresses are handed to the store at once, so that a server at work on the same books
/// never waits long.
const CHUNK: usize = 5_000;

#[derive(Debug, Subcommand)]
pub(super) enum Stock {
    /// Add the addresses of a CSV file
    Import(import::Import),
    /// Add an address, or all of a range
    Add(add::Add),
    /// What is in stock, by product and gateway
    List,
}

impl Stock {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Stock::Import(import) => import.run(shop),
            Stock::Add(add) => add.run(shop),
            Stock::List => list(shop),
        }
    }
}

/// What is to be added.
#[derive(Debug, Default, PartialEq, Eq)]
struct Delivery {
    addresses: Vec<NewAddress>,
    prefixes: Vec<NewPrefix>,
}

/// What became of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Delivered {
    added: u64,
    known: u64,
    prefixes_added: u64,
    prefixes_known: u64,
}

/// Why a delivery cannot have a place: addresses behind a shared host need two ports each.
fn crowded(catalogue: &Catalogue, delivery: &Delivery) -> Option<String> {
    let mut shared: BTreeMap<&str, HashSet<(IpAddr, u32)>> = BTreeMap::new();
    for address in delivery.addresses.iter().filter(|address| address.pool.kind.shares_host()) {
        shared.entry(&address.gateway).or_default().insert((address.ip, address.slot));
    }
    shared.iter().find_map(|(name, addresses)| {
        let (first, last) = catalogue.gateways.get(*name)?.shared_ports;
        let room = usize::from(last - first).div_ceil(2);
        let count = addresses.len();
        (room < count).then(|| {
            format!("gateway {name} has shared_ports for {room} addresses, not for {count}")
        })
    })
}

/// Adds a delivery that was checked as a whole. If it breaks off, doing it again adds the rest.
fn deliver(shop: &mut Shop<'_, '_>, delivery: &Delivery) -> Result<Delivered, Problem> {
    if let Some(crowded) = crowded(&*shop.store.catalogue()?, delivery) {
        return Err(Problem::failed(crowded).hint("nothing was added"));
    }
    let mut delivered = Delivered::default();
    let bar = progress::bar(delivery.addresses.len() as u64, "addresses");
    for chunk in delivery.addresses.chunks(CHUNK) {
        let stocked = shop.store.add_addresses(chunk, shop.now)?;
        delivered.added += stocked.added;
        delivered.known += stocked.known;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    for prefix in &delivery.prefixes {
        match shop.store.add_prefix(prefix, shop.now)? {
            true => delivered.prefixes_added += 1,
            false => delivered.prefixes_known += 1,
        }
    }
    Ok(delivered)
}

fn say(console: &mut Console<'_>, delivered: &Delivered) -> Result<(), Problem> {
    let mut people = vec![
        ("added", delivered.added.to_string()),
        ("known already", delivered.known.to_string()),
    ];
    if delivered.prefixes_added + delivered.prefixes_known > 0 {
        people.push(("prefixes added", delivered.prefixes_added.to_string()));
        people.push(("prefixes known already", delivered.prefixes_known.to_string()));
    }
    console.result(delivered, &people)
}

/// Why stock of `pool` at `gateway` could not be let, as far as the catalogue can tell. Addresses
/// that are endpoints themselves may come before the first catalogue: nothing is drawn up from it
/// for them.
fn misfit(catalogue: &Catalogue, pool: &ProductKey, gateway: &str) -> Option<String> {
    if catalogue.version == 0 && !pool.kind.shares_host() {
        return None;
    }
    if !catalogue.gateways.contains_key(gateway) {
        return Some(format!("the catalogue in force has no gateway {gateway}"));
    }
    let Some(tag) = &pool.operator else { return None };
    match catalogue.operators.get(tag) {
        Some(operator) if operator.country == pool.country => None,
        Some(operator) => Some(format!("mobile operator {tag} is one of {}", operator.country)),
        None => Some(format!("the catalogue in force has no mobile operator {tag}")),
    }
}

/// Why nothing can be behind `modem` at `gateway`.
fn no_modem(catalogue: &Catalogue, modem: Option<&str>, gateway: &str) -> Option<String> {
    let name = modem?;
    match catalogue.modems.get(name) {
        Some(modem) if modem.gateway == gateway => None,
        Some(modem) => Some(format!("modem {name} is at gateway {}", modem.gateway)),
        None => Some(format!("the catalogue in force has no modem {name}")),
    }
}

/// A line of stock as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    pool: String,
    kind: &'static str,
    country: String,
    operator: Option<String>,
    gateway: String,
    free: u64,
    leased: u64,
    cooling: u64,
    undrawn: u64,
}

impl From<&StockLine> for Shown {
    fn from(line: &StockLine) -> Shown {
        Shown {
            pool: line.pool.to_string(),
            kind: line.pool.kind.name(),
            country: line.pool.country.to_string(),
            operator: line.pool.operator.clone(),
            gateway: line.gateway.clone(),
            free: line.free,
            leased: line.leased,
            cooling: line.cooling,
            undrawn: line.undrawn,
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["POOL", "GATEWAY", "FREE", "LEASED", "COOLING", "UNDRAWN"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.pool.clone(),
            self.gateway.clone(),
            self.free.to_string(),
            self.leased.to_string(),
            self.cooling.to_string(),
            plenty(self.undrawn),
        ]
    }
}

/// A count that people read: beyond a billion, how many more does not matter.
fn plenty(count: u64) -> String {
    if count > 1_000_000_000 { "plenty".to_owned() } else { count.to_string() }
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let shown: Vec<Shown> = shop.store.stock(shop.now)?.iter().map(Shown::from).collect();
    shop.console.list(&shown, "There is no stock yet.")
}
