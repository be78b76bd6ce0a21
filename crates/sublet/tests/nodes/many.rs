//! R21: what changes at the shop holds at many gateways soon, at those too that were cut off, and
//! none of them is ever without what it had.
//!
//! With `SUBLET_PROMISES=quick` it is done at the figures of the promise; see `docs/proofs.md`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::customer::Customer;
use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::over::Over;
use e2e::postgres::wire::Wire;
use e2e::proxies::Proxy;
use e2e::shop::{Setup, Shop};
use serde_json::json;
use tempfile::TempDir;

use crate::BINARY;
use crate::outpost::{Outpost, port};

/// Each gateway has the stock of one of them.
const COUNTRIES: [&str; 10] =
    ["USA", "DEU", "GBR", "FRA", "NLD", "POL", "ESP", "ITA", "CAN", "JPN"];

/// How many addresses an order may have.
const ORDER_MAX: u32 = 100;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway, the wire by which it hears of the shop, and what is rented at it.
struct Far {
    country: &'static str,
    wire: Wire,
    /// One of its leases, which nothing happens to.
    proxy: Proxy,
    _outpost: Outpost,
    _folder: TempDir,
}

/// How much is done, and how soon it has to hold.
struct Figures {
    gateways: usize,
    leases: u32,
    changes: usize,
    cut_off: Duration,
    slowest_hundredth: Duration,
    slowest: Duration,
    healed: Duration,
}

impl Figures {
    fn of_the_tests() -> Figures {
        let seconds = Duration::from_secs;
        // Without the promise, times that a busy machine keeps too.
        Figures {
            gateways: figure(3, 10),
            leases: figure(200, 10_000),
            changes: figure(4, 50),
            cut_off: figure(seconds(2), seconds(30)),
            slowest_hundredth: figure(seconds(10), seconds(2)),
            slowest: figure(seconds(10), seconds(5)),
            healed: figure(seconds(20), seconds(10)),
        }
    }
}

#[test]
fn what_changes_holds_at_many_gateways_soon_also_when_they_were_cut_off() {
    let figures = Figures::of_the_tests();
    let countries = &COUNTRIES[..figures.gateways];
    let control = SocketAddr::from(([127, 0, 0, 1], port()));
    let shop = open(countries, control);
    let echo = Echo::in_tunnels();
    let fars: Vec<Far> =
        countries.iter().map(|country| far(&shop, control, country, figures.leases)).collect();
    for far in &fars {
        until("it serves", || far.proxy.http_tunnel(echo.address).is_ok());
    }
    let (over, looks) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for far in &fars {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    far.proxy.http_tunnel(echo.address).unwrap();
                    looks.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
        let _over = Over(&over);
        let (shop, echo, count) = (&shop, &echo, figures.changes);
        let at_once = |far| scope.spawn(move || Buyer::at(shop, far, echo).changes(count));
        let all: Vec<_> = fars.iter().map(at_once).collect();
        let mut took: Vec<_> = all.into_iter().flat_map(|took| took.join().unwrap()).collect();
        took.sort_unstable();
        let (hundredth, slowest) = (took[took.len() * 99 / 100], took[took.len() - 1]);
        println!(
            "{} gateways of {} leases: {} changes held after {:.1?} in the middle, {hundredth:.1?} at \
             the slowest hundredth and {slowest:.1?} at most",
            fars.len(),
            figures.leases,
            took.len(),
            took[took.len() / 2],
        );
        assert!(hundredth <= figures.slowest_hundredth, "{hundredth:?}");
        assert!(slowest <= figures.slowest, "{slowest:?}");

        // Nothing comes through any more, or connections are cut.
        for (how, part, heal) in [
            ("held back", Wire::hold as fn(&Wire), Wire::release as fn(&Wire)),
            ("cut off", cut_off, Wire::admit),
        ] {
            fars.iter().for_each(|far| part(&far.wire));
            let bought: Vec<_> = fars.iter().map(|far| Buyer::at(shop, far, echo)).collect();
            let changed: Vec<_> = bought.iter().map(|buyer| (buyer, buyer.rents())).collect();
            thread::sleep(figures.cut_off);
            assert!(changed.iter().all(|(buyer, proxy)| !buyer.works(proxy)), "it is not {how}");
            fars.iter().for_each(|far| heal(&far.wire));
            let healed = Instant::now();
            for (buyer, proxy) in &changed {
                until("it is told", || buyer.works(proxy));
            }
            let took = healed.elapsed();
            println!("{how} for {:?}: all is known again after {took:.1?}", figures.cut_off);
            assert!(took <= figures.healed, "{took:?}");
        }
    });
    let looks = looks.into_inner();
    println!("what was there before worked {looks} times");
    assert!(looks > 0);
}

