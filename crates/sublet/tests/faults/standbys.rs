//! A standby that is not asked before something is acknowledged may lack it when it takes over.

use std::time::Duration;

use e2e::postgres::Acknowledged;

use crate::founded;

/// The control of all proofs with a standby: work that was acknowledged is lost, and must be missed.
#[test]
fn what_a_standby_was_not_asked_for_is_lost_and_missed() {
    let (mut cluster, mut town) = founded(71);
    cluster.follow(Acknowledged::ByTheFirstAlone);
    town.work(|_| std::thread::sleep(Duration::from_millis(300)));
    assert_eq!(town.settle(), Vec::<String>::new());
    assert_eq!(town.complaints(), Vec::<String>::new(), "all is well so far");

    cluster.standby().cut_off();
    town.work(|_| std::thread::sleep(Duration::from_millis(300)));
    cluster.fail_over();
    let settled = town.settle();
    let complaints = town.complaints();
    assert!(!settled.is_empty() || complaints.iter().any(|it| it.starts_with("lost")));
    assert!(complaints.iter().any(|it| it.starts_with("lost")), "{complaints:?}");
    assert_ne!(town.repeat(&vec![0; town.programs.len()]), Vec::<String>::new());
}
