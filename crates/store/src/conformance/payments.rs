//! Money from outside: credited once, with what it buys or not at all.

use domain::auto_top_up::{Caps, SetAutoTopUp, TopUpStatus, TriggerTopUp};
use domain::card::{CardFace, CardToken, NewCard, RemoveCard, SaveCard};
use domain::command::{Command, Outcome, Wish};
use domain::credit::Credit;
use domain::funded::Funded;
use domain::ids::{CardId, CustomerId, PaymentId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::needs::Needs;
use domain::payment::{
    AdvancePayment, Decline, Payment, PaymentState, Purpose, StartPayment, Step,
};
use domain::refusal::Refusal;
use domain::time::Span;

use super::Make;
use super::shop::{IntoCommand, Shop, auto_extend, grants, keyed, order, usd};
use crate::records::PaymentFilter;

#[track_caller]
fn paid(shop: &Shop, wish: Wish) -> Result<Payment, Refusal> {
    match shop.decide(Command::plain(wish)).result {
        Ok(Outcome::Payment(payment)) => Ok(*payment),
        Ok(other) => panic!("{other:?} is no payment"),
        Err(refusal) => Err(refusal),
    }
}

fn start(customer: CustomerId, minor: i64, card: Option<CardId>, purpose: Purpose) -> Wish {
    let (amount, provider) = (Some(usd(minor)), "manual".to_owned());
    Wish::StartPayment(StartPayment { customer, amount, provider, card, purpose })
}

fn advance(customer: CustomerId, payment: PaymentId, step: Step) -> Wish {
    Wish::AdvancePayment(AdvancePayment { customer, payment, step })
}

fn credit(customer: CustomerId, payment: PaymentId, card: Option<NewCard>) -> Wish {
    Wish::Credit(Credit { customer, payment, card })
}

fn visa(token: &str) -> NewCard {
    let face = CardFace { brand: "visa".into(), last4: "4242".into(), month: 12, year: 2099 };
    NewCard { provider: "test".into(), token: CardToken(token.into()), face }
}

/// Keeps a card.
#[track_caller]
fn card(shop: &Shop, customer: CustomerId) -> CardId {
    let save = Wish::SaveCard(SaveCard { customer, card: visa("ok") });
    match shop.decide(Command::plain(save)).result {
        Ok(Outcome::Card(card)) => card.id,
        other => panic!("{other:?}"),
    }
}

fn balance(shop: &Shop, customer: CustomerId) -> i64 {
    shop.store.customer(customer).unwrap().unwrap().1.balance.minor()
}

/// A top-up reaches its customer's wallet once, keeps its card, and is listed.
pub fn a_top_up_is_credited_once(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 0), shop.customer("Bob", 0));
    let first = paid(&shop, start(ann, 500, None, Purpose::TopUp)).unwrap();
    let second = paid(&shop, start(bob, 700, None, Purpose::TopUp)).unwrap();
    assert!(first.id < second.id, "ids ascend");
    let listed = |customer, pending| {
        let filter = PaymentFilter { customer, pending };
        shop.store.payments(&filter, None, 10).unwrap()
    };
    assert_eq!(listed(None, true), [first.clone(), second.clone()]);
    assert_eq!(listed(Some(bob), true), std::slice::from_ref(&second));

    let saved = Some(visa("secret"));
    let strange = paid(&shop, credit(bob, first.id, None));
    assert_eq!(strange, Err(Refusal::UnknownPayment));
    // Twice in one batch, and once more after it.
    let twice = [credit(ann, first.id, saved.clone()), credit(ann, first.id, saved.clone())];
    let decided = shop.batch(&twice.map(Command::plain));
    assert!(decided.iter().all(|it| it.result.is_ok()), "{decided:?}");
    let settled = paid(&shop, credit(ann, first.id, saved)).unwrap();
    assert_eq!((settled.state, settled.finished), (PaymentState::Settled, true));
    assert_eq!((balance(&shop, ann), balance(&shop, bob)), (500, 0));
    assert_eq!(listed(Some(ann), false), [settled]);
    assert_eq!(listed(None, true), std::slice::from_ref(&second));
    let needs = Needs { means: [ann, bob].into(), ..Needs::default() };
    let world = shop.store.load(&needs, shop.now).unwrap();
    let cards: Vec<_> = world.cards(ann).collect();
    assert_eq!(cards.len(), 1);
    assert_eq!((cards[0].token.0.as_str(), &cards[0].face), ("secret", &visa("").face));
    assert_eq!(world.cards(bob).count(), 0);

    let refused = paid(&shop, advance(bob, second.id, Step::Refused)).unwrap();
    assert_eq!(refused.state, PaymentState::Refused);
    assert_eq!(paid(&shop, credit(bob, second.id, None)), Err(Refusal::PaymentClosed));
    assert_eq!(listed(None, true), []);
    assert_eq!(
        shop.store.payments(&PaymentFilter::default(), Some(first.id), 10).unwrap().len(),
        1
    );
    assert!(shop.store.unfinished_payments(shop.now, 10).unwrap().is_empty());
    shop.audit();
}

