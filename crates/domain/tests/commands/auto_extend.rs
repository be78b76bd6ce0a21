//! What turning automatic extension on and off says and writes.

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::ids::{EntryId, LeaseId};
use domain::kind::ProxyKind;
use domain::period::PeriodWish;
use domain::select::{Among, Selection};
use domain::world::World;

use crate::shop::{ANN, day, loaded};

fn set(world: &mut World, on: bool) -> Decision {
    let set = SetAutoExtend {
        customer: ANN,
        kind: Some(ProxyKind::Ipv4),
        leases: Selection::Leases(Some(vec![LeaseId(2), LeaseId(1)])),
        among: Among::All,
        period: PeriodWish::Days(30),
        on: Some(on),
        card: None,
    };
    world.decide(&Command::plain(Wish::SetAutoExtend(set)), day(1))
}

fn entry(decision: &Decision) -> Option<EntryId> {
    match &decision.result {
        Ok(Outcome::Done { entry, .. }) => *entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_changes_names_its_entry_and_what_does_not_writes_none() {
    let mut world = World::new(loaded());
    assert_eq!(entry(&set(&mut world, true)), Some(EntryId(10)));
    assert_eq!(entry(&set(&mut world, true)), None);
    assert_eq!(entry(&set(&mut world, false)), Some(EntryId(11)));
    assert_eq!(entry(&set(&mut world, false)), None);
    assert_eq!(world.into_changes().entries.len(), 2);
}
