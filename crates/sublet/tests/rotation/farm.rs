//! A shop with modems that are none, a destination that says who has come, and clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::{order, with};
use e2e::customer::Customer;
use e2e::echo::Echo;
use e2e::http::{Answer, Request};
use e2e::proxies::Tunnel;
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

use crate::BINARY;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// The host of leases that share one.
const HOST: &str = "127.0.0.9";

/// A modem of the catalogue: its name, its address in stock, and the rest of its description.
pub(crate) type Modem<'m> = (&'m str, &'m str, &'m str);

/// Two modems with two exits each.
pub(crate) const TWO: [Modem<'static>; 2] = [
    (
        "m1",
        "127.50.1.1",
        "driver.simulator = { exits = [\"127.50.1.1\", \"127.50.1.2\"], takes_ms = 200 }",
    ),
    (
        "m2",
        "127.50.2.1",
        "driver.simulator = { exits = [\"127.50.2.1\", \"127.50.2.2\"], takes_ms = 200 }",
    ),
];

/// A shop with modems.
pub(crate) struct Farm {
    pub(crate) shop: Shop,
    pub(crate) ann: Customer,
    echo: SocketAddr,
}

/// A rented modem.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) id: String,
    way: e2e::proxies::Proxy,
    /// What it is known by.
    pub(crate) exit: String,
    /// Where to ask for another exit.
    pub(crate) link: String,
}

/// A shop that is not open yet.
pub(crate) fn setup(modems: &[Modem<'_>]) -> Setup {
    let mut setup = Setup::new(BINARY).own_ports(HOST).alone();
    for (name, _, rest) in modems {
        let modem = format!("\n[[modems]]\nname = \"{name}\"\ngateway = \"main\"\n{rest}\n");
        setup = setup.catalogue_too(&modem);
    }
    for (name, ip, _) in modems {
        let words = "--kind MOBILE --country USA --operator verizon";
        setup = setup.stock(&format!("{words} --cidr {ip} --modem {name}"));
    }
    setup.stock("--kind IPv4 --country USA --cidr 127.40.1.0/30")
}

impl Farm {
    #[track_caller]
    pub(crate) fn open(modems: &[Modem<'_>]) -> Farm {
        Farm::of(setup(modems).open())
    }

    #[track_caller]
    pub(crate) fn of(shop: Shop) -> Farm {
        let ann = shop.customer("Ann", "100.00");
        let echo = Echo::at("127.0.0.1:0").address;
        Farm { shop, ann, echo }
    }

    /// Rents so many modems, rotated after so many seconds; in the order of their addresses.
    #[track_caller]
    pub(crate) fn rent(&self, count: u32, seconds: u32) -> Vec<Proxy> {
        let wish = json!({ "mobileOperator": "verizon", "rotationTime": seconds });
        let body = with(&order("MOBILE", "USA", count, 30), wish);
        let listed = self.shop.order(&self.ann, &body);
        let leases = self.leases();
        let mut rented: Vec<Proxy> = listed
            .iter()
            .map(|it| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let id = text(&it["ipAddressId"]);
                let mut way = e2e::proxies::Proxy::listed(it);
                HOST.clone_into(&mut way.host);
                Proxy {
                    way,
                    exit: text(&leases[&id]["exit"]),
                    link: target(&text(&it["rebootLink"])),
                    id,
                }
            })
            .collect();
        rented.sort_by(|one, other| one.exit.cmp(&other.exit));
        rented
    }

    /// What the native API says of Ann's leases.
    pub(crate) fn leases(&self) -> BTreeMap<String, Value> {
        let listed = self.native("GET", "/api/v1/leases", &self.ann).json();
        let leases = listed["leases"].as_array().unwrap().clone();
        leases.into_iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it)).collect()
    }

    /// A call of the native API.
    pub(crate) fn native(&self, method: &str, target: &str, customer: &Customer) -> Answer {
        Request::new(method, target)
            .header("Authorization", &format!("Bearer {}", customer.key))
            .send(self.shop.address())
    }

    /// Asks for a rotation, which must be granted.
    #[track_caller]
    pub(crate) fn rotate(&self, proxy: &Proxy) -> Value {
        let target = format!("/api/v1/leases/{}/rotate", proxy.id);
        let answer = self.native("POST", &target, &self.ann);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// What has come of a rotation, when it is over.
    #[track_caller]
    pub(crate) fn ended(&self, rotation: &Value) -> Value {
        let target = format!("/api/v1/rotations/{}", rotation["id"].as_str().unwrap());
        let since = Instant::now();
        loop {
            let now = self.native("GET", &target, &self.ann).json();
            if !now["ended_at"].is_null() {
                return now;
            }
            assert!(since.elapsed() < PATIENCE, "{now}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The rotations of a lease.
    pub(crate) fn history(&self, proxy: &Proxy) -> Vec<Value> {
        let target = format!("/api/v1/leases/{}/rotations", proxy.id);
        let listed = self.native("GET", &target, &self.ann).json();
        listed["rotations"].as_array().unwrap().clone()
    }

    /// Calls a link.
    pub(crate) fn call(&self, link: &str) -> Answer {
        Request::get(link).send(self.shop.address())
    }

    /// Where the echo sees a request come from that curl makes through `proxy`, and the status.
    pub(crate) fn seen(&self, scheme: &str, proxy: &Proxy) -> String {
        let port = if scheme == "http" { proxy.way.http } else { proxy.way.socks };
        proxy.way.curl(scheme, port, self.echo)
    }

    /// The echo sees `exit` over both protocols, within a second.
    #[track_caller]
    pub(crate) fn soon_seen(&self, proxy: &Proxy, exit: &str) {
        let since = Instant::now();
        let expected = format!("{exit}|200");
        for scheme in ["http", "socks5h"] {
            loop {
                let begun = since.elapsed();
                let seen = self.seen(scheme, proxy);
                if seen == expected {
                    break;
                }
                assert!(begun < Duration::from_secs(1), "{seen} instead of {exit} over {scheme}");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// The same, as soon as it is served at all.
    #[track_caller]
    pub(crate) fn served(&self, proxy: &Proxy) {
        let since = Instant::now();
        while self.seen("http", proxy) != format!("{}|200", proxy.exit) {
            assert!(since.elapsed() < PATIENCE, "{}", self.seen("http", proxy));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A tunnel to the echo that stays open.
    #[track_caller]
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Tunnel {
        proxy.way.socks_tunnel(self.echo).and_then(Tunnel::to_echo).unwrap()
    }
}

/// The path and query of a link.
pub(crate) fn target(link: &str) -> String {
    let at = link.find("/api/proxy/reboot?token=").unwrap_or_else(|| panic!("{link}"));
    link[at..].to_owned()
}
