//! What things cost. The same function makes the quote and the charge.

use std::collections::BTreeMap;

use crate::catalogue::Catalogue;
use crate::kind::ProxyKind;
use crate::money::{Exact, Money, Percent, UnitPrice};
use crate::period::Period;
use crate::product::ProductKey;
use crate::promo::PromoOutcome;
use crate::refusal::Refusal;

/// The full price working for an order or extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is bought, a line for each product.
    pub lines: Vec<QuoteLine>,
    /// What became of the promo code.
    pub promo: PromoOutcome,
    /// What is taken off in all, as a share of the list price.
    pub discount: Percent,
    /// The price.
    pub total: Money,
    /// What was in the wallet before.
    pub balance: Money,
    /// The version of the catalogue whose prices these are.
    pub catalogue: i64,
}

/// A line of a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteLine {
    /// What.
    pub product: ProductKey,
    /// For how long.
    pub period: Period,
    /// How many addresses.
    pub quantity: u32,
    /// The list price of one for the whole period.
    pub unit: UnitPrice,
    /// What is taken off for the number and the length, before any promo code.
    pub discount: Percent,
}

impl Quote {
    /// What one address costs with all discounts taken off, on average if there are several
    /// products, rounded half up to a millionth. For showing: what is charged is the total, which is
    /// rounded once for all.
    pub fn unit_after_discounts(&self) -> UnitPrice {
        let (mut sum, mut count) = (0_i128, 0_i128);
        for line in &self.lines {
            let rest = line.discount.plus(self.promo.discount()).rest();
            let quantity = i128::from(line.quantity);
            sum += i128::from(line.unit.micros()) * quantity * i128::from(rest);
            count += quantity;
        }
        let whole = 10_000 * count.max(1);
        let micros = i64::try_from((2 * sum + whole) / (2 * whole)).ok();
        micros.and_then(UnitPrice::from_micros).expect("an average is no more than the largest")
    }

    /// The total shared out among groups of what is bought, each so many of a product, by what they
    /// cost. The shares are whole minor units and add up to the total. For showing: what is charged
    /// is the total.
    pub fn shares(&self, groups: &[(&ProductKey, u32)]) -> Vec<Money> {
        let weight = |(product, quantity): &(&ProductKey, u32)| {
            let line = self.lines.iter().find(|line| line.product == **product);
            let line = line.or(self.lines.first());
            line.map_or(0, |line| {
                let rest = line.discount.plus(self.promo.discount()).rest();
                i128::from(line.unit.micros()) * i128::from(*quantity) * i128::from(rest)
            })
        };
        let weights: Vec<i128> = groups.iter().map(weight).collect();
        let (whole, total) = (weights.iter().sum::<i128>(), i128::from(self.total.minor()));
        let (mut so_far, mut shared) = (0, 0);
        let share = |weight: &i128| {
            so_far += weight;
            let until = if whole == 0 { 0 } else { total * so_far / whole };
            let share = until - std::mem::replace(&mut shared, until);
            let minor = i64::try_from(share).expect("a share is no more than the whole");
            Money::from_minor(minor, self.total.currency())
        };
        weights.iter().map(share).collect()
    }

    /// The same, unless a promo code was named that cannot be used: nobody pays the full price who
    /// meant not to.
    pub(crate) fn with_promo(self) -> Result<Quote, Refusal> {
        match self.promo {
            PromoOutcome::NotApplicable => Err(Refusal::PromoNotApplicable),
            _ => Ok(self),
        }
    }

    /// The quote as it was when it was refused because so much was missing in a wallet with this
    /// balance.
    pub fn when_short(self, balance: Money, missing: Money) -> Quote {
        let total = Money::from_minor(balance.minor() + missing.minor(), balance.currency());
        Quote { total, balance, ..self }
    }

    /// How much of the total the balance does not cover, if so.
    ///
    /// Pricing never fails for lack of money: in one dialect it is a warning, in another an error.
    pub fn shortfall(&self) -> Option<Money> {
        let missing = self.total.minor() - self.balance.minor();
        (missing > 0).then(|| Money::from_minor(missing, self.total.currency()))
    }
}

/// What is bought.
#[derive(Clone, Copy, Debug)]
pub struct Basket<'a> {
    /// How many addresses of each product; all are of one kind.
    pub items: &'a BTreeMap<ProductKey, u32>,
    /// The kind.
    pub kind: ProxyKind,
    /// For how long.
    pub period: Period,
    /// What became of the promo code.
    pub promo: PromoOutcome,
}

