//! Promo codes.

use domain::ids::{CustomerId, PromoId};
use domain::promo::Promo;

use super::books::Books;
use super::next;
use crate::records::NewPromo;

impl Books {
    pub(super) fn create_promo(&mut self, new: &NewPromo) -> Option<PromoId> {
        if self.promos.values().any(|promo| promo.code == new.code) {
            return None;
        }
        let id = PromoId(next(self.promos.keys().map(|id| id.0)));
        let new = new.clone();
        let promo = Promo {
            id,
            code: new.code,
            discount: new.discount,
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            max_uses: new.max_uses,
            per_customer: new.per_customer,
            kinds: new.kinds,
            for_orders: new.for_orders,
            for_extensions: new.for_extensions,
            customer: new.customer,
            descriptions: new.descriptions,
            uses: 0,
        };
        self.promos.insert(id, promo);
        Some(id)
    }

    pub(super) fn promos(&self) -> Vec<Promo> {
        self.promos.values().cloned().collect()
    }

    pub(super) fn promos_of(&self, customer: CustomerId) -> Vec<(Promo, u32)> {
        let his = self.promos.values().filter(|it| it.customer.is_none_or(|id| id == customer));
        let used = |promo: &Promo| self.promo_uses.get(&(promo.id, customer)).copied();
        his.map(|promo| (promo.clone(), used(promo).unwrap_or(0))).collect()
    }
}
