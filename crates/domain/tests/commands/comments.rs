//! What customers write beside their leases.

use domain::command::{Command, Decision, Outcome, Wish};
use domain::comment::{COMMENT_LENGTH_MAX, SetComment};
use domain::ids::LeaseId;
use domain::journal::Event;
use domain::refusal::Refusal;
use domain::world::World;

use crate::shop::{ANN, day, loaded};

fn set(world: &mut World, leases: &[i64], comment: Option<&str>) -> Decision {
    let leases = Some(leases.iter().copied().map(LeaseId).collect());
    let comment = comment.map(str::to_owned);
    let wish = Wish::SetComment(SetComment { customer: ANN, leases, comment });
    world.decide(&Command::plain(wish), day(1))
}

/// The leases that are named, and whether anything was written.
#[track_caller]
fn done(decision: Decision) -> (Vec<i64>, bool) {
    let Ok(Outcome::Done { entry, event, .. }) = decision.result else { panic!("{decision:?}") };
    let Event::Comment { leases } = *event else { panic!("{event:?}") };
    (leases.into_iter().map(|lease| lease.0).collect(), entry.is_some())
}

/// Lease 5 is of another kind.
#[test]
fn a_comment_stands_beside_leases_of_any_kind_until_it_is_taken_back() {
    let mut world = World::new(loaded());
    assert_eq!(done(set(&mut world, &[5, 1, 5], Some(" shop 7\nnew "))), (vec![5, 1], true));
    assert!(!done(set(&mut world, &[1, 5], Some("shop 7\nnew"))).1, "it is there already");
    for (lease, comment) in [(1, Some("shop 7\nnew")), (2, None), (5, Some("shop 7\nnew"))] {
        assert_eq!(world.lease(LeaseId(lease)).unwrap().comment.as_deref(), comment);
    }
    assert_eq!(done(set(&mut world, &[5], Some(""))), (vec![5], true));
    assert_eq!(world.lease(LeaseId(5)).unwrap().comment, None);
    assert!(!done(set(&mut world, &[5], None)).1);
}

/// Lease 7 is Bob's.
#[test]
fn one_bad_lease_or_comment_refuses_all() {
    let long = "ü".repeat(COMMENT_LENGTH_MAX);
    let longer = format!("{long}u");
    let nothing = World::new(loaded()).into_changes();
    for (leases, comment, refusal) in [
        (&[1, 7][..], "mine", Refusal::UnknownLease),
        (&[99, 1], "mine", Refusal::UnknownLease),
        (&[], "mine", Refusal::UnknownLease),
        (&[1], &longer, Refusal::BadComment),
        (&[1], "a\u{0}b", Refusal::BadComment),
    ] {
        let mut world = World::new(loaded());
        assert_eq!(set(&mut world, leases, Some(comment)).result, Err(refusal));
        assert_eq!(world.into_changes(), nothing);
    }
    assert!(done(set(&mut World::new(loaded()), &[1], Some(&long))).1);
}
