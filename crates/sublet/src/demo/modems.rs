//! The demo's modems: each has a few addresses of loopback, and changes among them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use domain::catalogue::Catalogue;
use domain::kind::ProxyKind;
use domain::product::ProductKey;
use store::records::NewAddress;

/// How many modems each mobile product has.
const MODEMS: u8 = 4;

/// How many leases share one.
const SLOTS: u32 = 4;

/// How many exits a modem has.
const EXITS: u8 = 3;

/// Numbers the products of a catalogue.
pub(super) fn numbered(catalogue: &Catalogue) -> impl Iterator<Item = (u8, ProductKey)> {
    (0_u8..).zip(catalogue.products.keys().cloned())
}

/// An exit of the modem `modem` of a product.
fn exit(number: u8, modem: u8, exit: u8) -> IpAddr {
    Ipv4Addr::new(127, 200 + exit, number, modem).into()
}

fn name(number: u8, modem: u8) -> String {
    format!("demo-{number}-{modem}")
}

/// The modems of all mobile products, as the catalogue describes them.
pub(super) fn described(catalogue: &Catalogue) -> String {
    let mut text = String::new();
    for (number, _) in numbered(catalogue).filter(|(_, it)| it.kind == ProxyKind::Mobile) {
        for modem in 1..=MODEMS {
            let exits: Vec<String> =
                (0..EXITS).map(|at| format!("\"{}\"", exit(number, modem, at))).collect();
            let (name, exits) = (name(number, modem), exits.join(", "));
            // Writing to memory does not fail.
            let _ = write!(
                text,
                "\n[[modems]]\nname = \"{name}\"\ngateway = \"main\"\n\
                 driver.simulator = {{ exits = [{exits}], takes_ms = 1000 }}\n"
            );
        }
    }
    text
}

/// The stock of a mobile product.
pub(super) fn stock(pool: &ProductKey, number: u8) -> Vec<NewAddress> {
    let places = (1..=MODEMS).flat_map(|modem| (0..SLOTS).map(move |slot| (modem, slot)));
    let address = |(modem, slot)| NewAddress {
        pool: pool.clone(),
        ip: exit(number, modem, 0),
        slot,
        gateway: "main".into(),
        modem: Some(name(number, modem)),
    };
    places.map(address).collect()
}
