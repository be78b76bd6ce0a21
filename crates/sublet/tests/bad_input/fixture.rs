//! The customers, keys and leases that the rows speak of.

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, id, order_id};
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

/// Two customers with leases, one without money, and what is over.
pub(crate) struct Fixture {
    pub(crate) shop: Shop,
    pub(crate) a: Customer,
    pub(crate) b: Customer,
    pub(crate) z: Customer,
    /// A's leases: two IPv4 of order `o4`, a mobile one, an ISP one.
    pub(crate) a4: String,
    pub(crate) a4b: String,
    pub(crate) am: String,
    pub(crate) ai: String,
    pub(crate) o4: String,
    pub(crate) o4_number: String,
    /// A's IPv6 leases, all of an order.
    pub(crate) a6: Vec<String>,
    /// B's lease and its order.
    pub(crate) b4: String,
    pub(crate) ob: String,
    /// Z's lease; nothing is left in the wallet.
    pub(crate) z4: String,
    /// A's, over and released.
    pub(crate) ax: String,
    /// A's, over, and its address is let to B now.
    pub(crate) ar: String,
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::of(Setup::new(env!("CARGO_BIN_EXE_sublet")))
    }

    /// The same with one server, however many the tests use.
    pub(crate) fn alone() -> Fixture {
        Fixture::of(Setup::new(env!("CARGO_BIN_EXE_sublet")).alone())
    }

    fn of(setup: Setup) -> Fixture {
        let shop = setup
            .stock("--kind IPv4 --country USA --cidr 203.0.113.0/26")
            .stock("--kind IPv4 --country POL --cidr 203.0.113.64/32")
            .stock("--kind IPv4 --country FRA --cidr 203.0.113.66/31")
            .stock("--kind ISP --country USA --cidr 203.0.113.128/28")
            .stock("--kind IPv6 --country DEU --cidr 2001:db8:77::/64")
            .stock("--kind MOBILE --country USA --operator verizon --cidr 192.0.2.0/28")
            .open();
        let a = shop.customer("A", "500.00");
        let b = shop.customer("B", "100.00");
        let z = shop.customer("Z", "1.31");
        let ipv4 = order("IPv4", "USA", 1, 30);
        let ax = id(&shop.order(&a, &ipv4)[0]);
        let ar = id(&shop.order(&a, &order("IPv4", "POL", 1, 30))[0]);
        shop.advance("32d");
        shop.advance("1h");
        shop.order(&b, &order("IPv4", "POL", 1, 30));

        let two = shop.order(&a, &order("IPv4", "USA", 2, 30));
        let mobile = json!({ "mobileOperator": "verizon", "rotationTime": 300 });
        let am = id(&shop.order(&a, &with(&order("MOBILE", "USA", 1, 30), mobile))[0]);
        let ai = id(&shop.order(&a, &order("ISP", "USA", 1, 30))[0]);
        let ipv6 = with(&order("IPv6", "DEU", 3, 90), json!({ "protocol": "HTTP" }));
        let a6 = shop.order(&a, &ipv6).iter().map(id).collect();
        let bobs = shop.order(&b, &ipv4);
        let zeds = shop.order(&z, &ipv4);
        assert_eq!(shop.balance(&z), 0);
        let listed = shop.get(&a, "/ipAddress?proxyType=IPv4").ok();
        let o4_number = listed["IPv4"][0]["orderNumber"].as_str().unwrap().to_owned();
        Fixture {
            a4: id(&two[0]),
            a4b: id(&two[1]),
            o4: order_id(&two[0]),
            o4_number,
            b4: id(&bobs[0]),
            ob: order_id(&bobs[0]),
            z4: id(&zeds[0]),
            shop,
            a,
            b,
            z,
            am,
            ai,
            a6,
            ax,
            ar,
        }
    }

    /// `B1`
    pub(crate) fn extend(&self) -> Value {
        extend("IPv4", &[&self.a4], 30)
    }

    /// `B3`
    pub(crate) fn auto(&self) -> Value {
        with(&extend_order("IPv4", &[&self.o4], 30), json!({ "autoExtend": true }))
    }

    /// `B4`
    pub(crate) fn order() -> Value {
        order("IPv4", "USA", 1, 30)
    }

    /// The listed address with this id.
    pub(crate) fn address(&self, name: &str) -> Value {
        let all = self.shop.get(&self.a, "/ipAddress").ok();
        for kind in ["IPv4", "IPv6", "MOBILE", "ISP"] {
            for order in all[kind].as_array().unwrap() {
                let addresses = order["ipAddresses"].as_array().unwrap().iter();
                if let Some(found) = addresses.clone().find(|address| id(address) == name) {
                    return found.clone();
                }
            }
        }
        panic!("{name} is not listed");
    }
}
