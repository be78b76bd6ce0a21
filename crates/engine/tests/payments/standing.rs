//! Standing instructions: renewals by card, and automatic top-up.

use domain::auto_top_up::{SetAutoTopUp, TopUpState, TopUpStatus};
use domain::money::{Currency, Money};
use domain::payment::{Decline, PaymentState};
use domain::time::Span;
use engine::engine::Engine;
use engine::payment::{Behaviour, Providers};
use engine::wallet::Place;

use crate::shop::{START, Shop};

fn usd(minor: i64) -> Option<Money> {
    Some(Money::from_minor(minor, Currency::USD))
}

async fn tops_up(engine: &Engine, shop: &Shop, threshold: i64, amount: i64) {
    let wish = SetAutoTopUp {
        customer: shop.ann,
        enabled: Some(true),
        threshold: usd(threshold),
        amount: usd(amount),
        card: None,
    };
    let shown = engine.set_auto_top_up(wish).await.unwrap().unwrap();
    assert_eq!(shown.state, TopUpState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_wallet_is_topped_up_once_and_a_failing_card_pauses_it() {
    let shop = Shop::new(false);
    let engine = shop.server(None);
    tops_up(&engine, &shop, 2_000, 2_500).await;
    engine.tend_payments().await.unwrap();
    engine.tend_payments().await.unwrap();
    assert_eq!((shop.balance(), shop.count("payment")), (3_500, 1));
    shop.settled("a top-up");

    tops_up(&engine, &shop, 5_000, 5_000).await;
    shop.bank.books(|books| books.declines = Some(Decline::Declined));
    for _ in 0..5 {
        engine.tend_payments().await.unwrap();
        engine.tend_payments().await.unwrap();
        shop.clock.turn(Span::HOUR);
    }
    let shown = engine.auto_top_up(shop.ann).unwrap();
    let set = shown.set.unwrap();
    assert_eq!((shown.state, set.fails), (TopUpState::PausedFailures, 3));
    assert_eq!(set.last.status, TopUpStatus::Paused);
    assert_eq!((shop.count("top_up_failed"), shop.bank.books(|books| books.asked)), (3, 4));
    shop.settled("three failures");
}

/// In a sandbox time jumps; what cards pay for on the way does not depend on how far each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_year_at_once_and_day_by_day_leave_the_same_books() {
    let mut books = Vec::new();
    for days in [180, 1] {
        let shop = Shop::new(true);
        let engine = shop.server(None);
        shop.order_for_ever(&engine, 2).await;
        // Another order is renewed from the wallet, which has to be topped up for it.
        let leases = shop.order_for_ever(&engine, 3).await;
        let from_the_wallet = domain::auto_extend::SetAutoExtend {
            customer: shop.ann,
            kind: Some(domain::kind::ProxyKind::Ipv4),
            leases: domain::select::Selection::Leases(Some(leases)),
            among: domain::select::Among::All,
            period: domain::period::PeriodWish::Days(30),
            on: Some(true),
            card: None,
        };
        let wish = domain::command::Wish::SetAutoExtend(from_the_wallet);
        let command = domain::command::Command::plain(wish);
        engine.submit(command, engine::batcher::Lane::Request).await.unwrap().result.unwrap();
        tops_up(&engine, &shop, 300, 500).await;
        for step in 1..=180 / days {
            let target = START + Span::from_days(step * days) + Span::from_hours(7);
            engine.move_clock(target).await.unwrap();
        }
        shop.settled("jumps");
        books.push((shop.journal(), shop.balance()));
    }
    let names: Vec<&str> = books[0].0.iter().map(|entry| entry.event.name()).collect();
    let count = |name: &str| names.iter().filter(|it| **it == name).count();
    assert_eq!((count("renewal"), count("renewal_failed")), (12, 0), "{names:?}");
    assert!(count("payment") > 6, "the wallet was topped up on the way: {names:?}");
    assert_eq!(books[0], books[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_paid_once_and_keeps_the_card() {
    let shop = Shop::new(true);
    let engine = shop.server(None);
    let (payment, place) =
        engine.top_up(shop.ann, usd(500), "sandbox-card").await.unwrap().unwrap();
    let Place::Path(path) = place else { panic!("{place:?}") };
    let token = path.strip_prefix("/pay/").unwrap();
    assert_eq!(engine.payment_of(token).await.unwrap().unwrap(), payment);
    for wrong in ["", &token[1..], &engine.payment_token(domain::ids::PaymentId(999))] {
        assert_eq!(engine.payment_of(wrong).await.unwrap(), None, "{wrong}");
    }
    for pays in [true, true, false, true] {
        let pressed = engine.play(&payment, pays).await.unwrap();
        assert_eq!(pressed.is_ok(), pays);
    }
    assert_eq!(shop.balance(), 1_500);
    let (second, _) = engine.top_up(shop.ann, usd(500), "sandbox-card").await.unwrap().unwrap();
    let refused = engine.play(&second, false).await.unwrap().unwrap();
    assert_eq!(refused.state, PaymentState::Refused);
    assert!(engine.play(&second, true).await.unwrap().is_err());
    assert_eq!((shop.balance(), engine.cards(shop.ann).unwrap().len()), (1_500, 1));
    let strange = engine.top_up(shop.ann, usd(500), "paypal").await.unwrap();
    assert_eq!(strange.unwrap_err(), domain::refusal::Refusal::UnknownMeans);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_played_with_are_of_sandboxes_only() {
    let shop = Shop::new(false);
    let engine = shop.server(None);
    let refused = engine.set_sandbox_card(shop.ann, Behaviour::Pays).await.unwrap();
    assert_eq!(refused.unwrap_err(), domain::refusal::Refusal::UnknownMeans);
    let usual = |sandbox| {
        let providers = Providers::usual(sandbox);
        providers.taking(Currency::USD).map(|it| it.name()).collect::<Vec<_>>()
    };
    assert_eq!(usual(false), ["manual"]);
    assert_eq!(usual(true), ["manual", "sandbox-card"]);
}
