//! Many at once.

use std::sync::Barrier;
use std::thread;

use domain::command::{Command, Decision, Outcome};
use domain::kind::ProxyKind;
use domain::promo::PromoOutcome;
use domain::refusal::Refusal;

use super::Make;
use super::shop::{IntoCommand, Shop, keyed, order};

/// How many start at the same moment.
pub(super) const THREADS: usize = 64;
/// How often, in the same shop.
const ROUNDS: usize = 10;

/// Decides one command on each of many threads at the same moment.
pub(super) fn race(shop: &Shop, command: impl Fn(usize) -> Command + Sync) -> Vec<Decision> {
    let barrier = Barrier::new(THREADS);
    let runner = |number| {
        let (barrier, command) = (&barrier, &command);
        move || {
            let command = command(number);
            barrier.wait();
            shop.decide(command)
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|number| scope.spawn(runner(number))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub(super) fn winners(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|decision| decision.result.is_ok()).count()
}

/// Everybody orders the last address: exactly one gets it, the others are told that it is gone.
pub fn the_last_address_has_one_winner(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let customers: Vec<_> = (0..THREADS).map(|_| shop.customer("One", 131)).collect();
    for round in 1..=ROUNDS {
        shop.stock(ProxyKind::Ipv4, u32::try_from(round).unwrap());
        for customer in &customers {
            let missing = 131 - shop.balance(*customer);
            if missing > 0 {
                shop.deposit(*customer, missing);
            }
        }
        let decisions =
            race(&shop, |number| order(customers[number], ProxyKind::Ipv4, 1).into_command());
        assert_eq!(winners(&decisions), 1);
        let lost = |it: &&Decision| it.result == Err(Refusal::OutOfStock);
        assert_eq!(decisions.iter().filter(lost).count(), THREADS - 1);
    }
    shop.audit();
}

/// Everybody spends from one wallet that holds enough for five: five succeed.
pub fn money_for_some_pays_for_no_more(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 0);
    shop.stock(ProxyKind::Ipv4, 200);
    for _ in 0..ROUNDS {
        let missing = 5 * 131 + 130 - shop.balance(ann);
        shop.deposit(ann, missing);
        let decisions = race(&shop, |_| order(ann, ProxyKind::Ipv4, 1).into_command());
        assert_eq!(winners(&decisions), 5);
        assert_eq!(shop.balance(ann), 130);
        let mut left: Vec<i64> = decisions
            .iter()
            .filter(|decision| decision.result.is_ok())
            .map(|decision| decision.balance.unwrap().minor())
            .collect();
        left.sort_unstable();
        assert_eq!(left, [130, 261, 392, 523, 654], "each saw a balance of his own");
    }
    shop.audit();
}

/// Eight customers use a code that allows seven uses and two each.
pub fn promo_limits_hold_under_load(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let customers: Vec<_> = (0..8).map(|_| shop.customer("Some", 1_000_000)).collect();
    shop.stock(ProxyKind::Ipv4, u32::try_from(THREADS * ROUNDS).unwrap());
    for round in 0..ROUNDS {
        let code = format!("CODE{round}");
        shop.promo(&code, "10", Some(7), Some(2));
        let decisions = race(&shop, |number| {
            let mut wish = order(customers[number % 8], ProxyKind::Ipv4, 1);
            wish.promo = Some(code.clone());
            wish.into_command()
        });
        let applied = |decision: &&Decision| match &decision.result {
            Ok(Outcome::Done { event, .. }) => {
                matches!(event.bill().unwrap().quote.promo, PromoOutcome::Applied { .. })
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(decisions.iter().filter(applied).count(), 7);
        let kept = shop.store.promos().unwrap();
        let kept = kept.iter().find(|promo| promo.code == code).unwrap();
        assert_eq!(kept.uses, 7);
        let each = customers.iter().map(|customer| {
            let told = shop.store.promos_of(*customer).unwrap();
            told.iter().find(|(promo, _)| promo.id == kept.id).unwrap().1
        });
        let each: Vec<u32> = each.collect();
        assert!(each.iter().all(|uses| *uses <= 2) && each.iter().sum::<u32>() == 7, "{each:?}");
    }
    shop.audit();
}

/// The same request under one key, everywhere at once, is done once and answered alike.
pub fn one_key_spends_once_under_load(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 1_000_000);
    shop.stock(ProxyKind::Ipv4, 100);
    for round in 0..ROUNDS {
        let key = u8::try_from(round).unwrap();
        let wish = || keyed(order(ann, ProxyKind::Ipv4, 1).into_command(), key, key);
        let decisions = race(&shop, |_| wish());
        assert_eq!(decisions.iter().filter(|decision| !decision.replayed).count(), 1);
        assert!(decisions.iter().all(|decision| decision.result == decisions[0].result));
        assert_eq!(shop.live(ann).len(), round + 1);
    }
    shop.audit();
}
