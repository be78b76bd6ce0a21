//! Lists of destinations that an operator closes, as files.

use std::ops::RangeInclusive;

use crate::policy::Names;
use crate::ranges::Prefix;
use crate::target::Name;

/// What a list closes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Names, as [`Names`] reads them.
    pub names: Vec<String>,
    /// Addresses.
    pub prefixes: Vec<Prefix>,
    /// Ports.
    pub ports: Vec<RangeInclusive<u16>>,
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: {text:?} is not a name such as example.com, .example.com or *.example.com, an \
     address, a prefix such as 192.0.2.0/24, nor a port such as port 6667 or port 6660-6669"
)]
pub struct ListError {
    /// Which line, the first being 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

impl List {
    /// Reads a list: something to close on each line, and comments behind `#`.
    pub fn read(text: &str) -> Result<List, ListError> {
        let mut list = List::default();
        for (number, line) in text.lines().enumerate() {
            let said = line.split_once('#').map_or(line, |(said, _)| said).trim();
            if !said.is_empty() && list.add(said).is_none() {
                let text = said.chars().take(100).collect();
                return Err(ListError { line: number + 1, text });
            }
        }
        Ok(list)
    }

    fn add(&mut self, said: &str) -> Option<()> {
        // The word alone is a slip of the pen too.
        let ports = said
            .strip_prefix("port")
            .filter(|rest| rest.trim_start().len() < rest.len() || rest.is_empty());
        if let Some(ports) = ports {
            self.ports.push(ports_in(ports.trim_start())?);
        } else if let Ok(prefix) = said.parse() {
            self.prefixes.push(prefix);
        } else {
            // What looks like an address and is none is a slip of the pen, not a name.
            Names::new([said]).ok()?;
            let bare = said.trim_start_matches("*.").trim_start_matches('.');
            Name::new(bare.as_bytes())?;
            self.names.push(said.to_owned());
        }
        Some(())
    }
}

/// Reads `80` or `8000-8999`.
fn ports_in(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok()).flatten().filter(|port| *port > 0)
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    (first <= last).then_some(first..=last)
}

/// Some ports, such as `993` or `8000-8999`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange(pub RangeInclusive<u16>);

impl std::str::FromStr for PortRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PortRange, &'static str> {
        ports_in(text).map(PortRange).ok_or("not a port or a range such as 8000-8999")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_it_closes() {
        let text = "\u{20}# nothing\n\nexample.com # a shop\n.example.net\n*.example.org\r\n\
            192.0.2.0/24\n2001:db8::1\nport 6667\nport 6660-6669\n";
        let list = List::read(text).unwrap();
        assert_eq!(list.names, ["example.com", ".example.net", "*.example.org"]);
        assert_eq!(list.prefixes.len(), 2);
        assert_eq!(list.ports, [6667..=6667, 6660..=6669]);
        assert_eq!(List::read("").unwrap(), List::default());
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_line() {
        for wrong in [
            "a b",
            "192.0.2.1/24",
            "10.0.0.0/33",
            "port",
            "port 0",
            "port 70000",
            "port 9-8",
            "port +80",
            "http://example.com",
            "example.com:80",
            "*",
            "10.0.0.256",
        ] {
            let error = List::read(&format!("example.com\n\n{wrong} # why")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (3, wrong));
        }
    }
}
