//! Between the dialect's words and the shop's.

use domain::ids::{LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::money::{Money, Percent};
use domain::period::PeriodWish;
use domain::promo::PromoOutcome;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::select::Selection;
use wire::lenient::Field;
use wire::number::Number;
use wire::youproxy::balance::Account;
use wire::youproxy::promo_code::PromoCodeStatus;
use wire::youproxy::proxy_type::ProxyType;

use super::stop::Stop;
use crate::query;

/// What stands in front of the digits of an order's number.
const NUMBER: &str = "NUMBER-";

/// A promo code that is no code: what a member that could not be read is taken for, so that it is
/// answered as any other wrong one.
const NO_CODE: &str = "\u{7f}";

/// The period of so many days.
pub(super) fn period(days: &Field<u64>) -> PeriodWish {
    number(days).map_or(PeriodWish::Unreadable, PeriodWish::Days)
}

/// The kind that a request names, if it is one.
pub(super) fn kind(name: &Field<String>) -> Option<ProxyKind> {
    name.given().and_then(|name| ProxyKind::from_name(name))
}

/// The kind that a query names. `None` if it names none.
pub(super) fn kind_in(query: &str) -> Result<Option<ProxyKind>, Stop> {
    let wrong = || Stop::refused(&Refusal::UnknownKind);
    let name = query::value(query, "proxyType").ok_or_else(wrong)?;
    if name.is_empty() {
        return Ok(None);
    }
    ProxyKind::from_name(&name).map(Some).ok_or_else(wrong)
}

/// The kind that a query must name.
pub(super) fn required_kind_in(query: &str) -> Result<ProxyKind, Stop> {
    kind_in(query)?.ok_or_else(|| Stop::refused(&Refusal::UnknownKind))
}

/// A kind as this dialect writes it.
pub(super) fn proxy_type(kind: ProxyKind) -> ProxyType {
    match kind {
        ProxyKind::Ipv4 => ProxyType::Ipv4,
        ProxyKind::Ipv6 => ProxyType::Ipv6,
        ProxyKind::Mobile => ProxyType::Mobile,
        ProxyKind::Isp => ProxyType::Isp,
    }
}

/// A number that fits; one that does not is as good as none, since nothing is that large.
pub(super) fn number(number: &Field<u64>) -> Option<u32> {
    number.given().and_then(|number| u32::try_from(*number).ok())
}

/// A promo code as it is looked up.
pub(super) fn promo(code: &Field<String>) -> Option<String> {
    match code {
        Field::Absent => None,
        Field::Bad => Some(NO_CODE.to_owned()),
        Field::Given(code) => Some(code.clone()),
    }
}

/// The leases that a list names; none at all if one of its ids cannot be ours.
pub(super) fn leases(ids: &PublicIds, list: &Field<Vec<String>>) -> Selection {
    let lease = |text: &String| ids.read_lease(text);
    let leases: Option<Vec<LeaseId>> =
        list.given().and_then(|list| list.iter().map(lease).collect());
    Selection::Leases(leases)
}

/// The orders that a list names by their ids or numbers, each once.
pub(super) fn orders(ids: &PublicIds, list: &Field<Vec<String>>) -> Option<Vec<OrderId>> {
    let mut orders = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for text in list.given()? {
        let number = text.get(..NUMBER.len()).filter(|it| it.eq_ignore_ascii_case(NUMBER));
        let digits = number.map(|_| &text[NUMBER.len()..]);
        let order = match digits {
            // Only the digits: an order's id is not behind a number.
            Some(digits) if digits.len() > 16 => None,
            Some(digits) => ids.read_order(digits),
            None => ids.read_order(text),
        }?;
        if seen.insert(order) {
            orders.push(order);
        }
    }
    Some(orders)
}

/// The number of an order, for people.
pub(super) fn order_number(ids: &PublicIds, order: OrderId) -> String {
    format!("{NUMBER}{}", ids.order_number(order))
}

/// Money as a number.
pub(super) fn amount(money: Money) -> Number {
    Number::from_minor(money.minor(), money.currency().decimals())
}

/// A share in per cent as a number.
pub(super) fn percent(percent: Percent) -> Number {
    Number::from_minor(percent.hundredths().into(), 2)
}

/// What is in a wallet.
pub(super) fn account(balance: Money) -> Account {
    Account { balance: amount(balance), currency: balance.currency().code().to_owned() }
}

/// What became of a promo code.
pub(super) fn promo_status(promo: PromoOutcome) -> Option<PromoCodeStatus> {
    match promo {
        PromoOutcome::Absent => None,
        PromoOutcome::Applied { .. } => Some(PromoCodeStatus::Valid),
        PromoOutcome::NotApplicable => Some(PromoCodeStatus::NoValid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_id_or_number_and_counted_once() {
        let ids = PublicIds::new([7; 16]);
        let order = OrderId(41);
        let number = order_number(&ids, order);
        let names = vec![ids.order(order), number.clone(), number.to_lowercase()];
        assert_eq!(orders(&ids, &Field::Given(names)), Some(vec![order]));
        for wrong in ["NUMBER-", "NUMBER-x", &format!("NUMBER-{}", ids.order(order)), "number"] {
            assert_eq!(orders(&ids, &Field::Given(vec![wrong.to_owned()])), None, "{wrong}");
        }
        assert_eq!(orders(&ids, &Field::Absent), None);
    }
}
