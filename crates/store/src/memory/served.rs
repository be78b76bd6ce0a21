//! Leases as gateways have to know them.

use std::sync::Arc;

use domain::rotation::Dialer;
use domain::served::{Place, Served, Through};

use super::books::{Books, Exit};
use super::size;
use crate::records::Touched;

impl Books {
    pub(super) fn served(&self, after: Option<Place>, limit: u32) -> Vec<Served> {
        let mut list = self.all_served();
        list.retain(|served| after.is_none_or(|after| after < served.place()));
        list.truncate(size(limit));
        list
    }

    pub(super) fn served_of(&self, touched: &Touched) -> Vec<Served> {
        let mut list = self.all_served();
        list.retain(|served| {
            touched.leases.contains(&served.lease)
                || touched.orders.contains(&served.order)
                || touched.customers.contains(&served.customer)
                || served.modem.as_ref().is_some_and(|it| touched.modems.contains(&it.name))
        });
        list
    }

    /// All leases that are not over, by their places.
    fn all_served(&self) -> Vec<Served> {
        let served = self.not_over().map(|lease| {
            let Exit { address, modem, .. } = &self.addresses[&lease.address];
            let of_order = self.authorisations.values().filter(|it| it.order == lease.order);
            let exceptions = self.exceptions.get(&lease.customer);
            Served {
                lease: lease.id,
                order: lease.order,
                customer: lease.customer,
                suspended: self.customers[&lease.customer].suspended,
                kind: lease.product.kind,
                product: Arc::new(lease.product.clone()),
                protocol: self.orders[&lease.order].protocol,
                ip: address.ip,
                modem: modem.as_ref().map(|name| Box::new(self.through(name))),
                gateway: address.gateway.as_str().into(),
                port: address.port,
                ends_at: lease.ends_at,
                access: of_order.filter(|it| it.active).map(|it| it.access.clone()).collect(),
                exception: exceptions.and_then(|it| it.told_of(lease.id)),
            }
        });
        let mut list: Vec<Served> = served.collect();
        list.sort_by_key(Served::place);
        list
    }

    /// A modem, as far as it matters for traffic.
    fn through(&self, name: &str) -> Through {
        let (dialer, _) = self.dialer(name);
        let Dialer { name, exit, exits, dialing, .. } = dialer;
        Through { name, exit, exits, dialing }
    }
}
