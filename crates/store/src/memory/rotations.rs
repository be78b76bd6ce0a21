//! Rotations, and the modems that do them.

use std::cell::RefCell;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{LeaseId, RotationId};
use domain::lease::LeaseState;
use domain::rotation::{Dialer, Rotated, Rotation, Timer, due};
use domain::time::Time;

use super::books::Books;
use crate::Result;
use crate::rotating::Desk;

/// A desk at the books, which nobody else has meanwhile.
pub(super) struct Rows<'b>(RefCell<&'b mut Books>);

impl Rows<'_> {
    pub(super) fn of(books: &mut Books) -> Rows<'_> {
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
    /// Notes that gateways have to look at the leases of a modem again.
    pub(super) fn note_changed(&mut self, name: &str) {
        let (dialer, _) = self.dialer(name);
        self.exit_number += 1;
        self.dialers.insert(name.to_owned(), (dialer, self.exit_number));
    }

    /// The live leases that rotate by themselves, by modem and address.
    pub(super) fn timers(&self, now: Time) -> Vec<Timer> {
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
