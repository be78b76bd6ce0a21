//! Where leases may use more or less at gateways than the catalogue says.

use std::collections::BTreeMap;

use domain::ids::CustomerId;
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};

use super::books::Books;

impl Books {
    pub(super) fn change_exception(
        &mut self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Option<Exception> {
        self.keys_version += 1;
        let fitting = |id| self.leases.get(&id).filter(|it| change.fits(it.state));
        let customer = match whose {
            ExceptionFor::Customer(id) => self.customers.get(&id).map(|customer| customer.id),
            ExceptionFor::Lease(id) => fitting(id).map(|lease| lease.customer),
        };
        let exceptions = self.exceptions.entry(customer?).or_default();
        let said = match whose {
            ExceptionFor::Customer(_) => &mut exceptions.customer,
            ExceptionFor::Lease(id) => exceptions.leases.entry(id).or_default(),
        };
        *said = said.changed(change);
        let said = *said;
        exceptions.leases.retain(|_, exception| !exception.is_empty());
        self.exceptions.retain(|_, exceptions| !exceptions.is_empty());
        Some(said)
    }

    pub(super) fn exceptions(
        &self,
        customer: Option<CustomerId>,
    ) -> BTreeMap<CustomerId, Exceptions> {
        let mut all = self.exceptions.clone();
        all.retain(|id, _| customer.is_none_or(|customer| customer == *id));
        all
    }
}
