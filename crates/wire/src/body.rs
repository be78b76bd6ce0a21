//! The body of a request, taken apart into the members that somebody has asked for.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The body is no JSON object, or says the same thing twice.
///
/// It does not say where or why: nothing of a body belongs in an answer or a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not a readable JSON object")
    }
}

impl std::error::Error for Unreadable {}

/// The texts of the members called `names`, in that order; other members are skipped.
///
/// A name may be spelled in any letter case, since the reference itself does not keep to one. The
/// exact spelling wins over another. The same spelling twice, or two wrong ones, leave open what
/// is meant, and that is for the client to settle.
///
/// Values are only skimmed here, without recursion, so that no depth of nesting can hurt; one that
/// turns out to be of the wrong type spoils its own field and no other.
pub(crate) fn members<'a, const N: usize>(
    body: &'a [u8],
    names: [&'static str; N],
) -> Result<[Option<&'a RawValue>; N], Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let found = json.deserialize_map(Members { names: &names }).map_err(|_| Unreadable)?;
    json.end().map_err(|_| Unreadable)?;
    Ok(found)
}

struct Members<'n, const N: usize> {
    names: &'n [&'static str; N],
}

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut exact = [None; N];
        let mut respelled = [None; N];
        while let Some(name) = map.next_key_seed(Name { names: self.names })? {
            let place = match name {
                Known::Exact(index) => &mut exact[index],
                Known::Respelled(index) => &mut respelled[index],
                Known::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if place.replace(map.next_value::<&RawValue>()?).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        for (exact, respelled) in exact.iter_mut().zip(respelled) {
            *exact = exact.or(respelled);
        }
        Ok(exact)
    }
}

/// Looks a name up while it is read, so that the names nobody knows take no memory.
struct Name<'n> {
    names: &'n [&'static str],
}

enum Known {
    Exact(usize),
    Respelled(usize),
    Other,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Known;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Known, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Known, E> {
        if let Some(index) = self.names.iter().position(|known| *known == name) {
            return Ok(Known::Exact(index));
        }
        let respelled = self.names.iter().position(|known| known.eq_ignore_ascii_case(name));
        Ok(respelled.map_or(Known::Other, Known::Respelled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_json_object_and_nothing_else() {
        for body in [
            "",
            " ",
            "{",
            "{\"a\":",
            "[]",
            "null",
            "\"x\"",
            "7",
            "true",
            "[1,2]",
            "{} {}",
            "{}x",
            "{\"a\":1,}",
            "{\"a\":030}",
            "{\"a\":NaN}",
            "{'a':1}",
            "{\"a\":1/**/}",
            "\u{feff}{}",
            "{\"a\":1}\0",
            "{\"z\":\"\u{1}\"}",
        ] {
            check(body, Err(Unreadable));
        }
        assert_eq!(members(b"{\"z\":\"\xff\"}", ["a"]).map(|_| ()), Err(Unreadable));
        check(" {} \r\n\t", Ok([None, None]));
    }

    #[test]
    fn a_known_member_is_there_once() {
        check(r#"{"a":1,"a":1}"#, Err(Unreadable));
        check(r#"{"a":1,"\u0061":1}"#, Err(Unreadable));
        check(r#"{"other":1,"other":2,"a":1}"#, Ok([Some("1"), None]));
    }

    #[test]
    fn the_exact_spelling_wins_wherever_it_stands() {
        check(r#"{"BOTHids":1}"#, Ok([None, Some("1")]));
        check(r#"{"BothIds":1,"bothIds":2}"#, Ok([None, Some("2")]));
        check(r#"{"bothIds":2,"BothIds":1}"#, Ok([None, Some("2")]));
        check(r#"{"BothIds":1,"bothIDs":2}"#, Err(Unreadable));
        check(r#"{"BothIds":1,"bothIds":2,"BothIds":1}"#, Err(Unreadable));
    }

    #[test]
    fn no_depth_of_an_unknown_member_hurts() {
        for depth in [100, 500_000] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            check(&format!(r#"{{"z":{open}{close},"a":1}}"#), Ok([Some("1"), None]));
            check(&format!(r#"{{"z":{open},"a":1}}"#), Err(Unreadable));
        }
    }

    #[track_caller]
    fn check(body: &str, expected: Result<[Option<&str>; 2], Unreadable>) {
        let found = members(body.as_bytes(), ["a", "bothIds"]);
        assert_eq!(found.map(|found| found.map(|raw| raw.map(RawValue::get))), expected);
    }
}
