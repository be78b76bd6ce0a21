//! `POST proxy/comment/set`

use serde::{Deserialize, Serialize};

use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};

/// Body of `POST proxy/comment/set`. Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CommentRequest {
    /// The proxies, of whatever sections.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ids: Field<Vec<String>>,
    /// What is written beside them; nothing takes back what is there.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub comment: Field<String>,
}

impl CommentRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<CommentRequest, Unreadable> {
        let [ids, comment] = members(body, ["ids", "comment"])?;
        Ok(CommentRequest { ids: lenient::names(ids), comment: lenient::text(comment) })
    }
}

/// Data of `POST proxy/comment/set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// Beside how many proxies it was written.
    pub updated: u32,
}

/// A text without what a browser would take for tags.
///
/// A tag begins with `<` unless a space, a digit or the end follows, and ends with the next `>`, or
/// with the text. What is left has no tags either, since a `<` is left only with what follows it.
pub fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let next = tag[1..].chars().next();
        if next.is_none_or(|next| next.is_whitespace() || next.is_ascii_digit()) {
            let kept = 1 + next.map_or(0, char::len_utf8);
            out.push_str(&tag[..kept]);
            rest = &tag[kept..];
        } else {
            rest = tag.find('>').map_or("", |end| &tag[end + 1..]);
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_removed_and_nothing_else() {
        for (text, expected) in [
            ("for prices", "for prices"),
            ("<b>for</b> prices", "for prices"),
            ("1 < 2 > 0, i <3 u", "1 < 2 > 0, i <3 u"),
            ("a<", "a<"),
            ("a<img src=x onerror=alert(1)", "a"),
            ("<<b>script>x", "script>x"),
            ("<!-- x -->y<?php ?>z", "yz"),
            ("< <b>b>", "< b>"),
            ("grün<br/>ü", "grünü"),
        ] {
            assert_eq!(without_tags(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_be_removed(text in "[<>/ab !3 ü]{0,40}") {
            let once = without_tags(&text);
            prop_assert_eq!(without_tags(&once), once);
        }
    }
}