/// Prices `basket` for a wallet with `balance`.
///
/// Volume, period and promo discounts add up. The total is rounded once, half up: rounding each
/// line would charge up to half a minor unit a line too much.
pub fn quote(catalogue: &Catalogue, basket: Basket<'_>, balance: Money) -> Result<Quote, Refusal> {
    let currency = balance.currency();
    let quantity = basket.items.values().sum();
    let volume = catalogue.volume_discount(basket.kind, quantity);
    let (mut list, mut net, mut lines) = (Exact::default(), Exact::default(), Vec::new());
    for (product, quantity) in basket.items {
        let price =
            catalogue.price(product, basket.period, currency).ok_or(Refusal::PeriodNotOnSale)?;
        let discount = price.discount.plus(volume);
        list = list.plus(Exact::of(price.unit, *quantity, Percent::ZERO));
        net = net.plus(Exact::of(price.unit, *quantity, discount.plus(basket.promo.discount())));
        lines.push(QuoteLine {
            product: product.clone(),
            period: basket.period,
            quantity: *quantity,
            unit: price.unit,
            discount,
        });
    }
    let total = net.round(currency).ok_or(Refusal::BadQuantity)?;
    let discount = net.below(list);
    let promo = basket.promo;
    Ok(Quote { lines, promo, discount, total, balance, catalogue: catalogue.version })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::{PriceList, Product, Terms};
    use crate::ids::PromoId;
    use crate::limits::Limits;
    use crate::money::Currency;
    use crate::ports::PortRules;
    use crate::time::Span;

    /// IPv4 in the USA at `per_day` and, for 30 days, at a price of its own; 5 % off from ten
    /// addresses on, 20 % from a hundred; 10 % off from 90 days on.
    fn catalogue(per_day: &str, thirty: Option<&str>) -> Catalogue {
        let percent = |text| Percent::parse(text).unwrap();
        let key = ProductKey::parse("IPv4/USA").unwrap();
        let list = PriceList {
            per_period: thirty
                .map(|text| (30, UnitPrice::parse(text).unwrap()))
                .into_iter()
                .collect(),
            per_day: UnitPrice::parse(per_day),
        };
        let terms = Terms {
            periods: [30, 90].map(|days| Period::from_days(days).unwrap()).into(),
            quantity_min: 1,
            quantity_max: 1000,
            renew_lead: Span::DAY,
            renew_retry: Span::HOUR,
            cooling: Span::DAY,
            volume_discounts: vec![(10, percent("5")), (100, percent("20"))],
            period_discounts: vec![(90, percent("10"))],
            limits: Limits::default(),
            ports: PortRules::default(),
        };
        let prices = [(Currency::USD, list)].into();
        let product = Product {
            key: key.clone(),
            prices,
            reserve: Span::DAY,
            limits: Limits::default(),
            ports: PortRules::default(),
            on_sale: true,
        };
        Catalogue {
            version: 1,
            terms: [(ProxyKind::Ipv4, terms)].into(),
            products: [(key, product)].into(),
            ..Catalogue::default()
        }
    }

    fn priced(catalogue: &Catalogue, quantity: u32, days: u32, promo: &str) -> Quote {
        let promo = match Percent::parse(promo).unwrap() {
            Percent::ZERO => PromoOutcome::Absent,
            discount => PromoOutcome::Applied { promo: PromoId(1), discount },
        };
        let items = [(ProductKey::parse("IPv4/USA").unwrap(), quantity)].into();
        let period = Period::from_days(days).unwrap();
        let basket = Basket { items: &items, kind: ProxyKind::Ipv4, period, promo };
        quote(catalogue, basket, Money::from_minor(1000, Currency::USD)).unwrap()
    }

    #[track_caller]
    fn check(quantity: u32, days: u32, promo: &str, total: &str, discount: &str) {
        let quote = priced(&catalogue("0.05", Some("1.31")), quantity, days, promo);
        assert_eq!(
            (quote.total.decimal(), quote.discount.to_string()),
            (total.into(), discount.into())
        );
    }

    #[test]
    fn discounts_add_up_and_the_total_is_rounded_once() {
        check(1, 30, "0", "1.31", "0");
        check(1, 90, "0", "4.05", "10");
        // 13.10 less 5 % = 12.445.
        check(10, 30, "0", "12.45", "5");
        check(10, 90, "5", "36.00", "20");
        check(100, 90, "100", "0.00", "100");
    }

    #[test]
    fn the_price_of_one_is_what_is_left_of_the_list_price() {
        let unit = |quantity, days, promo| {
            let quote = priced(&catalogue("0.05", Some("1.31")), quantity, days, promo);
            quote.unit_after_discounts().to_string()
        };
        assert_eq!(unit(1, 30, "0"), "1.31");
        assert_eq!(unit(10, 30, "0"), "1.2445");
        assert_eq!(unit(10, 90, "5"), "3.60");
        assert_eq!(unit(1, 30, "100"), "0.00");
    }

    #[test]
    fn a_total_is_shared_out_by_what_things_cost() {
        let key = |text| ProductKey::parse(text).unwrap();
        let (usa, deu) = (key("IPv4/USA"), key("IPv4/DEU"));
        let mut catalogue = catalogue("0.05", Some("1.31"));
        let mut dearer = catalogue.products[&usa].clone();
        dearer.key = deu.clone();
        dearer.prices.get_mut(&Currency::USD).unwrap().per_period =
            [(30, UnitPrice::parse("2.62").unwrap())].into();
        catalogue.products.insert(deu.clone(), dearer);
        let items = [(usa.clone(), 3), (deu.clone(), 1)].into();
        let period = Period::from_days(30).unwrap();
        let promo = PromoOutcome::Absent;
        let basket = Basket { items: &items, kind: ProxyKind::Ipv4, period, promo };
        let quote = quote(&catalogue, basket, Money::from_minor(1000, Currency::USD)).unwrap();
        let shares = |groups: &[(&ProductKey, u32)]| -> Vec<i64> {
            quote.shares(groups).into_iter().map(Money::minor).collect()
        };
        assert_eq!(quote.total.minor(), 655);
        assert_eq!(shares(&[(&usa, 3), (&deu, 1)]), [393, 262]);
        assert_eq!(shares(&[(&usa, 1), (&deu, 1), (&usa, 2)]), [131, 262, 262]);
        assert_eq!(shares(&[]), [0; 0]);
    }

    #[test]
    fn a_period_without_a_price_is_not_on_sale() {
        let catalogue = catalogue("0.05", None);
        let items = [(ProductKey::parse("IPv4/DEU").unwrap(), 1)].into();
        let period = Period::from_days(30).unwrap();
        let promo = PromoOutcome::Absent;
        let basket = Basket { items: &items, kind: ProxyKind::Ipv4, period, promo };
        let balance = Money::from_minor(0, Currency::USD);
        assert_eq!(quote(&catalogue, basket, balance), Err(Refusal::PeriodNotOnSale));
    }

    proptest! {
        #[test]
        fn shortfall_and_balance_cover_the_total(quantity in 1u32..1000, promo in 0u32..=100) {
            let quote = priced(&catalogue("0.0777", None), quantity, 30, &promo.to_string());
            let missing = quote.shortfall().map_or(0, Money::minor);
            prop_assert!(quote.total.minor() <= quote.balance.minor() + missing);
            prop_assert!(missing == 0 || quote.total.minor() == quote.balance.minor() + missing);
        }

        #[test]
        fn shares_add_up(
            groups in prop::collection::vec(1u32..40, 1..9), promo in 0u32..=100,
            micros in 0i64..5_000_000,
        ) {
            let price = UnitPrice::from_micros(micros).unwrap().to_string();
            let catalogue = catalogue("1", Some(&price));
            let key = ProductKey::parse("IPv4/USA").unwrap();
            let whole = groups.iter().sum();
            let quote = priced(&catalogue, whole, 30, &promo.to_string());
            let groups: Vec<_> = groups.into_iter().map(|quantity| (&key, quantity)).collect();
            let shares = quote.shares(&groups);
            let fair = |(share, (_, quantity)): (&Money, &(&ProductKey, u32))| {
                let exact = quote.total.minor() * i64::from(*quantity);
                (share.minor() * i64::from(whole) - exact).abs() < i64::from(whole)
            };
            prop_assert!(shares.iter().zip(&groups).all(fair));
            let sum: i64 = shares.into_iter().map(Money::minor).sum();
            prop_assert_eq!(sum, quote.total.minor());
        }

        #[test]
        fn splitting_an_order_gains_at_most_half_a_cent_a_part(
            micros in 1i64..5_000_000, one in 1u32..5, two in 1u32..5,
        ) {
            let price = UnitPrice::from_micros(micros).unwrap().to_string();
            let catalogue = catalogue("1", Some(&price));
            let whole = priced(&catalogue, one + two, 30, "0").total.minor();
            let parts = priced(&catalogue, one, 30, "0").total.minor()
                + priced(&catalogue, two, 30, "0").total.minor();
            prop_assert!((whole - parts).abs() <= 1);
        }

        #[test]
        fn a_larger_promo_never_costs_more(quantity in 1u32..200, promo in 0u32..100) {
            let catalogue = catalogue("0.0777", None);
            let less = priced(&catalogue, quantity, 90, &promo.to_string()).total.minor();
            let more = priced(&catalogue, quantity, 90, &(promo + 1).to_string()).total.minor();
            prop_assert!(more <= less);
        }
    }
}
