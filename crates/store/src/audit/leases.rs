//! Leases: paid time and charge are one, ends form a chain, an address has one lease at a time.

use std::collections::BTreeMap;

use domain::ids::{AddressId, CardId, CustomerId, LeaseId, OrderId};
use domain::journal::{Bill, Entry, Event, Granted, Moved, Replaced};
use domain::lease::{Lease, LeaseState};
use domain::period::Period;
use domain::product::ProductKey;
use domain::replace::REPLACED_AGAIN;
use domain::time::Time;

use super::{Findings, quote};

#[derive(Debug, Default)]
pub(super) struct Leases {
    /// Ordered maps, because a hashed one would for a moment be there twice when it grows.
    proven: BTreeMap<LeaseId, Proven>,
    /// Who has which address, as far as the journal has been read.
    holders: BTreeMap<AddressId, LeaseId>,
    products: Vec<ProductKey>,
}

/// What the journal says of a lease so far.
#[derive(Debug)]
struct Proven {
    order: OrderId,
    customer: CustomerId,
    address: AddressId,
    /// Where its product is in [`Leases::products`], to be short.
    product: u32,
    state: LeaseState,
    compared: bool,
    starts_at: Time,
    ends_at: Time,
    reserved_until: Option<Time>,
    auto_extend: Option<Period>,
    renew_card: Option<CardId>,
    replaced_at: Option<Time>,
}

impl Leases {
    pub(super) fn entry(&mut self, entry: &Entry, found: &mut Findings) {
        match &entry.event {
            Event::Deposit { .. }
            | Event::Payment { .. }
            | Event::AutoTopUp { .. }
            | Event::TopUpFailed { .. }
            | Event::Authorisation { .. } => {}
            Event::Comment { leases } => {
                for id in leases {
                    self.owned(*id, entry, found);
                }
            }
            Event::Replacement { leases, .. } => {
                for replaced in leases {
                    self.replaced(entry, *replaced, found);
                }
            }
            Event::Order { order, bill, period, leases } => {
                self.order(entry, *order, bill, *period, leases, found);
            }
            Event::Extension { bill, period, leases, .. } => {
                self.extension(entry, bill, *period, leases, found);
            }
            Event::AutoExtend { leases, period, card } => {
                for id in leases {
                    let Some(lease) = self.owned(*id, entry, found) else { continue };
                    found.check(lease.state != LeaseState::Over, "lease", || {
                        format!("entry {} instructs lease {}, which is over", entry.id.0, id.0)
                    });
                    lease.auto_extend = *period;
                    lease.renew_card = *card;
                }
            }
            Event::RenewalFailed { leases, .. } => {
                for id in leases {
                    let Some(lease) = self.owned(*id, entry, found) else { continue };
                    let due = lease.state == LeaseState::Active && lease.auto_extend.is_some();
                    found.check(due, "lease", || {
                        let (entry, id) = (entry.id.0, id.0);
                        format!("entry {entry} fails to renew lease {id}, which asked for nothing")
                    });
                }
            }
            Event::Ended { leases } => {
                for (id, until) in leases {
                    self.ended(entry, *id, *until, found);
                }
            }
            Event::Released { leases } => {
                for id in leases {
                    self.released(entry, *id, found);
                }
            }
        }
    }

    fn order(
        &mut self,
        entry: &Entry,
        order: OrderId,
        bill: &Bill,
        period: Period,
        granted: &[Granted],
        found: &mut Findings,
    ) {
        let at = entry.id.0;
        let paid: u64 = quote::paid(bill).values().sum();
        let given = u64::try_from(granted.len()).unwrap_or(u64::MAX);
        found.check(quote::is_of_one_thing(bill) && paid == given, "lease", || {
            format!("entry {at} (order {}) grants {given} leases and charges for {paid}", order.0)
        });
        // The leases follow the lines that they were paid with.
        let mut products: Vec<u32> = Vec::with_capacity(granted.len());
        for line in &bill.quote.lines {
            let quantity = usize::try_from(line.quantity).unwrap_or(usize::MAX);
            let quantity = quantity.min(granted.len() - products.len());
            products.extend(std::iter::repeat_n(self.product(&line.product), quantity));
        }
        products.resize(granted.len(), u32::MAX);
        for (Granted { lease: id, address, ends_at }, product) in granted.iter().zip(products) {
            found.check(*ends_at == entry.at + period.span(), "lease", || {
                let (days, ends_at) = (period.days(), ends_at.millis());
                format!("entry {at} grants lease {} until {ends_at}, not for {days} days", id.0)
            });
            self.grant(entry, *id, *address, found);
            let lease = Proven {
                order,
                customer: entry.customer,
                address: *address,
                product,
                state: LeaseState::Active,
                compared: false,
                starts_at: entry.at,
                ends_at: *ends_at,
                reserved_until: None,
                auto_extend: None,
                renew_card: None,
                replaced_at: None,
            };
            let again = self.proven.insert(*id, lease).is_some();
            found.check(!again, "lease", || {
                format!("entry {at} grants lease {}, which was granted before", id.0)
            });
        }
    }

