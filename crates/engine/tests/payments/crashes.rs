//! The world ends between every two steps.

use std::time::Duration;

use domain::auto_top_up::SetAutoTopUp;
use domain::command::{Outcome, Wish};
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::payment::{Decline, PaymentState};
use domain::period::PeriodWish;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use domain::time::Span;
use engine::engine::Engine;

use crate::shop::Shop;

/// Longer than anything here takes that comes to an end at all.
const ENOUGH: Duration = Duration::from_millis(400);

/// Where the world ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// With this transaction.
    Store(u32, bool),
    /// With this call of the bank.
    Bank(u32, bool),
    /// Not at all.
    Never,
}

/// Every end there is, those that are never reached among them, and at last none.
fn ends() -> Vec<End> {
    let places =
        |end: fn(u32, bool) -> End| (1..=7).flat_map(move |at| [end(at, false), end(at, true)]);
    places(End::Store).chain(places(End::Bank)).chain([End::Never]).collect()
}

fn server(shop: &Shop, end: End) -> Engine {
    match end {
        End::Store(at, after) => shop.server(Some((at, after))),
        End::Bank(at, after) => {
            shop.bank.books(|books| books.ends = Some((at, after)));
            shop.server(None)
        }
        End::Never => shop.server(None),
    }
}

/// Lets something happen until it is over or the world has ended.
async fn until_the_end<F: Future + Send + 'static>(work: F)
where
    F::Output: Send,
{
    let mut task = tokio::spawn(work);
    let _ = tokio::time::timeout(ENOUGH, &mut task).await;
    task.abort();
    // What is told to the bank beside has come to its end by then, or never does.
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_bought_and_paid_once_wherever_the_world_ends() {
    let mut half_way = 0;
    for end in ends() {
        let story = format!("{end:?}");
        let shop = Shop::new(false);
        let (engine, order, card) = (server(&shop, end), shop.order(3), shop.card);
        let asked = order.clone();
        until_the_end(async move { engine.buy_by_card(asked, Some(card)).await }).await;
        half_way += u32::from(shop.payments().iter().any(|payment| !payment.finished));
        let engine = shop.recovered().await;
        shop.settled(&story);
        let before = shop.count("order");
        // The client does not know, and asks again with its key.
        let again = engine.buy_by_card(order, Some(card)).await.unwrap();
        assert!(matches!(again.result, Ok(Outcome::Done { .. })), "{story}: {again:?}");
        assert_eq!(again.replayed, before == 1, "{story}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        shop.clock.turn(Span::from_minutes(2));
        engine.recover_payments().await.unwrap();
        shop.settled(&story);
        assert_eq!((shop.count("order"), shop.count("payment")), (1, 1), "{story}");
        assert_eq!(shop.balance(), 1_000, "{story}: the wallet is not touched");
        let settled = shop.payments().iter().filter(|it| it.state == PaymentState::Settled).count();
        assert_eq!(settled, 1, "{story}");
    }
    assert!(half_way >= 8, "the world should end half way more often than {half_way} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_top_up_comes_in_once_wherever_the_world_ends() {
    let mut half_way = 0;
    for end in ends() {
        let story = format!("{end:?}");
        let shop = Shop::new(false);
        let usd = |minor| Some(Money::from_minor(minor, Currency::USD));
        let wish = SetAutoTopUp {
            customer: shop.ann,
            enabled: Some(true),
            threshold: usd(2_000),
            amount: usd(2_500),
            card: None,
        };
        shop.server(None).set_auto_top_up(wish).await.unwrap().unwrap();
        let engine = server(&shop, end);
        until_the_end(async move { engine.tend_payments().await }).await;
        half_way += u32::from(shop.payments().iter().any(|payment| !payment.finished));
        let engine = shop.recovered().await;
        shop.settled(&story);
        engine.tend_payments().await.unwrap();
        shop.settled(&story);
        assert_eq!((shop.balance(), shop.count("payment")), (3_500, 1), "{story}");
    }
    assert!(half_way >= 8, "the world should end half way more often than {half_way} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_paid_once_wherever_the_world_ends() {
    for end in ends() {
        let story = format!("{end:?}");
        let shop = Shop::new(false);
        shop.order_for_ever(&shop.server(None), 2).await;
        shop.clock.turn(Span::from_days(29));
        let engine = server(&shop, end);
        let sweeper = engine.clone();
        until_the_end(async move { sweeper.sweep().await }).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
        drop(engine);
        let engine = shop.recovered().await;
        engine.sweep().await.unwrap();
        for _ in 0..200 {
            if shop.count("renewal") == 1 && shop.payments().iter().all(|it| it.finished) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shop.settled(&story);
        assert_eq!((shop.count("renewal"), shop.count("payment")), (1, 1), "{story}");
        assert_eq!(shop.balance(), 800, "{story}: the wallet has paid for the order alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_at_once_is_charged_once() {
    let shop = Shop::new(false);
    let engine = shop.server(None);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (engine, order, card) = (engine.clone(), shop.order(1), shop.card);
            tokio::spawn(async move { engine.buy_by_card(order, Some(card)).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().result.is_ok());
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    shop.clock.turn(Span::from_minutes(2));
    engine.recover_payments().await.unwrap();
    shop.settled("eight at once");
    assert_eq!((shop.count("order"), shop.count("payment")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_does_not_pay_buys_nothing_and_the_wallet_stays() {
    for (why, refusal) in [
        (Decline::Declined, Refusal::CardDeclined),
        (Decline::Expired, Refusal::CardExpired),
        (Decline::Silent, Refusal::ProviderSilent),
    ] {
        let shop = Shop::new(false);
        shop.bank.books(|books| books.declines = Some(why));
        let engine = shop.server(None);
        let refused = engine.buy_by_card(shop.order(1), Some(shop.card)).await.unwrap();
        assert_eq!(refused.result, Err(refusal));
        let engine = shop.recovered().await;
        shop.settled(why.name());
        let let_go = shop.bank.books(|books| books.payments.values().any(|known| known.let_go));
        assert_eq!(let_go, why == Decline::Silent, "nobody knows what the bank has done");
        assert_eq!((shop.count("order"), shop.balance()), (0, 1_000));
        // A refusal by a card is not remembered: the next try may do.
        shop.bank.books(|books| books.declines = None);
        let bought = engine.buy_by_card(shop.order(1), None).await.unwrap();
        assert!(bought.result.is_ok(), "{bought:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_anyway_asks_no_card() {
    let shop = Shop::new(false);
    let engine = shop.server(None);
    let many = engine.buy_by_card(shop.order(21), Some(shop.card)).await.unwrap();
    assert_eq!(many.result, Err(Refusal::BadQuantity));
    let strange = domain::ids::CardId(shop.card.0 + 1);
    let none = engine.buy_by_card(shop.order(1), Some(strange)).await.unwrap();
    assert_eq!(none.result, Err(Refusal::NoCard));
    let mut command = shop.order(1);
    let Wish::Order(mut order) = command.wish else { panic!("it orders") };
    order.promo = Some("nothing".into());
    command.wish = Wish::OrderWithPromo(order);
    let full_price = engine.buy_by_card(command, Some(shop.card)).await.unwrap();
    assert_eq!(full_price.result, Err(Refusal::PromoNotApplicable));
    assert_eq!((shop.bank.books(|books| books.asked), shop.payments().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_paid_by_the_card() {
    let shop = Shop::new(false);
    let engine = shop.server(None);
    let leases = shop.order_for_ever(&engine, 2).await;
    let (key, source) = ([8; 16], KeySource::Header);
    let command = domain::command::Command {
        wish: Wish::Extend(Extend {
            customer: shop.ann,
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(leases)),
            among: Among::All,
            period: PeriodWish::Days(30),
            promo: None,
        }),
        idempotency: Some(Idempotency { key, fingerprint: key, source }),
        at: None,
    };
    let bought = engine.buy_by_card(command.clone(), None).await.unwrap();
    let Ok(Outcome::Done { event, .. }) = &bought.result else { panic!("{bought:?}") };
    assert_eq!(event.bill().unwrap().quote.total.minor(), 200);
    let again = engine.buy_by_card(command, None).await.unwrap();
    assert_eq!((again.replayed, &again.result), (true, &bought.result));
    assert_eq!(shop.bank.books(|books| books.asked), 1, "a repetition asks no card");
    shop.recovered().await;
    shop.settled("extension");
    assert_eq!(shop.balance(), 800);
}
