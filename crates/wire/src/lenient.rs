//! Generous readers of single members, and what they find.
//!
//! What a reader does not take is [`Field::Bad`]; it is never cut, rounded or made up.

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::decimal::{Decimal, is_digits};
use crate::number::Number;

/// The most distinct ids that one list may hold.
pub const IDS_MAX: usize = 10_000;

/// A member of a request.
///
/// A client builds `Given` values and leaves the others `Absent`, the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Field<T> {
    /// Not there, `null` or `""`, which all mean the same; for a list of ids also an empty list.
    #[default]
    Absent,
    /// There, but not to be understood as what the member is.
    Bad,
    /// There.
    Given(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub fn given(&self) -> Option<&T> {
        match self {
            Field::Given(value) => Some(value),
            Field::Absent | Field::Bad => None,
        }
    }

    /// Whether the client has left the member out.
    pub fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    /// Whether the client has sent something that is not to be understood.
    pub fn is_bad(&self) -> bool {
        matches!(self, Field::Bad)
    }

    /// Whether there is nothing to write; a request leaves such a member out.
    pub(crate) fn is_not_given(&self) -> bool {
        self.given().is_none()
    }

    fn from_checked(value: Option<T>) -> Field<T> {
        value.map_or(Field::Bad, Field::Given)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Field<T> {
        value.map_or(Field::Absent, Field::Given)
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given().serialize(serializer)
    }
}

/// A whole number from plain digits, spaces around them allowed: no sign, no leading zeros.
///
/// Also serves the query of an address, whose values are all texts.
pub fn digits(text: &str) -> Option<u64> {
    let text = text.trim_matches(' ');
    let plain = is_digits(text) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A text, just as it was sent.
pub(crate) fn text(raw: Option<&RawValue>) -> Field<String> {
    field(raw, |json| if json.starts_with('"') { unquote(json) } else { None })
}

/// A whole number: `30`, `30.0`, `3e1` or `"30"`.
pub(crate) fn whole_number(raw: Option<&RawValue>) -> Field<u64> {
    field(raw, |json| {
        if json.starts_with('"') {
            return digits(&unquote(json)?);
        }
        let number = Decimal::parse(json)?;
        if number.negative { None } else { number.magnitude() }
    })
}

/// `true` or `false`, and nothing that looks like them.
pub(crate) fn flag(raw: Option<&RawValue>) -> Field<bool> {
    field(raw, |json| serde_json::from_str(json).ok())
}

/// A list of ids: an array of strings and numbers, one of either, or one string with commas.
///
/// Ids are trimmed, empty ones dropped and repeated ones dropped but the first, so that nobody
/// pays twice for an address named twice. A `Given` list holds at least one id and at most
/// [`IDS_MAX`].
pub(crate) fn ids(raw: Option<&RawValue>) -> Field<Vec<String>> {
    list(raw, id)
}

/// A list of names, which are read as [`name`] reads one; else as [`ids`].
pub(crate) fn names(raw: Option<&RawValue>) -> Field<Vec<String>> {
    list(raw, one_name)
}

/// The name of something: a text, trimmed, or a whole number, however it is written. Clients that
/// know floats only send `785.0` for what they were told as `785`.
pub(crate) fn name(raw: Option<&RawValue>) -> Field<String> {
    let name = field(raw, one_name);
    match name {
        Field::Given(name) if name.trim().is_empty() => Field::Absent,
        Field::Given(name) => Field::Given(name.trim().to_owned()),
        name => name,
    }
}

/// `true` or `false`, `"Y"` or `"N"`, `1` or `0`, in any letter case.
pub(crate) fn switch(raw: Option<&RawValue>) -> Field<bool> {
    field(raw, |json| {
        let text = if json.starts_with('"') { unquote(json)? } else { json.to_owned() };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "y" | "yes" | "1" => Some(true),
            "false" | "n" | "no" | "0" => Some(false),
            _ => None,
        }
    })
}

/// An exact number with a fraction: `10.5` or `"10.5"`.
pub(crate) fn number(raw: Option<&RawValue>) -> Field<Number> {
    field(raw, |json| {
        let text = if json.starts_with('"') { unquote(json)? } else { json.to_owned() };
        Number::parse(text.trim())
    })
}

fn list(raw: Option<&RawValue>, read: fn(&str) -> Option<String>) -> Field<Vec<String>> {
    let list = field(raw, |json| {
        if json.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            return distinct(elements.into_iter().map(|element| read(element.get())));
        }
        let list = read(json)?;
        distinct(list.split(',').map(|id| Some(id.to_owned())))
    });
    match list {
        Field::Given(ids) if ids.is_empty() => Field::Absent,
        list => list,
    }
}