    fn grant(&mut self, entry: &Entry, id: LeaseId, address: AddressId, found: &mut Findings) {
        let holder = self.holders.insert(address, id);
        if let Some(holder) = holder {
            let (at, address) = (entry.id.0, address.0);
            let (id, holder) = (id.0, holder.0);
            found.note(
                "address",
                format!(
                    "entry {at} lets address {address} to lease {id}, but lease {holder} has it"
                ),
            );
        }
    }

    fn product(&mut self, key: &ProductKey) -> u32 {
        let at = self.products.iter().position(|known| known == key).unwrap_or_else(|| {
            self.products.push(key.clone());
            self.products.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn extension(
        &mut self,
        entry: &Entry,
        bill: &Bill,
        period: Period,
        moved: &[Moved],
        found: &mut Findings,
    ) {
        let at = entry.id.0;
        let mut extended: BTreeMap<u32, u64> = BTreeMap::new();
        for Moved { lease: id, from, to } in moved {
            let Some(lease) = self.owned(*id, entry, found) else { continue };
            *extended.entry(lease.product).or_default() += 1;
            found.check(*from == lease.ends_at, "lease", || {
                let (from, end) = (from.millis(), lease.ends_at.millis());
                format!("entry {at} moves the end of lease {} from {from}, but it is {end}", id.0)
            });
            found.check(*to == (*from).max(entry.at) + period.span(), "lease", || {
                let (to, days) = (to.millis(), period.days());
                format!("entry {at} moves the end of lease {} to {to}, not by {days} days", id.0)
            });
            let stands = match lease.state {
                LeaseState::Active => true,
                LeaseState::Reserved => lease.reserved_until.is_some_and(|until| entry.at < until),
                LeaseState::Over => false,
            };
            found.check(stands, "lease", || {
                format!("entry {at} extends lease {}, which is past its reserve", id.0)
            });
            if lease.state == LeaseState::Reserved {
                lease.state = LeaseState::Active;
            }
            lease.ends_at = *to;
            lease.reserved_until = None;
        }
        let mut charged: BTreeMap<u32, u64> = BTreeMap::new();
        for (product, quantity) in quote::paid(bill) {
            *charged.entry(self.product(product)).or_default() += quantity;
        }
        found.check(extended == charged, "lease", || {
            let leases: Vec<i64> = moved.iter().map(|moved| moved.lease.0).collect();
            format!("entry {at} extends leases {leases:?} and charges for others or other counts")
        });
    }

    fn ended(&mut self, entry: &Entry, id: LeaseId, until: Option<Time>, found: &mut Findings) {
        let at = entry.id.0;
        let Some(lease) = self.owned(id, entry, found) else { return };
        found.check(lease.state == LeaseState::Active, "lease", || {
            format!("entry {at} ends lease {}, which has ended", id.0)
        });
        let end = lease.ends_at;
        found.check(end <= entry.at, "lease", || {
            format!("entry {at} ends lease {} before its end at {}", id.0, end.millis())
        });
        found.check(until.is_none_or(|until| end < until), "lease", || {
            format!("entry {at} reserves the address of lease {} until before its end", id.0)
        });
        lease.state = LeaseState::Reserved;
        lease.reserved_until = until;
    }

    fn released(&mut self, entry: &Entry, id: LeaseId, found: &mut Findings) {
        let at = entry.id.0;
        let Some(lease) = self.owned(id, entry, found) else { return };
        found.check(lease.state == LeaseState::Reserved, "lease", || {
            format!("entry {at} releases lease {}, which has not ended or is over", id.0)
        });
        let until = lease.reserved_until.unwrap_or(lease.ends_at);
        found.check(until <= entry.at, "lease", || {
            format!("entry {at} releases lease {} before {}", id.0, until.millis())
        });
        lease.state = LeaseState::Over;
        lease.auto_extend = None;
        lease.renew_card = None;
        let address = lease.address;
        if self.holders.get(&address) == Some(&id) {
            self.holders.remove(&address);
        }
    }

    /// The old address goes back and the new one comes, both to a lease that is live.
    fn replaced(&mut self, entry: &Entry, replaced: Replaced, found: &mut Findings) {
        let (at, Replaced { lease: id, from, to }) = (entry.id.0, replaced);
        let Some(lease) = self.owned(id, entry, found) else { return };
        let live = lease.state == LeaseState::Active && entry.at < lease.ends_at;
        found.check(live, "lease", || {
            format!("entry {at} replaces the address of lease {}, which is not live", id.0)
        });
        let again = lease.replaced_at.is_some_and(|last| entry.at < last + REPLACED_AGAIN);
        found.check(!again, "lease", || {
            format!("entry {at} replaces the address of lease {} again within a day", id.0)
        });
        found.check(lease.address == from && from != to, "address", || {
            let (from, has) = (from.0, lease.address.0);
            format!("entry {at} replaces address {from} of lease {}, which has {has}", id.0)
        });
        let had = std::mem::replace(&mut lease.address, to);
        lease.replaced_at = Some(entry.at);
        if self.holders.get(&had) == Some(&id) {
            self.holders.remove(&had);
        }
        self.grant(entry, id, to, found);
    }

    /// The lease that an entry names, if it was granted, and to the customer of the entry.
    fn owned(&mut self, id: LeaseId, entry: &Entry, found: &mut Findings) -> Option<&mut Proven> {
        let (at, name) = (entry.id.0, entry.event.name());
        let Some(lease) = self.proven.get_mut(&id) else {
            found
                .note("orphan", format!("entry {at} ({name}) names lease {}, never granted", id.0));
            return None;
        };
        found.check(lease.customer == entry.customer, "lease", || {
            let (asked, owner) = (entry.customer.0, lease.customer.0);
            format!("entry {at} ({name}) of customer {asked} names lease {} of {owner}", id.0)
        });
        Some(lease)
    }

    pub(super) fn lease(&mut self, lease: &Lease, found: &mut Findings) {
        let id = lease.id.0;
        let Some(proven) = self.proven.get_mut(&lease.id) else {
            found.note("orphan", format!("lease {id} was never granted"));
            return;
        };
        proven.compared = true;
        let product = usize::try_from(proven.product).ok().and_then(|at| self.products.get(at));
        let differs = [
            ("order", lease.order != proven.order),
            ("customer", lease.customer != proven.customer),
            ("product", product != Some(&lease.product)),
            ("address", lease.address != proven.address),
            ("state", lease.state != proven.state),
            ("start", lease.starts_at != proven.starts_at),
            ("end", lease.ends_at != proven.ends_at),
            ("reserve", lease.reserved_until != proven.reserved_until),
            ("replacement", lease.replaced_at != proven.replaced_at),
            ("auto-extend", lease.auto_extend != proven.auto_extend),
            ("card", lease.renew_card != proven.renew_card),
        ];
        for (what, _) in differs.iter().filter(|(_, differs)| *differs) {
            let detail =
                format!("the {what} of lease {id} is not what the journal makes: {lease:?}");
            found.note("lease", format!("{detail}, but {proven:?}"));
        }
        let latest = match lease.state {
            LeaseState::Active => lease.ends_at,
            LeaseState::Reserved => lease.reserved_until.unwrap_or(lease.ends_at),
            LeaseState::Over => Time::FAR,
        };
        found.check(lease.look_at <= latest, "due", || {
            let (look_at, latest) = (lease.look_at.millis(), latest.millis());
            format!("lease {id} is looked at only at {look_at}, though due at {latest}")
        });
    }

    pub(super) fn address(
        &mut self,
        address: AddressId,
        holder: Option<LeaseId>,
        found: &mut Findings,
    ) {
        let proven = self.holders.remove(&address);
        found.check(holder == proven, "address", || {
            let show = |lease: Option<LeaseId>| lease.map(|lease| lease.0);
            let (kept, proven, address) = (show(holder), show(proven), address.0);
            format!("address {address} is kept for lease {kept:?}, by the journal for {proven:?}")
        });
    }

    pub(super) fn finish(&self, found: &mut Findings) {
        for (id, _) in self.proven.iter().filter(|(_, proven)| !proven.compared) {
            found.note("orphan", format!("lease {} was granted but does not exist", id.0));
        }
        for (address, lease) in &self.holders {
            let (address, lease) = (address.0, lease.0);
            found.note("orphan", format!("address {address} of lease {lease} does not exist"));
        }
    }
}
