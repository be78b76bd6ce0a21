//! Payments: credited once, bought with whole, and topped up by themselves.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use domain::auto_extend::SetAutoExtend;
use domain::auto_top_up::{Caps, SetAutoTopUp, TopUpState, TopUpStatus, TriggerTopUp};
use domain::card::{CardFace, CardToken, NewCard, RemoveCard, SaveCard};
use domain::command::{Command, Decision, Outcome, Wish};
use domain::credit::Credit;
use domain::extend::Extend;
use domain::funded::Funded;
use domain::ids::{CardId, CustomerId, LeaseId, PaymentId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::ledger::House;
use domain::money::{Currency, Money};
use domain::payment::{
    AdvancePayment, Decline, Payment, PaymentState, Purpose, StartPayment, Step,
};
use domain::period::PeriodWish;
use domain::refusal::Refusal;
use domain::renew::Renew;
use domain::select::{Among, Selection};
use domain::sweep::{Sweep, Swept};
use domain::time::{Span, Time};
use domain::world::World;
use proptest::prelude::*;

use crate::shop::{ANN, BOB, day, loaded, order, usd};

fn decide(world: &mut World, wish: Wish, now: Time) -> Decision {
    world.decide(&Command::plain(wish), now)
}

fn start(world: &mut World, minor: i64, card: Option<CardId>, purpose: Purpose) -> Payment {
    let (customer, amount, provider) = (ANN, Some(usd(minor)), "manual".to_owned());
    let start = StartPayment { customer, amount, provider, card, purpose };
    paid(decide(world, Wish::StartPayment(start), day(1))).unwrap()
}

fn paid(decision: Decision) -> Result<Payment, Refusal> {
    match decision.result {
        Ok(Outcome::Payment(payment)) => Ok(*payment),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal),
    }
}

fn credit(world: &mut World, customer: CustomerId, payment: PaymentId) -> Decision {
    decide(world, Wish::Credit(Credit { customer, payment, card: None }), day(1))
}

fn step(world: &mut World, payment: PaymentId, step: Step) -> Result<Payment, Refusal> {
    let advance = AdvancePayment { customer: ANN, payment, step };
    paid(decide(world, Wish::AdvancePayment(advance), day(1)))
}

/// A card of Ann's that is good until the end of 1970.
fn card(world: &mut World) -> CardId {
    let face = CardFace { brand: "visa".into(), last4: "4242".into(), month: 12, year: 1970 };
    let card = NewCard { provider: "test".into(), token: CardToken("ok".into()), face };
    match decide(world, Wish::SaveCard(SaveCard { customer: ANN, card }), day(1)).result {
        Ok(Outcome::Card(card)) => card.id,
        other => panic!("{other:?}"),
    }
}

/// An authorised payment by Ann's card.
fn authorised(world: &mut World, minor: i64, purpose: Purpose) -> PaymentId {
    let card = card(world);
    let payment = start(world, minor, Some(card), purpose).id;
    step(world, payment, Step::Authorised).unwrap();
    payment
}

fn balance(world: &World) -> i64 {
    world.wallet(ANN).unwrap().balance.minor()
}

#[test]
fn a_top_up_is_credited_once_to_its_customer() {
    let mut world = World::new(loaded());
    let payment = start(&mut world, 500, None, Purpose::TopUp).id;
    assert_eq!(balance(&world), 1_000);
    assert_eq!(credit(&mut world, BOB, payment).result, Err(Refusal::UnknownPayment));
    let first = paid(credit(&mut world, ANN, payment)).unwrap();
    assert_eq!((first.state, balance(&world)), (PaymentState::Settled, 1_500));
    assert!(first.finished, "nobody has to be told");
    assert_eq!(paid(credit(&mut world, ANN, payment)), Ok(first.clone()));
    assert_eq!(step(&mut world, payment, Step::Refused), Err(Refusal::PaymentClosed));
    assert_eq!(balance(&world), 1_500);
    let changes = world.into_changes();
    let [entry] = changes.entries.as_slice() else { panic!("{changes:?}") };
    assert_eq!(Some(entry.id), first.entry);
    assert_eq!(entry.postings[1].account, House::Payments.account(Currency::USD));
    assert_eq!(entry.event.name(), "payment");
}