/// Somebody who rents at a gateway, and gives back.
struct Buyer<'a> {
    shop: &'a Shop,
    country: &'a str,
    customer: Customer,
    echo: &'a Echo,
}

impl<'a> Buyer<'a> {
    fn at(shop: &'a Shop, far: &'a Far, echo: &'a Echo) -> Buyer<'a> {
        let customer = shop.customer("Bob", "500.00");
        Buyer { shop, country: far.country, customer, echo }
    }

    /// How soon after it was asked for what is rented works, and does not when its login is switched
    /// off, time and again.
    fn changes(&self, count: usize) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..count {
            let asked = Instant::now();
            let proxy = self.rents();
            until("it works", || self.works(&proxy));
            took.push(asked.elapsed());
            let ways = self.shop.seller(&self.customer, "GET", "auth/list", &json!({}));
            let its = |way: &&serde_json::Value| way["login"] == proxy.login.as_str();
            let id = &ways.as_array().unwrap().iter().find(its).unwrap()["id"];
            let off = json!({ "id": id, "active": false });
            let asked = Instant::now();
            self.shop.seller(&self.customer, "POST", "auth/change", &off);
            until("it is refused", || !self.works(&proxy));
            took.push(asked.elapsed());
        }
        took
    }

    fn rents(&self) -> Proxy {
        let order = order("IPv4", self.country, 1, 30);
        Proxy::listed(&self.shop.order(&self.customer, &order)[0])
    }

    fn works(&self, proxy: &Proxy) -> bool {
        proxy.http_tunnel(self.echo.address).is_ok()
    }
}

/// A shop whose stock is at gateways elsewhere, one for each country.
fn open(countries: &[&str], control: SocketAddr) -> Shop {
    let mut setup = Setup::new(BINARY).traffic("127.0.0.9").alone().log("warn");
    for (at, country) in countries.iter().enumerate() {
        let (http, socks, block, name) = (port(), port(), 50 + at, name(country));
        setup = setup
            .catalogue_too(&format!(
                "\n[gateways.{name}]\nhost = \"127.0.0.9\"\nhttp_port = {http}\n\
                 socks_port = {socks}\nshared_ports = [29000, 29001]\n"
            ))
            .stock(&format!(
                "--kind IPv4 --country {country} --gateway {name} --cidr 127.{block}.0.0/18"
            ));
    }
    let roles = setup.serve("--roles").serve("api,web,scheduler");
    roles.serve("--gateway-listen").serve(&control.to_string()).open()
}

/// What the gateway of a country is called.
fn name(country: &str) -> String {
    country.to_ascii_lowercase()
}

/// A gateway at which so much is rented.
fn far(shop: &Shop, control: SocketAddr, country: &'static str, leases: u32) -> Far {
    let ann = shop.customer("Ann", "20000.00");
    for _ in 0..leases.div_ceil(ORDER_MAX) {
        shop.post(&ann, "/order", &order("IPv4", country, ORDER_MAX.min(leases), 30)).ok();
    }
    let listed = shop.get(&ann, "/ipAddress?proxyType=IPv4").ok();
    let proxy = Proxy::listed(&listed["IPv4"][0]["ipAddresses"][0]);
    let name = name(country);
    let added = shop.run(&["node", "add", "--gateway", &name, "--name", &name]);
    let token = added[0]["token"].as_str().unwrap();
    let wire = Wire::blind(control);
    let folder = TempDir::new().unwrap();
    let shop = format!("https://{}", wire.address());
    let words = ["--token", token];
    let outpost = Outpost::start(&folder.path().join("gateway"), &[&shop], &words);
    Far { country, wire, proxy, _outpost: outpost, _folder: folder }
}

fn cut_off(wire: &Wire) {
    wire.refuse();
    wire.cut();
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not so: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
