//! The parts of orders: an order has one for each country that it is in.

use domain::country::Country;
use domain::ids::OrderId;
use domain::public_id::PublicIds;

use super::Version;
use super::order_number::mixed;

/// What a version calls the part of an order that is in a country. Nothing is asked by it, so it
/// need not be read back.
pub(super) fn name(ids: &PublicIds, version: Version, order: OrderId, country: Country) -> String {
    let part = (ids.order_number(order) << 10) | u64::from(country.numeric());
    let spread = mixed(mixed(part));
    // Below 2⁵², as all numbers of v1.
    let number = spread >> 12;
    match version {
        Version::V1 => number.to_string(),
        Version::V2 => format!("{number:013x}{:011x}", mixed(spread) >> 20),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_of_every_order_has_an_id_of_its_own() {
        let ids = PublicIds::new([7; 16]);
        let countries = ["USA", "CAN", "DEU"].map(|code| Country::from_alpha3(code).unwrap());
        let all = |version| {
            let orders = (0..1000).map(OrderId);
            let parts = orders.flat_map(|order| countries.map(|country| (order, country)));
            let named = parts.map(|(order, country)| name(&ids, version, order, country));
            named.collect::<BTreeSet<String>>()
        };
        let (v1, v2) = (all(Version::V1), all(Version::V2));
        assert_eq!((v1.len(), v2.len()), (3000, 3000));
        assert!(v1.iter().all(|text| text.parse::<u64>().unwrap() < 1 << 52));
        assert!(v2.iter().all(|text| text.len() == 24));
    }
}