#[test]
fn what_was_refused_is_credited_no_more() {
    let mut world = World::new(loaded());
    let payment = start(&mut world, 500, None, Purpose::TopUp).id;
    step(&mut world, payment, Step::Refused).unwrap();
    step(&mut world, payment, Step::Refused).unwrap();
    assert_eq!(credit(&mut world, ANN, payment).result, Err(Refusal::PaymentClosed));
    assert_eq!(balance(&world), 1_000);
}

#[test]
fn an_amount_must_be_one_of_the_wallet_and_worth_it() {
    let mut world = World::new(loaded());
    let euro = Money::from_minor(500, Currency::from_code("EUR").unwrap());
    for (amount, fits) in [
        (Some(usd(100)), true),
        (Some(usd(99)), false),
        (Some(usd(-5)), false),
        (Some(euro), false),
        (Some(usd(Money::MINOR_MAX + 1)), false),
        (None, false),
    ] {
        let provider = "manual".to_owned();
        let (customer, purpose) = (ANN, Purpose::TopUp);
        let start = StartPayment { customer, amount, provider, card: None, purpose };
        let decided = paid(decide(&mut world, Wish::StartPayment(start), day(1)));
        assert_eq!(decided.is_ok(), fits, "{amount:?}: {decided:?}");
    }
}

/// Ann has ten dollars; nine dollars for three addresses come from her card.
#[test]
fn an_order_is_paid_by_the_card_and_nothing_else() {
    let mut world = World::new(loaded());
    let payment = authorised(&mut world, 300, Purpose::Order);
    let wish = Box::new(Wish::Order(Box::new(order(ANN, ProxyKind::Ipv4, 1))));
    let funded = Wish::Funded(Funded { payment, wish });
    let decided = decide(&mut world, funded.clone(), day(1));
    let Ok(Outcome::Done { event, .. }) = decided.result else { panic!("{decided:?}") };
    let bill = event.bill().unwrap();
    assert_eq!(bill.payment, Some(payment));
    assert_eq!((bill.quote.balance, bill.balance_after), (usd(1_300), usd(1_000)));
    assert_eq!(decide(&mut world, funded, day(1)).result, Err(Refusal::PaymentClosed));
    let changes = world.into_changes();
    let names: Vec<&str> = changes.entries.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["payment", "order"]);
    let payment = &changes.payments[&payment];
    assert_eq!((payment.state, payment.finished), (PaymentState::Settled, false));
}

/// What is refused leaves the payment to be given up, and everything else as it was.
#[test]
fn a_purchase_that_is_refused_takes_no_payment() {
    let extend = |days| {
        Wish::Extend(Extend {
            customer: ANN,
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(vec![LeaseId(1)])),
            among: Among::All,
            period: PeriodWish::Days(days),
            promo: None,
        })
    };
    let order_of = |many| Wish::Order(Box::new(order(ANN, ProxyKind::Ipv4, many)));
    let mut bad_source = order(ANN, ProxyKind::Ipv4, 1);
    // Only found to be missing after the money is there.
    bad_source.access = domain::order::AccessWish::NotAsked;
    let mut bad_promo = Box::new(order(ANN, ProxyKind::Ipv4, 1));
    bad_promo.promo = Some("none".into());
    let with_promo = Wish::OrderWithPromo(bad_promo);
    for (minor, purpose, wish, refusal) in [
        (300, Purpose::Order, with_promo, Refusal::PromoNotApplicable),
        (300, Purpose::Order, order_of(2), Refusal::PriceChanged),
        (301, Purpose::Order, order_of(1), Refusal::PriceChanged),
        (300, Purpose::Order, order_of(20), Refusal::OutOfStock),
        (300, Purpose::Order, Wish::Order(Box::new(bad_source)), Refusal::UnknownAccess),
        (300, Purpose::Order, extend(30), Refusal::UnknownPayment),
        (300, Purpose::Extension, extend(31), Refusal::PeriodNotOnSale),
        (300, Purpose::TopUp, extend(30), Refusal::UnknownPayment),
    ] {
        let mut world = World::new(loaded());
        let payment = authorised(&mut world, minor, purpose);
        let mut expected = World::new(loaded());
        authorised(&mut expected, minor, purpose);
        let funded = Wish::Funded(Funded { payment, wish: Box::new(wish) });
        assert_eq!(decide(&mut world, funded, day(1)).result, Err(refusal));
        assert_eq!(world.into_changes(), expected.into_changes());
    }
}

