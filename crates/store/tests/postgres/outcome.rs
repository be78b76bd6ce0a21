//! The connection is lost around a commit.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use domain::command::Command;
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::time::Span;
use e2e::postgres::Postgres;
use e2e::postgres::wire::{Fate, Wire};
use store::conformance::shop::{IntoCommand, Shop, keyless, order};
use store::error::Error;

use crate::databases::Shared;

const V4: ProxyKind = ProxyKind::Ipv4;
const PRICE: i64 = 131;

/// A shop behind a wire, and the same one seen directly.
struct Cut {
    _shared: Shared,
    wire: Wire,
    far: Shop,
    near: Shop,
    ann: CustomerId,
}

impl Cut {
    fn new() -> Cut {
        let shared = Shared::new();
        let near = Shop::furnish(Arc::new(shared.store("near")));
        let wire = Wire::to(Postgres::shared().address());
        let far =
            Shop { store: Arc::new(shared.store_at(&wire.url(&shared.url), "far")), now: near.now };
        near.stock(V4, 9);
        let ann = near.customer("Ann", 10_000);
        Cut { _shared: shared, wire, far, near, ann }
    }

    fn wish(&self) -> Command {
        keyless(order(self.ann, V4, 1).into_command(), 1, Span::ZERO)
    }

    /// An order whose commit has this fate is done, once, and known to be.
    #[track_caller]
    fn check(&self, fate: Fate) {
        let (leases, balance) = (self.near.live(self.ann).len(), self.near.balance(self.ann));
        self.wire.cut_at_commit(fate);
        let decision = self.far.decide(self.wish());
        assert!(decision.result.is_ok() && !decision.replayed, "{decision:?}");
        assert_eq!(decision.balance.unwrap().minor(), balance - PRICE);
        assert_eq!(self.near.live(self.ann).len(), leases + 1);
        assert_eq!(self.near.balance(self.ann), balance - PRICE);
        self.near.audit();
    }
}

/// The batch was committed, and only the answer is lost.
#[test]
fn what_was_committed_is_answered() {
    let cut = Cut::new();
    for cuts in 1..=3 {
        cut.check(Fate::Unheard);
        assert!(cut.wire.has_cut(cuts, Duration::ZERO));
    }
}

/// The server does not even get the commit: the batch is decided anew.
#[test]
fn what_was_not_committed_is_done_again() {
    let cut = Cut::new();
    for cuts in 1..=3 {
        cut.check(Fate::Lost);
        assert!(cut.wire.has_cut(cuts, Duration::ZERO));
    }
}

/// The server gets the commit when it is being asked already what became of it.
#[test]
fn a_commit_that_is_still_under_way_is_waited_for() {
    let cut = Cut::new();
    cut.check(Fate::Late(Duration::from_secs(2)));
    cut.check(Fate::Late(Duration::from_millis(5)));
}

/// Nobody can be asked. It takes until the asking is given up, for both fates at once.
#[test]
fn an_outcome_that_nobody_can_tell_is_unknown() {
    thread::scope(|scope| {
        for (fate, done) in [(Fate::Unheard, true), (Fate::Lost, false)] {
            scope.spawn(move || {
                let cut = Cut::new();
                // All connections are made.
                assert!(cut.far.decide(cut.wish()).result.is_ok());
                let leases = cut.near.live(cut.ann).len();
                cut.wire.cut_at_commit(fate);
                cut.wire.refuse();
                let error = cut.far.store.transact(&[cut.wish()], cut.far.now).unwrap_err();
                assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
                assert_eq!(cut.near.live(cut.ann).len(), leases + usize::from(done));
                cut.wire.admit();
                cut.check(Fate::Unheard);
            });
        }
    });
}

/// A batch that never came to its commit is no unknown outcome: it is done again.
#[test]
fn a_connection_that_ends_before_the_commit_is_replaced() {
    let cut = Cut::new();
    for _ in 0..3 {
        cut.wire.cut();
        let before = cut.near.live(cut.ann).len();
        assert!(cut.far.decide(cut.wish()).result.is_ok());
        assert_eq!(cut.far.live(cut.ann).len(), before + 1);
    }
    for bytes in [100, 1_000, 2_000, 4_000] {
        let before = cut.near.live(cut.ann).len();
        cut.wire.cut_after(bytes);
        let decided = cut.far.store.transact(&[cut.wish()], cut.far.now);
        cut.wire.spare();
        let after = cut.near.live(cut.ann).len();
        assert_eq!(after - before, usize::from(decided.is_ok()), "{decided:?}");
    }
    cut.near.audit();
}

/// A server that does not answer is unavailable after a while, not for ever.
#[test]
fn a_server_that_stands_still_is_unavailable() {
    let cut = Cut::new();
    cut.wire.hold();
    thread::scope(|scope| {
        scope.spawn(|| {
            let error = cut.far.store.transact(&[cut.wish()], cut.far.now).unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        });
        scope.spawn(|| {
            let error = cut.far.store.customer(cut.ann).unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        });
    });
    cut.wire.release();
    assert!(cut.far.decide(cut.wish()).result.is_ok());
    assert_eq!(cut.near.live(cut.ann).len(), 1);
    cut.near.audit();
}
