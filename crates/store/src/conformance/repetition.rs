//! The same request twice has one effect.

use domain::command::{Command, Decision, Outcome};
use domain::country::Country;
use domain::idempotency::{KEPT_WITH_KEY, KEPT_WITHOUT_KEY};
use domain::ids::EntryId;
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use domain::time::Span;

use super::Make;
use super::digest::digest;
use super::shop::{IntoCommand, Shop, but_a_moment, extend, keyed, keyless, order, usd};

const V4: ProxyKind = ProxyKind::Ipv4;

/// The entry that a decision names, and whether it was an earlier one.
#[track_caller]
fn entry(decision: &Decision) -> (EntryId, bool) {
    match &decision.result {
        Ok(Outcome::Done { entry: Some(entry), .. }) => (*entry, decision.replayed),
        other => panic!("it was not done: {other:?}"),
    }
}

/// The answer is the first one, word for word, until a day has passed.
pub fn a_key_answers_again_for_a_day(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 5);
    let wish = || keyed(order(ann, V4, 1).into_command(), 1, 1);
    let first = shop.decide(wish());
    let (written, replayed) = entry(&first);
    assert!(!replayed);
    shop.deposit(ann, 5);
    let before = digest(&*shop.store, shop.now);
    shop.wait(but_a_moment(KEPT_WITH_KEY));
    let again = shop.decide(wish());
    assert_eq!(entry(&again), (written, true));
    assert_eq!(again.result, first.result);
    assert_eq!(again.balance, Some(usd(10_000 - 131 + 5)), "the balance is today's");
    let after = digest(&*shop.store, shop.now);
    assert_eq!((after.journal, after.customers), (before.journal, before.customers));
    shop.wait(Span::from_millis(1));
    let anew = shop.decide(wish());
    assert!(written < entry(&anew).0 && !anew.replayed);
    let replay = shop.decide(wish());
    assert_eq!(entry(&replay), (entry(&anew).0, true), "what is remembered anew replaces the old");

    // Twice in one batch is twice, too; so is an extension.
    let lease = shop.live(ann)[0].lease.id;
    let twice = || keyed(extend(ann, V4, &[lease]).into_command(), 2, 2);
    let decisions = shop.batch(&[twice(), twice(), twice()]);
    let entries: Vec<_> = decisions.iter().map(entry).collect();
    let only = entries[0].0;
    assert_eq!(entries, [(only, false), (only, true), (only, true)]);
    shop.audit();
}

/// Another request under the same key is refused; another customer's key is another key.
pub fn a_key_belongs_to_its_request(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 1_000), shop.customer("Bob", 1_000));
    shop.stock(V4, 5);
    let first = entry(&shop.decide(keyed(order(ann, V4, 1).into_command(), 1, 1)));
    let before = digest(&*shop.store, shop.now);
    let other = keyed(order(ann, V4, 2).into_command(), 1, 2);
    assert_eq!(shop.refused(other.clone()), Refusal::KeyReused);
    assert_eq!(digest(&*shop.store, shop.now), before);
    let his = entry(&shop.decide(keyed(order(bob, V4, 1).into_command(), 1, 1)));
    assert!(first.0 < his.0 && !his.1);
    let decisions = shop.batch(&[keyed(order(ann, V4, 1).into_command(), 3, 1), other]);
    assert!(decisions[0].result.is_ok());
    assert_eq!(decisions[1].result, Err(Refusal::KeyReused));
    shop.audit();
}

/// What was refused for the state of the shop stays refused under its key; what was refused for
/// its own form may be corrected.
pub fn refusals_are_remembered(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 100), shop.customer("Bob", 1_000));
    shop.stock(V4, 2);
    let poor = keyed(order(ann, V4, 1).into_command(), 1, 1);
    let refused = shop.decide(poor.clone());
    assert_eq!(refused.result, Err(Refusal::InsufficientFunds { missing: usd(31) }));
    assert!(!refused.replayed);
    shop.deposit(ann, 1_000);
    let again = shop.decide(poor);
    assert_eq!(again.result, Err(Refusal::InsufficientFunds { missing: usd(31) }));
    assert_eq!((again.balance, again.replayed), (Some(usd(100)), true), "the balance of then");
    shop.done(keyed(order(ann, V4, 1).into_command(), 2, 1));

    let many = keyed(order(bob, V4, 2).into_command(), 1, 1);
    assert_eq!(shop.refused(many.clone()), Refusal::OutOfStock);
    shop.stock(V4, 4);
    let again = shop.decide(many);
    assert_eq!((again.result, again.replayed), (Err(Refusal::OutOfStock), true));

    let mut slip = order(bob, V4, 1);
    slip.country = None;
    assert_eq!(shop.refused(keyed(slip.clone().into_command(), 7, 7)), Refusal::UnknownCountry);
    slip.country = Country::from_alpha3("USA");
    shop.done(keyed(slip.into_command(), 7, 8));
    shop.audit();
}

/// A request may be remembered by itself, for as long as its API key says, also not at all.
pub fn a_repeat_window_catches_repeats(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 9);
    let wish = |seconds| keyless(order(ann, V4, 1).into_command(), 1, Span::from_seconds(seconds));
    let first = entry(&shop.decide(wish(60)));
    shop.wait(Span::from_millis(59_999));
    assert_eq!(entry(&shop.decide(wish(60))), (first.0, true));
    shop.wait(Span::from_millis(1));
    let second = entry(&shop.decide(wish(0)));
    let third = entry(&shop.decide(wish(0)));
    assert!(first.0 < second.0 && second.0 < third.0, "two orders are two orders");
    assert!(![second.1, third.1].contains(&true));
    let journal = shop.journal();
    let marked: Vec<_> = journal.iter().filter(|entry| entry.fingerprint.is_some()).collect();
    assert_eq!(
        marked.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [first.0, second.0, third.0]
    );
    assert!(marked.iter().all(|entry| entry.fingerprint == Some([1; 16])));
    // A refusal without a key is not remembered.
    let dear = keyless(order(ann, V4, 9).into_command(), 2, Span::HOUR);
    assert_eq!(shop.refused(dear.clone()), Refusal::OutOfStock);
    let again = shop.decide(dear);
    assert_eq!((again.result, again.replayed), (Err(Refusal::OutOfStock), false));
    shop.audit();
}