#[test]
fn what_was_given_up_buys_nothing() {
    let mut world = World::new(loaded());
    let payment = authorised(&mut world, 300, Purpose::Order);
    let void = step(&mut world, payment, Step::Void).unwrap();
    assert!(!void.finished, "the provider has yet to let go");
    let wish = Box::new(Wish::Order(Box::new(order(ANN, ProxyKind::Ipv4, 1))));
    let funded = Wish::Funded(Funded { payment, wish });
    assert_eq!(decide(&mut world, funded, day(1)).result, Err(Refusal::PaymentClosed));
    assert!(step(&mut world, payment, Step::Finished).unwrap().finished);
}

/// Ann extends her lease with a card; it ends on day 30 and is due on day 29.
#[test]
fn a_renewal_by_card_is_left_to_the_card_and_told_of_once_when_it_fails() {
    let mut world = World::new(loaded());
    let card = card(&mut world);
    let set = Wish::SetAutoExtend(SetAutoExtend {
        customer: ANN,
        kind: Some(ProxyKind::Ipv4),
        leases: Selection::Leases(Some(vec![LeaseId(1), LeaseId(2)])),
        among: Among::All,
        period: PeriodWish::Days(30),
        on: Some(true),
        card: Some(card),
    });
    assert!(decide(&mut world, set, day(1)).result.is_ok());
    let leases = vec![LeaseId(1), LeaseId(2), LeaseId(3)];
    let sweep = Wish::Sweep(Sweep { customer: ANN, leases });
    let due = Renew { customer: ANN, card, leases: vec![LeaseId(1), LeaseId(2)] };
    let found = decide(&mut world, sweep.clone(), day(29)).result;
    let by_card = vec![due.clone()];
    let swept = Swept::default();
    assert_eq!(found, Ok(Outcome::SweptButCards { swept, by_card: by_card.clone() }));
    assert_eq!(balance(&world), 1_000);

    // The server was away: the lease has ended, and is not over before the card was asked.
    let late = decide(&mut world, sweep.clone(), day(31)).result;
    let swept = Swept { ended: 1, released: 1, ..Swept::default() };
    assert_eq!(late, Ok(Outcome::SweptButCards { swept, by_card }));

    let failed = Ok(Outcome::Swept(Swept { failed: 2, ..Swept::default() }));
    for now in [day(29), day(29) + Span::HOUR] {
        assert_eq!(decide(&mut world, Wish::DeclineRenewal(due.clone()), now).result, failed);
    }
    let payment = start(&mut world, 600, Some(card), Purpose::Renewal).id;
    step(&mut world, payment, Step::Authorised).unwrap();
    let wish = Box::new(Wish::Renew(due));
    let funded = Wish::Funded(Funded { payment, wish });
    let early = decide(&mut world, funded.clone(), day(29) + Span::HOUR);
    assert_eq!(early.result, Err(Refusal::UnknownLease), "the next try is an hour later");
    let done = decide(&mut world, funded, day(29) + Span::from_hours(2));
    let Ok(Outcome::Done { event, .. }) = done.result else { panic!("{done:?}") };
    assert_eq!(event.name(), "renewal");
    assert_eq!(world.lease(LeaseId(2)).unwrap().ends_at, day(60));
    let changes = world.into_changes();
    let told = |name: &str| changes.entries.iter().filter(|it| it.event.name() == name).count();
    assert_eq!((told("renewal_failed"), told("payment")), (1, 1));
}

#[test]
fn nothing_is_renewed_by_card_without_a_payment() {
    let mut world = World::new(loaded());
    let renew = Renew { customer: ANN, card: CardId(1), leases: vec![LeaseId(1)] };
    assert_eq!(
        decide(&mut world, Wish::Renew(renew), day(29)).result,
        Err(Refusal::UnknownPayment)
    );
}

