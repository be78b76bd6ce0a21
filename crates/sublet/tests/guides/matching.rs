//! Whether something was printed as the guide says.
//!
//! What differs from run to run is written `…` in a guide.

use serde_json::Value;

use crate::markdown::Prints;

/// What stands for anything.
const ANY: &str = "…";

/// Compares what was printed with what the guide says; the error says where they differ.
pub(crate) fn check(says: &Prints, printed: &str) -> Result<(), String> {
    match says {
        Prints::Json(says) => {
            let says = serde_json::from_str(says)
                .map_err(|error| format!("the guide's JSON is malformed: {error}"))?;
            let printed = serde_json::from_str(printed)
                .map_err(|error| format!("what was printed is not a JSON value: {error}"))?;
            json(&says, &printed, "")
        }
        Prints::Text(says) => match text(&tidy(says), &tidy(printed)) {
            true => Ok(()),
            false => Err("the texts differ".to_owned()),
        },
    }
}

/// Members may come in any order, and numbers are compared by their value. The text "…" stands for
/// any value; within a text, it stands for any part of it. As a member `"…": "…"` it stands for any
/// further members, as the last of a list for any further values.
fn json(says: &Value, printed: &Value, at: &str) -> Result<(), String> {
    let differ = || Err(format!("at {at}/ the guide says {says}, printed was {printed}"));
    match (says, printed) {
        (Value::String(any), _) if any == ANY => Ok(()),
        (Value::String(says), Value::String(printed)) if text(says, printed) => Ok(()),
        (Value::Number(says), Value::Number(printed)) if says.as_f64() == printed.as_f64() => {
            Ok(())
        }
        (Value::Array(says), Value::Array(printed)) => {
            let open = says.len() > 1 && says.last().is_some_and(|last| last == ANY);
            let named = if open { &says[..says.len() - 1] } else { says };
            if printed.len() < named.len() || (!open && named.len() < printed.len()) {
                return differ();
            }
            let mut pairs = named.iter().zip(printed).zip(0..);
            pairs.try_for_each(|((says, printed), index): (_, usize)| {
                json(says, printed, &format!("{at}/{index}"))
            })
        }
        (Value::Object(says), Value::Object(printed)) => {
            for (name, says) in says.iter().filter(|(name, _)| *name != ANY) {
                let Some(printed) = printed.get(name) else {
                    return Err(format!("{at}/{name} was not printed"));
                };
                json(says, printed, &format!("{at}/{name}"))?;
            }
            let unsaid = printed.keys().find(|name| !says.contains_key(*name));
            match unsaid {
                Some(name) if !says.contains_key(ANY) => {
                    Err(format!("{at}/{name} is not in the guide"))
                }
                _ => Ok(()),
            }
        }
        _ if says == printed => Ok(()),
        _ => differ(),
    }
}

/// Whether `printed` is `says`, in which each `…` stands for anything.
fn text(says: &str, printed: &str) -> bool {
    let parts: Vec<&str> = says.split(ANY).map(str::trim).collect();
    let [first, between @ .., last] = parts.as_slice() else { return says == printed };
    let Some(mut left) = printed.strip_prefix(first) else { return false };
    for part in between {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

/// Lines without the blanks that only align them, and without empty ones.
fn tidy(text: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = text.lines().map(words).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_compared_by_structure() {
        for (says, printed, same) in [
            (r#"{"a":1,"b":null}"#, r#"{"b":null,"a":1.0}"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            (r#"{"a":"…"}"#, r#"{"a":[7]}"#, true),
            (r#"{"a":"…"}"#, r#"{"b":[7]}"#, false),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
            (r#"{"a":1,"…":"…"}"#, r#"{"a":1,"b":2}"#, true),
            (r#"{"a":1,"…":"…"}"#, r#"{"b":2}"#, false),
            (r#""NUMBER-…""#, r#""NUMBER-17""#, true),
            (r#""NUMBER-…""#, r#""17""#, false),
            ("[1,2]", "[1]", false),
            ("[1]", "[1,2]", false),
            (r#"["…"]"#, "[1,2]", false),
            (r#"["…"]"#, "[1]", true),
            (r#"[1,"…"]"#, "[1,2,3]", true),
            (r#"[1,"…"]"#, "[2,2,3]", false),
            ("[1]", "1", false),
            ("1", "1\n", true),
            ("true", "", false),
        ] {
            let checked = check(&Prints::Json(says.to_owned()), printed);
            assert_eq!(checked.is_ok(), same, "{says} {printed}: {checked:?}");
        }
    }

    #[test]
    fn a_difference_is_named_by_its_place() {
        let says = Prints::Json(r#"{"a":[{"b":1}]}"#.to_owned());
        let differs = check(&says, r#"{"a":[{"b":2}]}"#).unwrap_err();
        assert_eq!(differs, "at /a/0/b/ the guide says 1, printed was 2");
    }

    #[test]
    fn texts_may_leave_parts_open_and_be_aligned_otherwise() {
        for (says, printed, same) in [
            ("a\n", "a", true),
            ("a  b\n\nc", "a b\nc\n", true),
            ("a", "ab", false),
            ("a…", "abc", true),
            ("…c", "abc", true),
            ("a … c", "abc", true),
            ("a…b…c", "a1b2c", true),
            ("a…b…c", "a1c2c", false),
            ("…\nmiddle\n…", "first\nmiddle\nlast\n", true),
            ("aa…aa", "aaa", false),
            ("…", "", true),
            ("a", "", false),
        ] {
            let checked = check(&Prints::Text(says.to_owned()), printed);
            assert_eq!(checked.is_ok(), same, "{says:?} {printed:?}");
        }
    }
}
