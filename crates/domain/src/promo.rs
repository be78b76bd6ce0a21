//! Promo codes: shares taken off, for a time, for so many uses.

use crate::ids::{CustomerId, PromoId};
use crate::kind::ProxyKind;
use crate::money::Percent;
use crate::time::Time;

/// A promo code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promo {
    /// The id.
    pub id: PromoId,
    /// What customers type, upper case; compared without regard to letter case.
    pub code: String,
    /// What is taken off.
    pub discount: Percent,
    /// From when on it can be used.
    pub starts_at: Time,
    /// When it ends; `None` is endless.
    pub ends_at: Option<Time>,
    /// How often it can be used in all; `None` is without limit.
    pub max_uses: Option<u32>,
    /// How often each customer can use it; `None` is without limit.
    pub per_customer: Option<u32>,
    /// For which kinds; empty is all.
    pub kinds: Vec<ProxyKind>,
    /// Whether it can be used for orders.
    pub for_orders: bool,
    /// Whether it can be used for extensions.
    pub for_extensions: bool,
    /// Whose code it is; `None` is everybody's.
    pub customer: Option<CustomerId>,
    /// What it is, by locale (`en`).
    pub descriptions: Vec<(String, String)>,
    /// How often it was used.
    pub uses: u32,
}

/// What is bought, as far as promo codes care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purchase {
    /// A new order.
    Order,
    /// An extension.
    Extension,
}

/// What became of the promo code of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromoOutcome {
    /// None was named.
    Absent,
    /// It is taken off.
    Applied {
        /// Which.
        promo: PromoId,
        /// How much.
        discount: Percent,
    },
    /// It cannot be used here: unknown, early, late, used up, or not meant for this.
    NotApplicable,
}

impl PromoOutcome {
    /// What is taken off.
    pub fn discount(self) -> Percent {
        match self {
            PromoOutcome::Applied { discount, .. } => discount,
            PromoOutcome::Absent | PromoOutcome::NotApplicable => Percent::ZERO,
        }
    }
}

impl Promo {
    /// The longest code.
    pub const CODE_LENGTH_MAX: usize = 64;

    /// Whether `customer`, who has used it `used` times, may use it now for this.
    pub fn applies(
        &self,
        customer: CustomerId,
        used: u32,
        kind: ProxyKind,
        purchase: Purchase,
        now: Time,
    ) -> bool {
        let for_this = match purchase {
            Purchase::Order => self.for_orders,
            Purchase::Extension => self.for_extensions,
        };
        for_this
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.is_open_to(customer, used, now)
    }

    /// Whether `customer`, who has used it `used` times, may use it now for anything.
    pub fn is_open_to(&self, customer: CustomerId, used: u32, now: Time) -> bool {
        self.customer.is_none_or(|owner| owner == customer)
            && self.starts_at <= now
            && self.ends_at.is_none_or(|end| now < end)
            && self.max_uses.is_none_or(|most| self.uses < most)
            && self.per_customer.is_none_or(|most| used < most)
    }
}

/// A code as it is kept and compared: trimmed, ASCII upper case. `None` if nothing is left or it
/// cannot be one.
pub fn normal_code(code: &str) -> Option<String> {
    let code = code.trim();
    let fits = (1..=Promo::CODE_LENGTH_MAX).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| code.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SPRING`: ten per cent off IPv4 orders between 100 and 200, thrice in all, once each.
    fn spring() -> Promo {
        Promo {
            id: PromoId(1),
            code: "SPRING".into(),
            discount: Percent::parse("10").unwrap(),
            starts_at: Time::from_millis(100),
            ends_at: Some(Time::from_millis(200)),
            max_uses: Some(3),
            per_customer: Some(1),
            kinds: vec![ProxyKind::Ipv4],
            for_orders: true,
            for_extensions: false,
            customer: None,
            descriptions: vec![],
            uses: 2,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Promo), used: u32, now: i64, expected: bool) {
        let mut promo = spring();
        change(&mut promo);
        let now = Time::from_millis(now);
        let applies = promo.applies(CustomerId(1), used, ProxyKind::Ipv4, Purchase::Order, now);
        assert_eq!(applies, expected);
    }

    #[test]
    fn a_code_applies_within_its_window_limits_and_purpose() {
        check(|_| (), 0, 100, true);
        check(|_| (), 0, 99, false);
        check(|_| (), 0, 199, true);
        check(|_| (), 0, 200, false);
        check(|promo| promo.ends_at = None, 0, 999, true);
        check(|_| (), 1, 150, false);
        check(|promo| promo.uses = 3, 0, 150, false);
        check(|promo| promo.max_uses = None, 0, 150, true);
        check(|promo| promo.kinds = vec![ProxyKind::Isp], 0, 150, false);
        check(|promo| promo.kinds.clear(), 0, 150, true);
        check(|promo| promo.for_orders = false, 0, 150, false);
        check(|promo| promo.customer = Some(CustomerId(2)), 0, 150, false);
        check(|promo| promo.customer = Some(CustomerId(1)), 0, 150, true);
    }

    #[test]
    fn codes_are_compared_trimmed_and_without_letter_case() {
        assert_eq!(normal_code(" spring-5 ").as_deref(), Some("SPRING-5"));
        for bad in ["", "  ", "a b", "ÄÖ", &"x".repeat(65)] {
            assert_eq!(normal_code(bad), None);
        }
    }
}
