//! Rotations, and the modems that do them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{AddressId, CustomerId, LeaseId, RotationId};
use domain::lease::LeaseState;
use domain::rotation::{Ask, Dialer, KEPT, NotRotated, Outcome, Rotated, Rotation, Timer, due};
use domain::time::Time;

use super::books::Books;
use super::size;
use crate::Result;
use crate::rotating::{self, Desk};

/// A desk at the books, which nobody else has meanwhile.
struct Rows<'b>(RefCell<&'b mut Books>);

impl Rows<'_> {
    fn of(books: &mut Books) -> Rows<'_> {
        Rows(RefCell::new(books))
    }
}

impl Desk for Rows<'_> {
    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.0.borrow().catalogue))
    }

    fn lease(&self, id: LeaseId) -> Result<Option<Rotated>> {
        let books = self.0.borrow();
        Ok(books.leases.get(&id).map(|lease| Rotated {
            customer: lease.customer,
            kind: lease.product.kind,
            state: lease.state,
            starts_at: lease.starts_at,
            ends_at: lease.ends_at,
            rotation_seconds: books.orders[&lease.order].rotation_seconds,
            modem: books.addresses[&lease.address].modem.clone(),
            epoch: books.reboot_epochs.get(&id).copied().unwrap_or(0),
        }))
    }

    fn dialer(&self, name: &str) -> Result<Dialer> {
        Ok(self.0.borrow().dialer(name).0)
    }

    fn keep_dialer(&self, dialer: &Dialer, is_seen: bool) -> Result<()> {
        let mut books = self.0.borrow_mut();
        let number = books.dialer(&dialer.name).1;
        books.dialers.insert(dialer.name.clone(), (dialer.clone(), number));
        if is_seen {
            books.note_changed(&dialer.name);
        }
        Ok(())
    }

    fn next_id(&self) -> Result<RotationId> {
        let mut books = self.0.borrow_mut();
        books.next_rotation += 1;
        Ok(RotationId(books.next_rotation - 1))
    }

    fn add(&self, rotation: &Rotation) -> Result<()> {
        self.keep(rotation)
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        Ok(self.0.borrow().rotations.get(&id).cloned())
    }

    fn keep(&self, rotation: &Rotation) -> Result<()> {
        self.0.borrow_mut().rotations.insert(rotation.id, rotation.clone());
        Ok(())
    }

    fn open(&self) -> Result<Vec<Rotation>> {
        let books = self.0.borrow();
        let mut open: Vec<_> =
            books.rotations.values().filter(|rotation| !rotation.is_over()).cloned().collect();
        open.sort_by(|one, other| one.modem.cmp(&other.modem));
        Ok(open)
    }
}

impl Books {
    pub(super) fn modems_changed(&self, after: i64) -> (i64, BTreeSet<String>) {
        let changed = self.dialers.iter().filter(|(_, (_, number))| after < *number);
        (self.exit_number.max(after), changed.map(|(name, _)| name.clone()).collect())
    }

    pub(super) fn dialers(&self, names: &BTreeSet<String>) -> Vec<(Dialer, Option<Rotation>)> {
        let last = |name: &String| {
            let mut newest = self.rotations.values().rev();
            newest.find(|rotation| rotation.modem == *name).cloned()
        };
        names.iter().map(|name| (self.dialer(name).0, last(name))).collect()
    }

    pub(super) fn ask_rotation(
        &mut self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>> {
        rotating::ask(&Rows::of(self), ask, now)
    }

    pub(super) fn take_rotations(
        &mut self,
        modems: &BTreeSet<String>,
        now: Time,
    ) -> Result<Vec<Rotation>> {
        let rows = Rows::of(self);
        let open = rotating::takeable(&rows, modems, now)?;
        open.into_iter().filter_map(|id| rotating::take(&rows, id, now).transpose()).collect()
    }

    pub(super) fn end_rotation(
        &mut self,
        id: RotationId,
        claim: i64,
        outcome: Outcome,
        now: Time,
    ) -> Result<bool> {
        rotating::end(&Rows::of(self), id, claim, outcome, now)
    }

    pub(super) fn tidy_rotations(&mut self, now: Time, limit: u32) -> Result<u32> {
        let rows = Rows::of(self);
        for id in rotating::stale(&rows, now)? {
            rotating::give_up(&rows, id, now)?;
        }
        let over = |it: &&Rotation| it.ended_at.is_some_and(|at| at <= now - KEPT);
        let old: Vec<_> = self.rotations.values().filter(over).map(|it| it.id).collect();
        let gone = old.iter().take(size(limit));
        Ok(gone.map(|id| u32::from(self.rotations.remove(id).is_some())).sum())
    }

    pub(super) fn rotation(&self, id: RotationId) -> Option<Rotation> {
        self.rotations.get(&id).cloned()
    }

    pub(super) fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Vec<Rotation> {
        let of_lease = self.rotations.values().filter(|it| it.lease == Some(lease));
        let behind = of_lease.filter(|it| after.is_none_or(|after| after < it.id));
        behind.take(size(limit)).cloned().collect()
    }

    pub(super) fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Vec<Timer> {
        let mut timers = self.timers(now);
        timers.retain(|it| {
            after.as_ref().is_none_or(|after| *after < (it.modem.clone(), it.address))
        });
        timers.truncate(size(limit));
        timers
    }

    pub(super) fn renew_reboot_link(
        &mut self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Option<u32> {
        let his = self.leases.get(&lease).is_some_and(|it| {
            it.customer == customer && it.state == LeaseState::Active && now < it.ends_at
        });
        his.then(|| {
            let epoch = self.reboot_epochs.entry(lease).or_default();
            *epoch += 1;
            *epoch
        })
    }

    /// A modem, and what the number was when something was last to be noticed of it.
    pub(super) fn dialer(&self, name: &str) -> (Dialer, i64) {
        self.dialers.get(name).cloned().unwrap_or_else(|| (Dialer::new(name), 0))
    }

    /// Notes that gateways have to look at the leases of a modem again.
    pub(super) fn note_changed(&mut self, name: &str) {
        let (dialer, _) = self.dialer(name);
        self.exit_number += 1;
        self.dialers.insert(name.to_owned(), (dialer, self.exit_number));
    }

    /// The live leases that rotate by themselves, by modem and address.
    fn timers(&self, now: Time) -> Vec<Timer> {
        let live = self
            .leases
            .values()
            .filter(|lease| lease.state == LeaseState::Active && now < lease.ends_at);
        let mut timers: Vec<Timer> = live
            .filter_map(|lease| {
                let modem = self.addresses[&lease.address].modem.clone()?;
                let seconds = self.orders[&lease.order].rotation_seconds;
                let due = due(seconds, lease.starts_at, self.dialer(&modem).0.asked_at)?;
                Some(Timer { modem, address: lease.address, lease: lease.id, due })
            })
            .collect();
        timers.sort_by_key(|timer| (timer.modem.clone(), timer.address));
        timers
    }
}