#[test]
fn a_card_that_is_not_his_or_is_over_gives_no_instruction() {
    let mut world = World::new(loaded());
    let mine = card(&mut world);
    let set = |customer, card, lease| {
        Wish::SetAutoExtend(SetAutoExtend {
            customer,
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(vec![LeaseId(lease)])),
            among: Among::All,
            period: PeriodWish::Days(30),
            on: Some(true),
            card: Some(card),
        })
    };
    assert_eq!(decide(&mut world, set(BOB, mine, 7), day(1)).result, Err(Refusal::NoCard));
    let late = decide(&mut world, set(ANN, mine, 1), day(366));
    // The leases are over by then; a card is looked at after them.
    assert_eq!(late.result, Err(Refusal::UnknownLease));
    let remove = Wish::RemoveCard(RemoveCard { customer: ANN, card: mine });
    assert!(decide(&mut world, remove, day(1)).result.is_ok());
    assert_eq!(decide(&mut world, set(ANN, mine, 1), day(1)).result, Err(Refusal::NoCard));
}

fn top_up(enabled: Option<bool>, threshold: i64, amount: i64) -> Wish {
    Wish::SetAutoTopUp(SetAutoTopUp {
        customer: ANN,
        enabled,
        threshold: Some(usd(threshold)),
        amount: Some(usd(amount)),
        card: None,
    })
}

fn trigger(world: &mut World, caps: Caps, now: Time) -> Option<Payment> {
    match decide(world, Wish::TriggerTopUp(TriggerTopUp { customer: ANN, caps }), now).result {
        Ok(Outcome::Payment(payment)) => Some(*payment),
        Ok(Outcome::Nothing) => None,
        other => panic!("{other:?}"),
    }
}

fn last(world: &World) -> TopUpStatus {
    world.auto_top_up(ANN).unwrap().last.status
}

#[test]
fn automatic_top_up_is_set_whole_or_not_at_all() {
    let mut world = World::new(loaded());
    assert_eq!(world.top_up_state(ANN, day(1)), TopUpState::NoPaymentMethod);
    let on = Some(true);
    assert_eq!(decide(&mut world, top_up(on, 2_000, 2_500), day(1)).result, Err(Refusal::NoCard));
    card(&mut world);
    for (threshold, amount, refusal) in [
        (99, 2_500, Refusal::ThresholdTooLow),
        (-1, 2_500, Refusal::ThresholdTooLow),
        (100, 499, Refusal::TopUpTooLow),
        (100, -500, Refusal::TopUpTooLow),
        (100, Money::MINOR_MAX + 1, Refusal::BadAmount),
        (2_501, 2_500, Refusal::TopUpBelowThreshold),
    ] {
        let refused = decide(&mut world, top_up(on, threshold, amount), day(1));
        assert_eq!(refused.result, Err(refusal));
    }
    assert_eq!(world.auto_top_up(ANN), None);
    assert!(decide(&mut world, top_up(Some(false), 100, 500), day(1)).result.is_ok());
    assert_eq!(world.top_up_state(ANN, day(1)), TopUpState::Disabled);
    assert!(decide(&mut world, top_up(on, 2_000, 2_500), day(1)).result.is_ok());
    assert_eq!(world.top_up_state(ANN, day(1)), TopUpState::Active);
    assert_eq!(world.top_up_state(ANN, day(366)), TopUpState::PaymentInvalid);
    let again = decide(&mut world, top_up(on, 2_000, 2_500), day(2));
    assert!(again.result.is_ok());
    assert_eq!(world.into_changes().entries.len(), 2, "what changes nothing is not written");
}

/// Ann has ten dollars, and tops up by 25 below 20.
#[test]
fn a_wallet_that_runs_low_is_topped_up_once() {
    let mut world = World::new(loaded());
    card(&mut world);
    decide(&mut world, top_up(Some(true), 2_000, 2_500), day(1)).result.unwrap();
    let payment = trigger(&mut world, Caps::default(), day(1)).unwrap();
    assert_eq!((payment.amount, payment.purpose), (usd(2_500), Purpose::AutoTopUp));
    assert_eq!(trigger(&mut world, Caps::default(), day(1)), None, "one is under way");
    step(&mut world, payment.id, Step::Authorised).unwrap();
    paid(credit(&mut world, ANN, payment.id)).unwrap();
    assert_eq!((balance(&world), last(&world)), (3_500, TopUpStatus::Succeeded));
    assert_eq!(trigger(&mut world, Caps::default(), day(1)), None, "enough is there");
}

