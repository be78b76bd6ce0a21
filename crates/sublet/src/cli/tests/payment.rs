//! Payments, and the cards of sandboxes.

use domain::command::{Command, Outcome, Wish};
use domain::ids::CustomerId;
use domain::money::{Currency, Money};
use domain::payment::{Purpose, StartPayment};
use domain::public_id::PublicIds;
use serde_json::Value;
use store::Store;
use store::memory::MemoryStore;

use super::desk::Desk;

/// Two payments of the first customer's, begun as the API does; their references.
fn begin_payments(desk: &Desk) -> [String; 2] {
    let customer = CustomerId(1);
    let ids = PublicIds::new(desk.store.installation().unwrap().id_key);
    [500, 700].map(|minor| {
        let start = StartPayment {
            customer,
            amount: Some(Money::from_minor(minor, Currency::USD)),
            provider: "manual".into(),
            card: None,
            purpose: Purpose::TopUp,
        };
        let command = Command::plain(Wish::StartPayment(start));
        let decided = desk.store.transact(&[command], desk.now).unwrap().remove(0);
        let Ok(Outcome::Payment(payment)) = decided.result else { panic!("{decided:?}") };
        ids.payment(payment.id)
    })
}

#[test]
fn a_payment_is_confirmed_once_or_refused() {
    let desk = Desk::new();
    desk.object("customer create --name Ann");
    assert_eq!(desk.shown("payment list"), "No payment waits.\n");
    let [first, second] = begin_payments(&desk);
    let waiting = desk.objects("payment list --customer 1");
    assert_eq!((waiting.len(), &waiting[0]["payment_id"]), (2, &first.as_str().into()));
    assert_eq!(desk.objects(&format!("payment list --after {first}")).len(), 1);
    for _ in 0..2 {
        let confirmed = desk.object(&format!("payment confirm {first}"));
        assert_eq!((&confirmed["state"], &confirmed["entry"]), (&"settled".into(), &1.into()));
    }
    desk.object(&format!("payment refuse {second}"));
    desk.refused(&format!("payment refuse {first}"), 1, "is settled already");
    desk.refused(&format!("payment confirm {second}"), 1, "is refused already");
    desk.refused("payment confirm 123", 1, "there is no payment 123");
    assert_eq!(desk.object("wallet show --customer 1")["balance"], "5.00");
    assert_eq!(desk.objects("payment list"), Vec::<Value>::new());
    assert_eq!(desk.objects("payment list --all").len(), 2);
    let event = desk.object("events");
    assert_eq!((&event["event"], &event["payment_id"]), (&"payment".into(), &first.into()));
    assert_eq!(desk.object("audit")["payments"], 2);
}

#[test]
fn cards_are_played_with_in_sandboxes_only() {
    let desk = Desk::new();
    desk.object("customer create --name Ann");
    desk.refused("sandbox card --customer 1", 1, "only a sandbox");
    let desk = Desk { store: MemoryStore::new(true), ..desk };
    desk.refused("sandbox card --customer 1", 1, "there is no customer 1");
    desk.object("customer create --name Ann");
    let card = desk.object("sandbox card --customer 1");
    let again = desk.object("sandbox card --customer 1 --fail timeout");
    assert_eq!(card["card_id"], again["card_id"], "it is the same card");
    assert_eq!((&card["does"], &again["does"]), (&"pays".into(), &"timeout".into()));
}
