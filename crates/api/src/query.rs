//! Queries and percent-encoding.

use std::borrow::Cow;

/// The value of `name` in `query`: the empty text if it is missing, `None` if it is there with
/// different values, which leaves open what is meant.
pub(crate) fn value<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let mut found: Option<Cow<'q, str>> = None;
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(key, true) != name {
            continue;
        }
        let value = decoded(value, true);
        match &found {
            Some(earlier) if *earlier != value => return None,
            _ => found = Some(value),
        }
    }
    Some(found.unwrap_or(Cow::Borrowed("")))
}

/// Undoes percent-encoding once, and in a query `+` for a space. What is no encoding stays as it
/// is; what is no UTF-8 then cannot be meant, and becomes a replacement character.
pub(crate) fn decoded(text: &str, in_query: bool) -> Cow<'_, str> {
    let encoded = |byte| byte == b'%' || (in_query && byte == b'+');
    if !text.bytes().any(encoded) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let decoded = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(if in_query && *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_decoded_name() {
        let query = "a=1&proxy%54ype=IP%76%34&b=x+y&a=1&c=1&c=2&d";
        assert_eq!(value(query, "proxyType").unwrap(), "IPv4");
        assert_eq!(value(query, "b").unwrap(), "x y");
        assert_eq!(value(query, "a").unwrap(), "1");
        assert_eq!(value(query, "c"), None);
        assert_eq!(value(query, "d").unwrap(), "");
        assert_eq!(value(query, "e").unwrap(), "");
        assert_eq!(value("", "a").unwrap(), "");
    }

    #[test]
    fn what_is_no_encoding_stays() {
        for (text, expected) in [("%", "%"), ("%4", "%4"), ("%+1", "%+1"), ("%41%zz", "A%zz")] {
            assert_eq!(decoded(text, false), expected);
        }
        assert_eq!(decoded("%ff", false), "\u{fffd}");
    }
}
