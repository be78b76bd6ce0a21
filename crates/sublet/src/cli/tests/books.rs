//! What moves money, and how the books show it.

use domain::command::{Command, Wish};
use domain::country::Country;
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::order::{AccessWish, PlaceOrder};
use domain::period::PeriodWish;
use store::Store;

use super::desk::Desk;

#[test]
fn a_deposit_is_a_transfer_in_the_books() {
    let desk = Desk::new();
    let id = desk.object("customer create --name Ann")["customer_id"].clone();
    let done = desk.object(&format!("wallet deposit --customer {id} --amount 100.00 --note INV-7"));
    assert_eq!((&done["balance"], &done["currency"]), (&"100.00".into(), &"USD".into()));
    desk.object(&format!("wallet deposit --customer {id} --amount 0.5"));
    let wallet = desk.object(&format!("wallet show --customer {id}"));
    assert_eq!(wallet["balance"], "100.50");
    let events = desk.objects("events");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event"], "deposit");
    assert_eq!((&events[0]["amount"], &events[0]["note"]), (&"100.00".into(), &"INV-7".into()));
    let sum: i64 = events[0]["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| posting["amount_minor"].as_i64().unwrap())
        .sum();
    assert_eq!(sum, 0);
    for (amount, says) in [
        ("100.005", "\"100.005\" is no amount in USD"),
        ("1e3", "is no amount in USD"),
        ("-5", "an amount must be more than nothing"),
        ("0", "an amount must be more than nothing"),
    ] {
        desk.refused(&format!("wallet deposit --customer {id} --amount {amount}"), 2, says);
    }
    desk.refused("wallet deposit --customer 999 --amount 1", 1, "there is no customer 999");
    assert_eq!(desk.objects("events list --after 1").len(), 1);
    assert_eq!(desk.objects("events list --limit 1").len(), 1);
    assert_eq!(desk.objects(&format!("events --customer {id}")).len(), 2);
}

/// Ann has 10.00 USD and rents two addresses in the USA for 30 days.
fn order_two(desk: &Desk, customer: i64) {
    let order = PlaceOrder {
        customer: CustomerId(customer),
        kind: Some(ProxyKind::Ipv4),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: None,
        rotation_seconds: None,
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: None,
        goal: Some("price monitoring".into()),
        quantity: Some(2),
        promo: None,
        seed: [7; 16],
    };
    let command = Command::plain(Wish::Order(Box::new(order)));
    let decisions = desk.store.transact(&[command], desk.now).unwrap();
    assert!(decisions[0].result.is_ok(), "{decisions:?}");
}

#[test]
fn an_order_is_shown_with_its_price_its_leases_and_its_postings() {
    let desk = Desk::with_catalogue();
    desk.object("stock add --kind IPv4 --country USA --cidr 127.10.0.0/24");
    let id = desk.object("customer create --name Ann")["customer_id"].as_i64().unwrap();
    desk.object(&format!("wallet deposit --customer {id} --amount 10"));
    order_two(&desk, id);

    let receipt = desk.object("events --after 1");
    assert_eq!((&receipt["event"], &receipt["amount"]), (&"order".into(), &"-2.62".into()));
    assert_eq!((&receipt["balance_after"], &receipt["currency"]), (&"7.38".into(), &"USD".into()));
    assert_eq!((&receipt["period_days"], &receipt["quote"]["total"]), (&30.into(), &"2.62".into()));
    assert_eq!(receipt["quote"]["lines"][0]["product"], "IPv4/USA");
    let leases = receipt["leases"].as_array().unwrap();
    assert_eq!(leases.len(), 2);
    for lease in leases {
        assert_eq!(lease["lease_id"].as_str().unwrap().len(), 24);
        assert_eq!(lease["ends_at"], "2026-06-27T20:26:40Z");
    }
    let amounts: Vec<i64> = receipt["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| posting["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!((amounts.len(), amounts.iter().sum::<i64>()), (2, 0));
    let table = desk.shown("events");
    assert!(table.contains("-2.62") && table.contains("2 leases from"), "{table}");
    let stock = desk.object("stock list");
    assert_eq!((&stock["free"], &stock["leased"]), (&254.into(), &2.into()));
}

#[test]
fn sound_books_are_audited() {
    let desk = Desk::new();
    let id = desk.object("customer create --name Ann")["customer_id"].clone();
    desk.object(&format!("wallet deposit --customer {id} --amount 1"));
    let report = desk.object("audit");
    assert_eq!((&report["ok"], &report["violations"]), (&true.into(), &0.into()));
    assert_eq!((&report["entries"], &report["postings"]), (&1.into(), &2.into()));
}

#[test]
fn orders_are_unlocked() {
    let desk = Desk::new();
    desk.store.set_sales_locked(true).unwrap();
    let unlocked = desk.object("unlock");
    assert_eq!((&unlocked["sales_locked"], &unlocked["was_locked"]), (&false.into(), &true.into()));
    assert!(!desk.store.sales_locked().unwrap());
    assert_eq!(desk.shown("unlock"), "orders  taken, as before\n");
}
