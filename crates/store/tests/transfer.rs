//! Books with any history are the same after they have moved, and go on alike.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod databases;
mod scripts;

use std::path::Path;

use domain::auto_top_up::SetAutoTopUp;
use domain::card::{CardFace, CardToken, NewCard, SaveCard};
use domain::command::{Command, Outcome, Wish};
use domain::credit::Credit;
use domain::payment::{Purpose, StartPayment};
use domain::time::{Span, Time};
use proptest::prelude::*;
use store::Store;
use store::conformance::compare::{PLAIN, Played, pass};
use store::conformance::digest::digest;
use store::conformance::shop::{Shop, usd};
use store::memory::MemoryStore;
use store::postgres::PostgresStore;
use store::sqlite::{Create, Options, SqliteStore};
use store::transfer::{self, Unsettled};
use tempfile::TempDir;

fn file(folder: &Path) -> Box<dyn Store> {
    let options = Options {
        path: folder.join("sublet.db"),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox: false },
        migrate: true,
        readers: 1,
    };
    Box::new(SqliteStore::open(&options).unwrap())
}

fn moved(folder: &Path, now: Time) -> PostgresStore {
    let url = databases::new();
    let options = transfer::Options {
        from: folder.join("sublet.db"),
        key_file: folder.join("sublet.key"),
        to: url.clone(),
        unsettled: Unsettled { window: Span::HOUR, kept: Span::HOUR },
        now,
    };
    transfer::run(&options, &mut |_| {}).unwrap();
    PostgresStore::open(&databases::options(&url, folder, false)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_has_moved_is_as_it_was_and_goes_on_alike(script in scripts::scripts(30)) {
        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut ours = Played::new(&mut || file(folder.path()), &script, PLAIN);
        // Another that stays where it is.
        let mut stays = Played::new(&mut || file(other.path()), &script, PLAIN);
        prop_assert_eq!(&ours.decisions, &stays.decisions);
        let before = ours.digest();
        let feed = ours.shop.store.feed(0, 1_000_000).unwrap();

        ours.shop.store = std::sync::Arc::new(MemoryStore::new(false));
        let here = moved(folder.path(), ours.shop.now);
        prop_assert_eq!(digest(&here, ours.shop.now), before);
        for limit in [1, 7, 1_000_000] {
            let (mut read, mut after) = (Vec::new(), 0);
            loop {
                let page = here.feed(after, limit).unwrap();
                let Some((last, _)) = page.last() else { break };
                after = *last;
                read.extend(page);
            }
            prop_assert_eq!(&read, &feed);
        }

        ours.shop.store = std::sync::Arc::new(here);
        for shop in [&mut ours.shop, &mut stays.shop] {
            go_on(shop);
        }
        prop_assert_eq!(ours.digest(), stays.digest());
    }
}

/// A payment, a card that can still be read, and an instruction to top up.
#[test]
fn payments_and_cards_move_along() {
    let folder = TempDir::new().unwrap();
    let mut shop = Shop::open(&mut || file(folder.path()));
    let customer = shop.customer("Ann", 500);
    let face = CardFace { brand: "visa".into(), last4: "4242".into(), month: 12, year: 2099 };
    let card = NewCard { provider: "test".into(), token: CardToken("secret".into()), face };
    let save = Wish::SaveCard(SaveCard { customer, card });
    let wish =
        SetAutoTopUp { customer, enabled: Some(true), threshold: None, amount: None, card: None };
    let start = StartPayment {
        customer,
        amount: Some(usd(700)),
        provider: "manual".into(),
        card: None,
        purpose: Purpose::TopUp,
    };
    let begun = [save, Wish::SetAutoTopUp(wish), Wish::StartPayment(start)];
    let decided = shop.batch(&begun.map(Command::plain));
    let Ok(Outcome::Payment(payment)) = &decided[2].result else { panic!("{decided:?}") };
    let credit = Credit { customer, payment: payment.id, card: None };
    assert!(shop.decide(Command::plain(Wish::Credit(credit))).result.is_ok());
    let before = digest(&*shop.store, shop.now);
    assert_eq!((before.payments.len(), before.cards.len(), before.top_ups.len()), (1, 1, 1));
    assert_eq!(before.cards[0].token.0, "secret");

    shop.store = std::sync::Arc::new(MemoryStore::new(false));
    let here = moved(folder.path(), shop.now);
    assert_eq!(digest(&here, shop.now), before);
    assert_eq!(here.audit(&mut |_| {}).unwrap().violations, []);
}

/// Everything that was told to extend itself does so for a year, or ends.
fn go_on(shop: &mut Shop) {
    pass(shop, Span::from_days(360), Span::from_days(30));
    shop.audit();
}
