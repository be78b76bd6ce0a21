//! Promo codes: used as often and by whom as they allow, for what they are worth.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{CustomerId, PromoId};
use domain::journal::{Bill, Entry};
use domain::kind::ProxyKind;
use domain::money::Percent;
use domain::promo::{Promo, PromoOutcome, Purchase};
use domain::time::Time;

use super::Findings;

#[derive(Debug, Default)]
pub(super) struct Promos {
    codes: BTreeMap<PromoId, Uses>,
    by_customer: BTreeMap<(PromoId, CustomerId), Count>,
}

/// What the journal says of a code.
#[derive(Debug)]
struct Uses {
    count: u64,
    discounts: BTreeSet<Percent>,
    kinds: BTreeSet<ProxyKind>,
    first: Time,
    last: Time,
    orders: bool,
    extensions: bool,
    compared: bool,
}

#[derive(Debug, Default)]
struct Count {
    uses: u32,
    compared: bool,
}

impl Promos {
    pub(super) fn used(&mut self, entry: &Entry, bill: &Bill, purchase: Purchase) {
        let PromoOutcome::Applied { promo, discount } = bill.quote.promo else { return };
        let uses = self.codes.entry(promo).or_insert(Uses {
            count: 0,
            discounts: BTreeSet::new(),
            kinds: BTreeSet::new(),
            first: entry.at,
            last: entry.at,
            orders: false,
            extensions: false,
            compared: false,
        });
        uses.count += 1;
        uses.discounts.insert(discount);
        uses.kinds.extend(bill.quote.lines.iter().map(|line| line.product.kind));
        uses.first = uses.first.min(entry.at);
        uses.last = uses.last.max(entry.at);
        match purchase {
            Purchase::Order => uses.orders = true,
            Purchase::Extension => uses.extensions = true,
        }
        self.by_customer.entry((promo, entry.customer)).or_default().uses += 1;
    }

    pub(super) fn promo(&mut self, promo: &Promo, found: &mut Findings) {
        let (id, code) = (promo.id.0, &promo.code);
        let count = self.codes.get(&promo.id).map_or(0, |uses| uses.count);
        found.check(u64::from(promo.uses) == count, "promo", || {
            format!("promo code {id} ({code}) counts {} uses, the journal {count}", promo.uses)
        });
        let Some(uses) = self.codes.get_mut(&promo.id) else { return };
        uses.compared = true;
        let most = promo.max_uses.map_or(u64::MAX, u64::from);
        found.check(count <= most, "promo", || {
            format!("promo code {id} ({code}) was used {count} times of {most} allowed")
        });
        found.check(uses.discounts.iter().all(|it| *it == promo.discount), "promo", || {
            format!("promo code {id} ({code}) was taken for another share than {}", promo.discount)
        });
        let within =
            promo.starts_at <= uses.first && promo.ends_at.is_none_or(|end| uses.last < end);
        found.check(within, "promo", || {
            format!("promo code {id} ({code}) was used before its start or after its end")
        });
        let meant = (promo.for_orders || !uses.orders)
            && (promo.for_extensions || !uses.extensions)
            && (promo.kinds.is_empty() || uses.kinds.iter().all(|kind| promo.kinds.contains(kind)));
        found.check(meant, "promo", || {
            format!("promo code {id} ({code}) was used for what it is not meant for")
        });
        let most = promo.per_customer.unwrap_or(u32::MAX);
        let all = (promo.id, CustomerId(i64::MIN))..=(promo.id, CustomerId(i64::MAX));
        for ((_, customer), count) in self.by_customer.range(all) {
            found.check(count.uses <= most, "promo", || {
                let (customer, uses) = (customer.0, count.uses);
                format!(
                    "customer {customer} used promo code {id} ({code}) {uses} times of {most} \
                     allowed"
                )
            });
            found.check(promo.customer.is_none_or(|owner| owner == *customer), "promo", || {
                format!("customer {} used promo code {id} ({code}) of another", customer.0)
            });
        }
    }

    pub(super) fn promo_use(
        &mut self,
        promo: PromoId,
        customer: CustomerId,
        uses: u32,
        found: &mut Findings,
    ) {
        let proven = self.by_customer.get_mut(&(promo, customer)).map_or(0, |count| {
            count.compared = true;
            count.uses
        });
        found.check(uses == proven, "promo", || {
            let (promo, customer) = (promo.0, customer.0);
            format!(
                "promo code {promo} counts {uses} uses by customer {customer}, the journal {proven}"
            )
        });
    }

    pub(super) fn finish(&self, found: &mut Findings) {
        for (promo, _) in self.codes.iter().filter(|(_, uses)| !uses.compared) {
            found.note("orphan", format!("promo code {} was used but does not exist", promo.0));
        }
        for ((promo, customer), _) in self.by_customer.iter().filter(|(_, it)| !it.compared) {
            let (promo, customer) = (promo.0, customer.0);
            found.note(
                "promo",
                format!("the uses of promo code {promo} by customer {customer} are not kept"),
            );
        }
    }
}
