//! Customers and their wallets.

use std::collections::BTreeSet;

use domain::customer::Customer;
use domain::ids::{AccountId, CustomerId};
use domain::ledger::{FIRST_WALLET, Wallet};
use domain::money::Money;
use domain::time::Time;

use super::books::Books;
use super::{next, size};
use crate::records::NewCustomer;

impl Books {
    pub(super) fn create_customer(&mut self, new: &NewCustomer, now: Time) -> CustomerId {
        let id = CustomerId(next(self.customers.keys().map(|id| id.0)));
        let NewCustomer { name, email, currency } = new.clone();
        let suspended = false;
        let customer = Customer { id, name, email, currency, suspended, created_at: now };
        self.customers.insert(id, customer);
        let account = AccountId(FIRST_WALLET.0 + id.0);
        let balance = Money::from_minor(0, currency);
        self.wallets.insert(id, Wallet { account, customer: id, balance, version: 0 });
        id
    }

    pub(super) fn customer(&self, id: CustomerId) -> Option<(Customer, Wallet)> {
        self.customers.get(&id).map(|customer| (customer.clone(), self.wallets[&id]))
    }

    pub(super) fn customers(
        &self,
        after: Option<CustomerId>,
        limit: u32,
    ) -> Vec<(Customer, Wallet)> {
        let behind = self.customers.values().filter(|it| after.is_none_or(|after| after < it.id));
        let page = behind.take(size(limit));
        page.map(|customer| (customer.clone(), self.wallets[&customer.id])).collect()
    }

    pub(super) fn suspend_customer(&mut self, id: CustomerId, suspended: bool) -> bool {
        self.keys_version += 1;
        let customer = self.customers.get_mut(&id);
        customer.map(|customer| customer.suspended = suspended).is_some()
    }

    pub(super) fn suspended_customers(&self) -> BTreeSet<CustomerId> {
        let suspended = self.customers.values().filter(|customer| customer.suspended);
        suspended.map(|customer| customer.id).collect()
    }
}