/// The text of one id. A number is taken digit by digit, since ids outgrow every float.
fn id(json: &str) -> Option<String> {
    if json.starts_with('"') {
        return unquote(json);
    }
    is_digits(json).then(|| json.to_owned())
}

/// A name, untrimmed.
fn one_name(json: &str) -> Option<String> {
    id(json).or_else(|| {
        let number = Decimal::parse(json).filter(|number| !number.negative)?;
        number.magnitude().map(|number| number.to_string())
    })
}

/// `None` if any id is unreadable, or if there are too many.
fn distinct(ids: impl Iterator<Item = Option<String>>) -> Option<Vec<String>> {
    let mut list = Vec::new();
    let mut seen = HashSet::new();
    for id in ids {
        let id = id?.trim_matches(' ').to_owned();
        if id.is_empty() || !seen.insert(id.clone()) {
            continue;
        }
        if list.len() == IDS_MAX {
            return None;
        }
        list.push(id);
    }
    Some(list)
}

fn field<T>(raw: Option<&RawValue>, read: impl FnOnce(&str) -> Option<T>) -> Field<T> {
    match raw.map(RawValue::get) {
        None | Some("null" | "\"\"") => Field::Absent,
        Some(json) => Field::from_checked(read(json)),
    }
}

/// The text of a JSON string.
///
/// Control characters have no place in anything a customer names, and do harm in logs and
/// terminals; half a surrogate pair is no text at all.
fn unquote(json: &str) -> Option<String> {
    let text: String = serde_json::from_str(json).ok()?;
    if text.chars().any(char::is_control) { None } else { Some(text) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::Field::{Absent, Bad, Given};
    use super::*;

    #[test]
    fn nothing_is_said_in_three_ways() {
        for json in ["null", "\"\""] {
            check(text, json, Absent);
            check(whole_number, json, Absent);
            check(flag, json, Absent);
            check(ids, json, Absent);
        }
        assert_eq!(text(None), Absent);
    }

    #[test]
    fn a_text_is_kept_as_it_is() {
        check(text, r#"" IPv4 ""#, Given(" IPv4 ".to_owned()));
        check(text, r#""Preis \"ü\" <b>""#, Given("Preis \"ü\" <b>".to_owned()));
        for json in ["4", "true", "[\"IPv4\"]", "{}", r#""a\u0000b""#, r#""\n""#, r#""\ud800""#] {
            check(text, json, Bad);
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for json in ["30", "30.0", "3e1", "3E+1", "300e-1", "\"30\"", "\" 30  \""] {
            check(whole_number, json, Given(30));
        }
        check(whole_number, "0", Given(0));
        check(whole_number, "0e999999999999", Given(0));
        check(whole_number, "18446744073709551615", Given(u64::MAX));
        check(whole_number, "1000000000", Given(1_000_000_000));
    }

    #[test]
    fn anything_else_is_no_whole_number() {
        for json in [
            "-30",
            "-0",
            "30.5",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
            "true",
            "[30]",
            "{}",
            "18446744073709551616",
            "\"thirty\"",
            "\"+30\"",
            "\"-30\"",
            "\"030\"",
            "\"30.0\"",
            "\"3e1\"",
            "\"0x1e\"",
            "\"3 0\"",
            "\" \"",
            "\"\\t30\"",
            "\"٣٠\"",
        ] {
            check(whole_number, json, Bad);
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        check(flag, "true", Given(true));
        check(flag, "false", Given(false));
        for json in ["1", "0", "\"true\"", "\"false\"", "[true]", "{}"] {
            check(flag, json, Bad);
        }
    }

    #[test]
    fn ids_come_in_many_forms() {
        check_ids(r#"["a4","a4b"]"#, &["a4", "a4b"]);
        check_ids(r#""a4,a4b""#, &["a4", "a4b"]);
        check_ids(r#"" a4 , ,a4b,""#, &["a4", "a4b"]);
        check_ids(r#"["b","a","b"," a ",""]"#, &["b", "a"]);
        check_ids("12", &["12"]);
        check_ids(
            "[12, \"12\", 123456789012345678901234567890]",
            &["12", "123456789012345678901234567890"],
        );
        check_ids(r#"["007"]"#, &["007"]);
        for json in ["[]", r#"[""]"#, r#"" , ""#] {
            check(ids, json, Absent);
        }
    }

    #[test]
    fn one_bad_id_spoils_the_list() {
        for json in [
            "[[\"a4\"]]",
            "[\"a4\",{}]",
            "[true]",
            "[null]",
            "[1.0]",
            "[1e3]",
            "[-1]",
            "-1",
            "1.5",
            "true",
            "{}",
            r#"["a4\u0000"]"#,
            r#""a4\n,a4b""#,
        ] {
            check(ids, json, Bad);
        }
    }

    #[test]
    fn a_name_may_be_a_number_in_any_spelling() {
        for json in ["785", "785.0", "7.85e2", "\"785\"", "\" 785 \""] {
            check(name, json, Given("785".to_owned()));
        }
        check(name, "4.503599627370495E15", Given("4503599627370495".to_owned()));
        check(name, "\"usa\"", Given("usa".to_owned()));
        check(name, "\"  \"", Absent);
        for json in ["-1", "1.5", "true", "[]", "{}", "1e400"] {
            check(name, json, Bad);
        }
        check(names, "[1.0, \"a\", 1]", Given(vec!["1".to_owned(), "a".to_owned()]));
        check(names, "\"b, a\"", Given(vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn a_switch_has_many_words() {
        for json in ["true", "\"Y\"", "\"y\"", "1", "\"1\"", "\"true\""] {
            check(switch, json, Given(true));
        }
        for json in ["false", "\"N\"", "0", "\"no\""] {
            check(switch, json, Given(false));
        }
        for json in ["2", "\"on it\"", "[]", "1.0"] {
            check(switch, json, Bad);
        }
    }

    #[test]
    fn an_amount_is_exact() {
        for json in ["10.5", "\"10.50\"", "105e-1", "\" 10.5\""] {
            check(number, json, Given(Number::from_minor(1050, 2)));
        }
        for json in ["\"ten\"", "true", "[]", "\"1,5\""] {
            check(number, json, Bad);
        }
    }

    #[test]
    fn a_list_of_ids_has_a_limit() {
        let list = |count| serde_json::to_string(&(0..count).collect::<Vec<usize>>()).unwrap();
        let raw = RawValue::from_string(list(IDS_MAX)).unwrap();
        assert_eq!(ids(Some(&raw)).given().map(Vec::len), Some(IDS_MAX));
        check(ids, &list(IDS_MAX + 1), Bad);
        check_ids(&format!("[{}7]", "7,".repeat(IDS_MAX)), &["7"]);
    }

    #[track_caller]
    fn check_ids(json: &str, expected: &[&str]) {
        check(ids, json, Given(expected.iter().map(|id| (*id).to_owned()).collect()));
    }

    #[track_caller]
    fn check<T: PartialEq + Debug>(
        read: impl Fn(Option<&RawValue>) -> Field<T>,
        json: &str,
        expected: Field<T>,
    ) {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(read(Some(&raw)), expected, "{json}");
    }
}
