//! Lists of names, matched on the boundary of a label.

use hashbrown::HashMap;

use crate::target::Name;

/// A list of names. `example.com` is that name, `*.example.com` every name below it, and
/// `.example.com` both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    listed: HashMap<Box<str>, Reach, foldhash::fast::RandomState>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reach {
    itself: bool,
    below: bool,
}

/// Why a text is not a pattern of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not a name, .name or *.name")]
pub struct NamesError {
    /// The text.
    pub pattern: String,
}

impl Names {
    /// Reads a list of patterns.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Names, NamesError> {
        let mut names = Names::default();
        for pattern in patterns {
            names.add(pattern).ok_or_else(|| NamesError { pattern: pattern.to_owned() })?;
        }
        Ok(names)
    }

    fn add(&mut self, pattern: &str) -> Option<()> {
        let (text, itself, below) = match (pattern.strip_prefix("*."), pattern.strip_prefix('.')) {
            (Some(text), _) => (text, false, true),
            (_, Some(text)) => (text, true, true),
            _ => (pattern, true, false),
        };
        let name = Name::new(text.as_bytes())?;
        let reach = self.listed.entry(name.as_str().into()).or_default();
        reach.itself |= itself;
        reach.below |= below;
        Some(())
    }

    /// Whether a pattern of the list fits the name.
    pub fn contains(&self, name: &Name) -> bool {
        if self.listed.is_empty() {
            return false;
        }
        let mut rest = name.as_str();
        if self.listed.get(rest).is_some_and(|reach| reach.itself) {
            return true;
        }
        while let Some((_, parent)) = rest.split_once('.') {
            if self.listed.get(parent).is_some_and(|reach| reach.below) {
                return true;
            }
            rest = parent;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_end_on_a_label() {
        let list = Names::new(["one.example", ".two.example", "*.three.example", "TLD"]).unwrap();
        let contains = |name: &str| list.contains(&Name::new(name.as_bytes()).unwrap());
        for name in [
            "one.example",
            "ONE.example.",
            "two.example",
            "a.two.example",
            "a.b.two.example",
            "a.three.example",
            "tld",
        ] {
            assert!(contains(name), "{name}");
        }
        for name in [
            "a.one.example",
            "evil-one.example",
            "evil-two.example",
            "one.example.com",
            "example",
            "three.example",
            "eviltwo.example",
            "a.tld",
            "wo.example",
        ] {
            assert!(!contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for pattern in ["", ".", "*.", "*", "a*.example", "127.0.0.1", "a b", "..a", "*.*.a"] {
            assert!(Names::new([pattern]).is_err(), "{pattern}");
        }
    }
}
