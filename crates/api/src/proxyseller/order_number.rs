//! The numbers of orders, for people: `<order>_<check>` in v1, `NS_<order>-<check>` in v2.
//!
//! Either is read in both versions, with or without the mark that it gets when it is prolonged.

use domain::ids::OrderId;
use domain::order::Order;
use domain::proxy::Proxy;
use domain::public_id::PublicIds;
use domain::time::Time;

use super::Version;

/// What stands between a number and the mark of a prolongation.
const PROLONGED: &str = "_e_";

/// The number of an order that stays as it is.
pub(super) fn base(ids: &PublicIds, version: Version, order: OrderId) -> String {
    let number = ids.order_number(order);
    match version {
        Version::V1 => format!("{number}_{}", check_digits(number)),
        Version::V2 => format!("NS_{number}-{}", check_letters(number)),
    }
}

/// The number of a proxy's order that changes whenever the proxy is prolonged.
pub(super) fn of(ids: &PublicIds, version: Version, proxy: &Proxy) -> String {
    current(ids, version, &proxy.order, proxy.lease.ends_at)
}

/// The number of an order that ends then.
pub(super) fn current(ids: &PublicIds, version: Version, order: &Order, ends_at: Time) -> String {
    if ends_at == order.created_at + order.period.span() {
        return base(ids, version, order.id);
    }
    prolonged(ids, version, order.id, ends_at)
}

/// The number of an order that was prolonged until then.
pub(super) fn prolonged(
    ids: &PublicIds,
    version: Version,
    order: OrderId,
    ends_at: Time,
) -> String {
    let base = base(ids, version, order);
    let end = u64::try_from(ends_at.millis()).unwrap_or(0);
    format!("{base}{PROLONGED}{:08x}", mixed(end) >> 32)
}

/// The order that a number or an id names.
pub(super) fn read(ids: &PublicIds, text: &str) -> Option<OrderId> {
    let text = text.split_once(PROLONGED).map_or(text, |(base, _)| base);
    let number = if let Some(rest) = text.strip_prefix("NS_") {
        let (number, check) = rest.split_once('-')?;
        let digits: u64 = number.parse().ok()?;
        (check == check_letters(digits)).then_some(number)?
    } else if let Some((number, check)) = text.split_once('_') {
        let digits: u64 = number.parse().ok()?;
        (check == check_digits(digits)).then_some(number)?
    } else {
        text
    };
    ids.read_order(number)
}

/// Eight digits that a mistyped number does not have.
fn check_digits(number: u64) -> String {
    format!("{}", 10_000_000 + mixed(number) % 90_000_000)
}

/// Two letters that a mistyped number does not have.
fn check_letters(number: u64) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = |shift: u32| {
        let at = usize::try_from((mixed(number) >> shift) % 32).expect("five bits fit");
        char::from(LETTERS[at])
    };
    [letter(50), letter(55)].iter().collect()
}

/// Spreads a number over 64 bits. Hides nothing: the number beside it is disguised already.
pub(super) fn mixed(number: u64) -> u64 {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread ^ (spread >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_found_by_every_form_of_its_number() {
        let ids = PublicIds::new([7; 16]);
        for id in [0, 1, 41, 1 << 40] {
            let order = OrderId(id);
            for version in [Version::V1, Version::V2] {
                let base = base(&ids, version, order);
                assert_eq!(read(&ids, &base), Some(order), "{base}");
                assert_eq!(read(&ids, &format!("{base}_e_0123abcd")), Some(order));
            }
            assert_eq!(read(&ids, &ids.order(order)), Some(order));
            assert_eq!(read(&ids, &ids.order_number(order).to_string()), Some(order));
        }
    }

    #[test]
    fn a_mistyped_number_is_none() {
        let ids = PublicIds::new([7; 16]);
        let number = base(&ids, Version::V1, OrderId(41));
        let other = base(&ids, Version::V1, OrderId(42));
        let swapped = [number.split('_').next().unwrap(), other.split('_').nth(1).unwrap()];
        for wrong in [swapped.join("_").as_str(), "NS_1-zz", "NS_1", "1_1", "", "_", "NS_-"] {
            assert_eq!(read(&ids, wrong), None, "{wrong}");
        }
    }
}
