//! Leases as their customers see them.

use std::sync::Arc;

use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::lease::{Lease, LeaseState, Standing};
use domain::order::Order;
use domain::proxy::Proxy;
use domain::time::Time;

use super::books::{Books, Exit};
use super::size;
use crate::records::ProxyFilter;

impl Books {
    pub(super) fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Vec<Proxy> {
        let wanted = if filter.in_reserve { Standing::InReserve } else { Standing::Live };
        let all = self.shown(customer).filter(|it| self.standing(it, now) == wanted);
        let of_kind = all.filter(|it| filter.kind.is_none_or(|kind| kind == it.lease.product.kind));
        let behind = of_kind.filter(|it| after.is_none_or(|after| after < it.lease.id));
        behind.take(size(limit)).collect()
    }

    pub(super) fn proxies_of(
        &self,
        customer: CustomerId,
        ids: &[LeaseId],
        now: Time,
    ) -> Vec<Proxy> {
        let wanted = self.shown(customer).filter(|it| ids.contains(&it.lease.id));
        wanted.filter(|it| self.standing(it, now) != Standing::Over).collect()
    }

    pub(super) fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> u64 {
        let live = self.shown(customer).filter(|it| it.lease.state == LeaseState::Active);
        let count = live.filter(|proxy| proxy.lease.product.kind == kind).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    pub(super) fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Vec<Proxy> {
        let live = self.shown(customer).filter(|it| self.standing(it, now) == Standing::Live);
        let of_kind = live.filter(|proxy| proxy.lease.product.kind == kind);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        of_kind.skip(offset).take(size(limit)).collect()
    }

    /// All leases of a customer, by id, as he sees them.
    fn shown(&self, customer: CustomerId) -> impl Iterator<Item = Proxy> {
        let of = move |lease: &&Lease| lease.customer == customer;
        self.leases.values().filter(of).map(|lease| {
            let Exit { address, modem, .. } = &self.addresses[&lease.address];
            Proxy {
                lease: lease.clone(),
                order: self.order(lease.order),
                ip: address.ip,
                gateway: address.gateway.clone(),
                port: address.port,
                modem: modem.clone(),
                reboot_epoch: self.reboot_epochs.get(&lease.id).copied().unwrap_or(0),
            }
        })
    }

    /// What a lease is worth at `now`.
    fn standing(&self, proxy: &Proxy, now: Time) -> Standing {
        proxy.lease.standing(now, self.catalogue.reserve(&proxy.lease.product))
    }

    /// The order, with what lists show of who may use it now.
    pub(super) fn order(&self, id: OrderId) -> Arc<Order> {
        let order = &self.orders[&id];
        let shown = self.authorisations.values().find(|it| it.order == id && it.shown);
        let access = shown.map(|shown| shown.access.clone());
        match order.access == access {
            true => Arc::clone(order),
            false => Arc::new(Order { access, ..Order::clone(order) }),
        }
    }
}
