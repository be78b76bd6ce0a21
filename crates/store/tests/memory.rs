//! The in-memory store is run through the suite that every store must pass, and is the model that
//! scripts are played to.

mod scripts;

use std::collections::BTreeMap;

use domain::promo::PromoOutcome;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::Store;
use store::conformance;
use store::conformance::compare::{self, PLAIN, Played};
use store::memory::MemoryStore;

fn make() -> Box<dyn Store> {
    Box::new(MemoryStore::new(false))
}

#[test]
fn it_does_as_every_store_must() {
    conformance::run(&mut make);
}

#[test]
fn its_sandbox_does_too() {
    conformance::rows::an_installation_keeps_its_nature(&mut || Box::new(MemoryStore::new(true)));
}

/// A script that is refused throughout would prove nothing.
#[test]
fn scripts_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<String, u32> = BTreeMap::new();
    let mut reach = |what: String| *reached.entry(what).or_default() += 1;
    for _ in 0..1200 {
        let script = scripts::scripts(40).new_tree(&mut runner).unwrap().current();
        let played = Played::new(&mut make, &script, PLAIN);
        for decision in &played.decisions {
            let again = if decision.replayed { "replayed " } else { "" };
            if let Err(refusal) = &decision.result {
                let refusal = format!("{refusal:?}");
                reach(format!("{again}{}", refusal.split_whitespace().next().unwrap()));
            } else if decision.replayed {
                reach("replayed".into());
            }
        }
        for entry in played.shop.journal() {
            let promo = entry.event.bill().map(|bill| bill.quote.promo);
            let promo = matches!(promo, Some(PromoOutcome::Applied { .. }));
            reach(format!("{}{}", entry.event.name(), if promo { " with promo" } else { "" }));
            let lines = entry.event.bill().map_or(&[][..], |bill| &bill.quote.lines[..]);
            if lines.iter().any(|line| line.product.package.is_some()) {
                reach(format!("{} of a package", entry.event.name()));
            }
        }
    }
    let wanted = [
        ("order", 300),
        ("order with promo", 100),
        ("order of a package", 50),
        ("extension", 50),
        ("extension of a package", 10),
        ("renewal of a package", 10),
        ("extension with promo", 20),
        ("auto_extend", 100),
        ("renewal", 100),
        ("renewal_failed", 10),
        ("ended", 100),
        ("released", 100),
        ("deposit", 100),
        ("replayed", 20),
        ("replayed OutOfStock", 1),
        ("replayed InsufficientFunds", 1),
        ("InsufficientFunds", 20),
        ("OutOfStock", 20),
        ("UnknownLease", 50),
        ("UnknownOrder", 20),
        ("WholeOrderOnly", 10),
        ("KeyReused", 20),
        ("Suspended", 20),
    ];
    for (what, least) in wanted {
        let count = reached.get(what).copied().unwrap_or(0);
        assert!(least <= count, "{what} is reached {count} times, not {least}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn batches_and_strides_do_not_matter(script in scripts::scripts(40)) {
        compare::compare(&mut make, &mut make, &script);
    }

    #[test]
    fn one_jump_is_many(script in scripts::scripts(25)) {
        compare::one_jump_is_many(&mut make, &script);
    }
}