/// An order and the payment for it are one; what is refused leaves the payment as it was.
pub fn a_card_pays_for_all_or_nothing(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 1_000);
    shop.stock(ProxyKind::Ipv4, 2);
    let card = card(&shop, ann);
    let price = shop.store.load(&order(ann, ProxyKind::Ipv4, 1).needs(), shop.now).unwrap();
    let price = order(ann, ProxyKind::Ipv4, 1).quote(&price, shop.now).unwrap().total.minor();
    let begun = |shop: &Shop| {
        let payment = paid(shop, start(ann, price, Some(card), Purpose::Order)).unwrap().id;
        paid(shop, advance(ann, payment, Step::Authorised)).unwrap();
        payment
    };
    let buy = |payment, quantity| {
        let wish = order(ann, ProxyKind::Ipv4, quantity).into_command().wish;
        Command::plain(Wish::Funded(Funded { payment, wish: Box::new(wish) }))
    };
    let payment = begun(&shop);
    assert_eq!(shop.refused(buy(payment, 2)), Refusal::PriceChanged);
    assert_eq!(shop.refused(buy(payment, 3)), Refusal::OutOfStock);
    let waiting = shop.store.unfinished_payments(shop.now, 10).unwrap();
    assert_eq!(waiting.iter().map(|it| it.state).collect::<Vec<_>>(), [PaymentState::Authorised]);
    shop.audit();

    let bought = keyed(buy(payment, 1), 1, 1);
    let first = shop.decide(bought.clone());
    let Ok(Outcome::Done { event, .. }) = &first.result else { panic!("{first:?}") };
    assert_eq!(event.bill().unwrap().payment, Some(payment));
    assert_eq!(grants(event).len(), 1);
    assert_eq!(balance(&shop, ann), 1_000, "the card has paid");
    // The same request with another payment: that one has bought nothing.
    let other = begun(&shop);
    let again = shop.decide(keyed(buy(other, 1), 1, 1));
    assert!(again.replayed);
    assert_eq!(again.result, first.result);
    assert_eq!(shop.refused(buy(payment, 1)), Refusal::PaymentClosed);
    let void = paid(&shop, advance(ann, other, Step::Void)).unwrap();
    assert_eq!((void.state, void.finished), (PaymentState::Void, false));
    assert_eq!(shop.refused(buy(other, 1)), Refusal::PaymentClosed);

    shop.now = shop.now + Span::HOUR;
    let before = shop.now - Span::HOUR;
    let open: Vec<PaymentId> =
        shop.store.unfinished_payments(before, 10).unwrap().iter().map(|it| it.id).collect();
    assert_eq!(open, [payment, other]);
    assert!(shop.store.unfinished_payments(before - Span::HOUR, 10).unwrap().is_empty());
    for id in open {
        assert!(paid(&shop, advance(ann, id, Step::Finished)).unwrap().finished);
    }
    assert!(shop.store.unfinished_payments(shop.now, 10).unwrap().is_empty());
    shop.audit();
}