/// The answer to a spend whose customer was gone is given to him when he asks again.
pub fn lost_answers_are_given_again(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 20);
    let wish = |body| keyless(order(ann, V4, 1).into_command(), body, Span::ZERO);
    let lost = shop.decide(wish(1));
    let heard = entry(&shop.decide(wish(2)));
    let with_key = entry(&shop.decide(keyed(order(ann, V4, 1).into_command(), 33, 3)));
    let (gone, _) = entry(&lost);
    let unknown = EntryId(with_key.0.0 + 1_000);
    shop.store.remember(&[gone, with_key.0, unknown], shop.now, KEPT_WITHOUT_KEY).unwrap();
    shop.store.remember(&[], shop.now, KEPT_WITHOUT_KEY).unwrap();
    let again = shop.decide(wish(1));
    assert_eq!((entry(&again), &again.result), ((gone, true), &lost.result));
    assert!(heard.0 < entry(&shop.decide(wish(2))).0, "what was heard is not remembered");
    // What was given with a key has no fingerprint of its own: a request without is another one.
    assert!(!entry(&shop.decide(wish(3))).1);
    // Of equal spends, the one that was named last is given again.
    let equal = [5, 5, 6, 6].map(|body| entry(&shop.decide(wish(body))).0);
    let [first, second, third, fourth] = equal;
    let named = [second, third, first, fourth];
    shop.store.remember(&named, shop.now, KEPT_WITHOUT_KEY).unwrap();
    assert_eq!([5, 6].map(|body| entry(&shop.decide(wish(body)))), [(first, true), (fourth, true)]);
    let other = shop.customer("Bob", 1_000);
    let his = keyless(order(other, V4, 1).into_command(), 1, Span::ZERO);
    assert!(!entry(&shop.decide(his)).1, "another customer asks for himself");
    let long = keyless(order(ann, V4, 1).into_command(), 4, Span::from_hours(2));
    let written = entry(&shop.decide(long.clone())).0;
    shop.store.remember(&[written], shop.now, KEPT_WITHOUT_KEY).unwrap();
    shop.wait(KEPT_WITHOUT_KEY);
    assert!(!entry(&shop.decide(wish(1))).1, "an hour later it is another order");
    assert_eq!(entry(&shop.decide(long)), (written, true), "a longer window is not made shorter");
    shop.audit();
}

/// After an unclean end, the spends of its last moments are remembered; after a quiet one none is.
pub fn an_unclean_end_is_remembered(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 20);
    let wish = |body| keyless(order(ann, V4, 1).into_command(), body, Span::ZERO);
    let start = |shop: &Shop| {
        shop.store.note_start(shop.now, Span::from_seconds(5), KEPT_WITHOUT_KEY).unwrap()
    };
    start(&shop);
    shop.decide(wish(1));
    shop.store.note_quiet().unwrap();
    assert_eq!(start(&shop), 0, "the last end was clean");
    assert!(!entry(&shop.decide(wish(1))).1);

    shop.decide(wish(2));
    shop.store.note_quiet().unwrap();
    let first = entry(&shop.decide(wish(3))).0;
    shop.wait(Span::from_seconds(5));
    let second = entry(&shop.decide(wish(4))).0;
    shop.wait(Span::from_millis(1));
    let third = entry(&shop.decide(wish(5))).0;
    shop.decide(keyed(order(ann, V4, 1).into_command(), 6, 6));
    assert!(first < second && second < third);
    shop.wait(Span::from_seconds(60));
    assert_eq!(start(&shop), 2, "those of the last five seconds before the end");
    assert!(!entry(&shop.decide(wish(2))).1, "its answer had arrived");
    assert!(!entry(&shop.decide(wish(3))).1, "it was answered long before the end");
    assert_eq!(entry(&shop.decide(wish(4))), (second, true));
    shop.wait(but_a_moment(KEPT_WITHOUT_KEY));
    assert_eq!(entry(&shop.decide(wish(5))), (third, true));
    shop.wait(Span::from_millis(1));
    assert!(!entry(&shop.decide(wish(5))).1);
    shop.audit();
}

/// What is over can be forgotten, a few at a time, and nothing else is.
pub fn what_is_over_is_forgotten(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 9);
    let keyed = |key| -> Command { keyed(order(ann, V4, 1).into_command(), key, key) };
    for key in 1..=3 {
        shop.decide(keyed(key));
    }
    shop.wait(Span::HOUR);
    let young = entry(&shop.decide(keyed(4))).0;
    assert_eq!(shop.store.forget(shop.now, 9).unwrap(), 0);
    shop.wait(Span::from_hours(23));
    assert_eq!(shop.store.forget(shop.now, 2).unwrap(), 2);
    assert_eq!(shop.store.forget(shop.now, 2).unwrap(), 1);
    assert_eq!(shop.store.forget(shop.now, 2).unwrap(), 0);
    assert_eq!(entry(&shop.decide(keyed(4))), (young, true));
    for key in 1..=3 {
        assert!(!entry(&shop.decide(keyed(key))).1);
    }
    shop.audit();
}
