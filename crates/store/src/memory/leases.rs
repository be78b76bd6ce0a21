//! Leases: when to look at which.

use domain::lease::{Lease, LeaseState};
use domain::time::Time;

use super::books::Books;
use super::size;
use crate::records::Due;

impl Books {
    pub(super) fn due(&self, until: Time, limit: u32) -> Vec<Due> {
        let mut due: Vec<Due> = self
            .not_over()
            .filter(|lease| lease.look_at <= until)
            .map(|it| Due { at: it.look_at, lease: it.id, order: it.order, customer: it.customer })
            .collect();
        due.sort_by_key(|due| (due.at, due.lease));
        due.truncate(size(limit));
        due
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        self.not_over().map(|lease| lease.look_at).min()
    }

    /// The leases that are not over, by id.
    pub(super) fn not_over(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values().filter(|lease| lease.state != LeaseState::Over)
    }
}