#[test]
fn three_failures_in_a_row_pause_it_until_the_customer_says_so() {
    let mut world = World::new(loaded());
    card(&mut world);
    decide(&mut world, top_up(Some(true), 2_000, 2_500), day(1)).result.unwrap();
    for hour in 0..3 {
        let now = day(1) + Span::from_hours(hour);
        let payment = trigger(&mut world, Caps::default(), now).unwrap();
        let declined = Step::Declined(Decline::Declined);
        let advance = AdvancePayment { customer: ANN, payment: payment.id, step: declined };
        // Told of twice, it counts once.
        for _ in 0..2 {
            let declined = decide(&mut world, Wish::AdvancePayment(advance.clone()), now);
            assert_eq!(paid(declined).unwrap().state, PaymentState::Refused);
        }
        assert_eq!(world.auto_top_up(ANN).unwrap().fails, hour + 1);
        assert_eq!(trigger(&mut world, Caps::default(), now), None, "not before an hour is over");
    }
    assert_eq!(last(&world), TopUpStatus::Paused);
    assert_eq!(world.top_up_state(ANN, day(2)), TopUpState::PausedFailures);
    assert_eq!(trigger(&mut world, Caps::default(), day(2)), None);
    decide(&mut world, top_up(Some(true), 2_000, 2_500), day(2)).result.unwrap();
    assert_eq!(world.top_up_state(ANN, day(2)), TopUpState::Active);
    assert!(trigger(&mut world, Caps::default(), day(2)).is_some());
    let changes = world.into_changes();
    let paused = changes.entries.iter().filter_map(|entry| match entry.event {
        Event::TopUpFailed { paused, .. } => Some(paused),
        _ => None,
    });
    assert_eq!(paused.collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn the_operators_caps_hold_for_a_day_and_a_month() {
    let caps = Caps { per_day: Some(1), per_month: Some(50) };
    let mut world = World::new(loaded());
    card(&mut world);
    decide(&mut world, top_up(Some(true), 100_000, 100_000), day(1)).result.unwrap();
    assert_eq!(trigger(&mut world, caps, day(1)), None, "more than a month allows");
    assert_eq!(last(&world), TopUpStatus::SkippedCap);
    decide(&mut world, top_up(Some(true), 2_500, 2_500), day(1)).result.unwrap();
    let mut at = |now: Time, tops_up: bool| {
        let payment = trigger(&mut world, caps, now);
        assert_eq!(payment.is_some(), tops_up, "{now:?}");
        if let Some(payment) = payment {
            let customer = ANN;
            let step = Step::Authorised;
            let wish = AdvancePayment { customer, payment: payment.id, step };
            decide(&mut world, Wish::AdvancePayment(wish), now).result.unwrap();
            let credit = Credit { customer, payment: payment.id, card: None };
            decide(&mut world, Wish::Credit(credit), now).result.unwrap();
            let mut spend = order(ANN, ProxyKind::Isp, 1);
            spend.period = PeriodWish::Days(90);
            let spend = Wish::Order(Box::new(spend));
            let buys = |world: &mut World| decide(world, spend.clone(), now).result.is_ok();
            while balance(&world) >= 2_500 && buys(&mut world) {}
        }
    };
    at(day(1), true);
    at(day(1) + Span::from_hours(2), false);
    at(day(2), true);
    at(day(3), false);
    at(day(31), true);
}

proptest! {
    /// Whatever comes, how often and in which order: a payment is credited at most once, and
    /// never after it was given up.
    #[test]
    fn notices_may_come_again_and_in_any_order(
        events in prop::collection::vec(0_u8..6, 0..20),
    ) {
        let mut world = World::new(loaded());
        let payment = start(&mut world, 500, None, Purpose::TopUp).id;
        let mut settled = None;
        for event in events {
            let state = match event {
                0 | 1 => paid(credit(&mut world, ANN, payment)).map(|it| it.state),
                2 => step(&mut world, payment, Step::Refused).map(|it| it.state),
                3 => step(&mut world, payment, Step::Void).map(|it| it.state),
                4 => step(&mut world, payment, Step::Authorised).map(|it| it.state),
                _ => step(&mut world, payment, Step::Declined(Decline::Declined))
                    .map(|it| it.state),
            };
            if let Ok(state) = state
                && !state.is_open()
            {
                prop_assert_eq!(*settled.get_or_insert(state), state);
            }
        }
        let credits = if settled == Some(PaymentState::Settled) { 500 } else { 0 };
        prop_assert_eq!(balance(&world), 1_000 + credits);
    }
}
