//! Between the dialect's words and the shop's.

use std::borrow::Cow;

use bytes::Bytes;
use domain::ids::{LeaseId, OrderId};
use domain::period::{PeriodCode, PeriodWish};
use domain::public_id::PublicIds;
use serde_json::{Map, Value};
use wire::lenient::Field;
use wire::proxyseller::id::Id;

use super::{Version, order_number};
use crate::query;

/// A coupon that is none: what a member that could not be read is taken for, so that it is answered
/// as any other wrong one.
const NO_COUPON: &str = "\u{7f}";

/// A body as it is read. Nothing at all, `null` and an empty list, which some languages make of an
/// empty object, are an empty object.
pub(super) fn body(body: Bytes) -> Bytes {
    match body.trim_ascii() {
        b"" | b"null" | b"[]" => Bytes::from_static(b"{}"),
        _ => body,
    }
}

/// The parameters of a query in the form of a body: texts, or lists where one is there repeatedly.
pub(super) fn query_as_body(query: &str) -> Bytes {
    if query.is_empty() {
        return Bytes::from_static(b"{}");
    }
    let mut members = Map::new();
    for (name, value) in pairs(query) {
        let value = Value::String(value.into_owned());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(other) => *other = Value::Array(vec![other.take(), value]),
        }
    }
    Bytes::from(Value::Object(members).to_string())
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match query::decoded(name, true) {
            Cow::Borrowed(name) => Cow::Borrowed(name.strip_suffix("[]").unwrap_or(name)),
            Cow::Owned(name) => Cow::Owned(name.strip_suffix("[]").unwrap_or(&name).to_owned()),
        };
        (name, query::decoded(value, true))
    })
}

/// The value of a parameter of a query: of several, the last. Nothing, and what some languages make
/// of nothing, is none.
pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let (_, value) = pairs(query).filter(|(it, _)| it == name).last()?;
    let nothing = ["", "null", "None", "undefined"].contains(&value.trim());
    Some(value).filter(|_| !nothing)
}

/// A parameter of a query that counts from one.
pub(super) fn ordinal(query: &str, name: &str) -> Option<u64> {
    wire::lenient::digits(&parameter(query, name)?).filter(|number| *number > 0)
}

/// Whether a parameter of a query is set.
pub(super) fn is_set(query: &str, name: &str) -> bool {
    parameter(query, name).is_some_and(|value| {
        ["y", "yes", "1", "true"].contains(&value.trim().to_ascii_lowercase().as_str())
    })
}

/// What a thing is called that has an id or a code: of two that are given, the first.
pub(super) fn either<'f>(first: &'f Field<String>, second: &'f Field<String>) -> &'f Field<String> {
    if first.is_absent() { second } else { first }
}

/// A number that fits; one that does not is as good as none, since nothing is that large.
pub(super) fn number(number: &Field<u64>) -> Option<u32> {
    number.given().and_then(|number| u32::try_from(*number).ok())
}

/// The period that a code names, under either name.
pub(super) fn period(code: &Field<String>, id: &Field<String>) -> PeriodWish {
    let code = either(code, id).given().and_then(|code| PeriodCode::read(code));
    code.map_or(PeriodWish::Unreadable, PeriodWish::Code)
}

/// A coupon as it is looked up.
pub(super) fn coupon(code: &Field<String>) -> Option<String> {
    match code {
        Field::Absent => None,
        Field::Bad => Some(NO_COUPON.to_owned()),
        Field::Given(code) => Some(code.clone()),
    }
}

/// The leases that a list names; `None` if one of its ids cannot be ours, or it names none.
pub(super) fn leases(ids: &PublicIds, list: &Field<Vec<String>>) -> Option<Vec<LeaseId>> {
    list.given()?.iter().map(|text| ids.read_lease(text)).collect()
}

/// The orders that a list names; `None` if one of its names cannot be ours, or it names none.
pub(super) fn orders(ids: &PublicIds, list: &Field<Vec<String>>) -> Option<Vec<OrderId>> {
    list.given()?.iter().map(|text| order_number::read(ids, text)).collect()
}

/// A lease as a version calls it.
pub(super) fn lease_id(ids: &PublicIds, version: Version, lease: LeaseId) -> Id {
    match version {
        Version::V1 => Id::Number(ids.lease_number(lease)),
        Version::V2 => Id::Text(ids.lease(lease)),
    }
}

/// An order as a version calls it.
pub(super) fn order_id(ids: &PublicIds, version: Version, order: OrderId) -> Id {
    match version {
        Version::V1 => Id::Number(ids.order_number(order)),
        Version::V2 => Id::Text(ids.order(order)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_a_body_would_be() {
        let read = |query| String::from_utf8(query_as_body(query).to_vec()).unwrap();
        assert_eq!(read(""), "{}");
        assert_eq!(read("id=7&ext=%login%:%41&id=7"), r#"{"ext":"%login%:A","id":["7","7"]}"#);
        assert_eq!(read("ids[]=1&ids%5B%5D=2&&x"), r#"{"ids":["1","2"],"x":""}"#);
    }

    #[test]
    fn the_last_of_several_parameters_counts() {
        let query = "a=1&a=2&b=null&c=&d&e=%20x+&latest=Y&ends=n";
        assert_eq!(parameter(query, "a").as_deref(), Some("2"));
        for nothing in ["b", "c", "d", "f"] {
            assert_eq!(parameter(query, nothing), None, "{nothing}");
        }
        assert_eq!(parameter(query, "e").as_deref(), Some(" x "));
        assert!(is_set(query, "latest") && !is_set(query, "ends") && !is_set(query, "x"));
    }

    #[test]
    fn no_body_is_an_empty_one() {
        for nothing in ["", " \r\n", "null", "[]", "{}"] {
            assert_eq!(body(Bytes::from(nothing)), "{}");
        }
        assert_eq!(body(Bytes::from_static(b"[1]")), "[1]");
    }
}
