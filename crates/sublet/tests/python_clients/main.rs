//! The official Python clients of Proxy-Seller's User API, as they are published, at work on a shop.
//!
//! Each version is installed in a virtual environment of its own and is not touched: it is told
//! another base URL, as it offers that. The scripts in `scripts` are customers' programs; what they
//! assert is what the clients return. In `turns` both versions and the Youproxy dialect work on the
//! same leases.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod client;
mod environment;
mod turns;

use e2e::shop::Setup;
use serde_json::json;

use environment::Environment;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

#[test]
fn the_client_of_v1_does_all_that_is_offered() {
    works(Environment::v1(), "v1.py");
}

#[test]
fn the_client_of_v2_does_all_that_is_offered() {
    works(Environment::v2(), "v2.py");
}

/// A client of v1 cannot read the answer to a price that is too high; an option helps it.
#[test]
fn the_client_of_v1_can_be_told_of_a_shortage() {
    let shop = shop().serve("--proxyseller-explain-shortage").open();
    let poor = shop.customer("Poor", "2.00");
    let mut poor = client::Client::of(Environment::v1(), &shop, &poor);
    let order = json!([1840, "1m", 2, "", "", "price monitoring"]);
    let words = "Insufficient funds. Total $2. Not enough $0.62";
    assert_eq!(poor.refused("orderCalcIpv4", order.clone()), json!(["ValueError", words]));
    assert_eq!(poor.refused("orderMakeIpv4", order), json!(["ValueError", words]));
    shop.audit();
}

/// Runs a script against a shop, and proves the books afterwards.
#[track_caller]
fn works(environment: &Environment, script: &str) {
    let shop = shop().open();
    shop.promo("TEN --percent 10");
    let facts = json!({
        "root": format!("http://{}", shop.address()),
        "token": shop.token(),
        "rich": shop.customer("Rich", "1000.00").key,
        "poor": shop.customer("Poor", "4.00").key,
    });
    let mut command = environment.script(script);
    let output = command.arg(facts.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} ends with {}:\n{said}", output.status);
    shop.audit();
}

/// A shop with something of every section.
fn shop() -> Setup {
    Setup::new(BINARY)
        .stock("--kind IPv4 --country USA --cidr 198.51.100.0/26")
        .stock("--kind IPv4 --country DEU --cidr 198.51.100.64/28")
        .stock("--kind IPv4 --country GBR --cidr 198.51.100.80/28")
        .stock("--kind IPv4 --country FRA --cidr 198.51.100.96/28")
        .stock("--kind IPv4 --country NLD --cidr 198.51.100.112/28")
        .stock("--kind IPv4 --country POL --cidr 198.51.100.128/28")
        .stock("--kind ISP --country USA --cidr 203.0.113.0/27")
        .stock("--kind ISP --country DEU --cidr 203.0.113.32/28")
        .stock("--kind ISP --country GBR --cidr 203.0.113.48/28")
        .stock("--kind ISP --country FRA --cidr 203.0.113.64/28")
        .stock("--kind IPv6 --country DEU --cidr 2001:db8:77::/64")
        .stock("--kind MOBILE --country USA --operator verizon --cidr 192.0.2.0/28")
}