/// The card of an instruction is kept with the lease, and taken off with it.
pub fn an_instruction_keeps_its_card(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(ProxyKind::Ipv4, 2);
    let leases: Vec<_> = grants(&shop.done(order(ann, ProxyKind::Ipv4, 2).into_command()).1)
        .iter()
        .map(|it| it.lease)
        .collect();
    let card = card(&shop, ann);
    let mut set = auto_extend(ann, ProxyKind::Ipv4, &leases, true);
    set.card = Some(card);
    let (_, event) = shop.done(set.clone().into_command());
    assert!(matches!(event, Event::AutoExtend { card: Some(kept), .. } if kept == card));
    let kept = |shop: &Shop| -> Vec<Option<CardId>> {
        shop.live(ann).iter().map(|proxy| proxy.lease.renew_card).collect()
    };
    assert_eq!(kept(&shop), [Some(card); 2]);
    shop.audit();
    let remove = Wish::RemoveCard(RemoveCard { customer: ann, card });
    assert!(shop.decide(Command::plain(remove)).result.is_ok());
    assert_eq!(shop.refused(set.into_command()), Refusal::NoCard);
    shop.done(auto_extend(ann, ProxyKind::Ipv4, &leases[..1], false).into_command());
    assert_eq!(kept(&shop), [None, Some(card)]);
    shop.audit();
}

/// Who runs low is found, once at a time, and left alone after three failures.
pub fn a_low_wallet_is_found(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 999), shop.customer("Bob", 1_000));
    let caps = Caps::default();
    for customer in [ann, bob] {
        card(&shop, customer);
        let set = SetAutoTopUp {
            customer,
            enabled: Some(true),
            threshold: Some(usd(1_000)),
            amount: Some(usd(2_500)),
            card: None,
        };
        let set = shop.decide(Command::plain(Wish::SetAutoTopUp(set)));
        assert!(matches!(set.result, Ok(Outcome::AutoTopUp(_))), "{set:?}");
    }
    let due = |shop: &Shop, at| -> Vec<CustomerId> {
        let due = shop.store.top_ups_due(at, 10).unwrap();
        due.into_iter().map(|(_, customer)| customer).collect()
    };
    assert_eq!(due(&shop, shop.now), [ann]);
    shop.store.suspend_customer(ann, true).unwrap();
    assert_eq!(due(&shop, shop.now), []);
    shop.store.suspend_customer(ann, false).unwrap();
    let trigger = |customer| Wish::TriggerTopUp(TriggerTopUp { customer, caps });
    assert_eq!(shop.decide(Command::plain(trigger(bob))).result, Ok(Outcome::Nothing));

    let mut now = shop.now;
    for fails in 1..=3 {
        let at = |wish| Command { at: Some(now), ..Command::plain(wish) };
        let Ok(Outcome::Payment(begun)) = shop.decide(at(trigger(ann))).result else { panic!() };
        assert_eq!((begun.purpose, begun.amount), (Purpose::AutoTopUp, usd(2_500)));
        assert_eq!(due(&shop, now), [], "one is under way");
        let declined = Step::Declined(Decline::Declined);
        assert!(shop.decide(at(advance(ann, begun.id, declined))).result.is_ok());
        let needs = Needs { means: [ann].into(), ..Needs::default() };
        let world = shop.store.load(&needs, now).unwrap();
        let set = world.auto_top_up(ann).unwrap();
        assert_eq!((set.fails, set.paused, set.pending), (fails, fails == 3, None));
        assert_eq!(set.last.why, Some(Decline::Declined));
        let status = if fails == 3 { TopUpStatus::Paused } else { TopUpStatus::Failed };
        assert_eq!(set.last.status, status);
        assert_eq!(due(&shop, now), []);
        now = now + Span::HOUR;
        assert_eq!(due(&shop, now).is_empty(), fails == 3);
    }
    shop.audit();
}
