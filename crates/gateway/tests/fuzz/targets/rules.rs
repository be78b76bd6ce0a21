//! What operators write about destinations: prefixes, names and ports. What is read is what was written,
//! and sets made of it hold what they should.

use std::net::IpAddr;

use gateway::policy::{List, Names};
use gateway::ranges::{Prefix, RangeSet};
use gateway::target::Name;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(list) = List::read(text) {
        // Every line that says something closes something.
        let closes = list.names.len() + list.prefixes.len() + list.ports.len();
        let said = |line: &&str| !line.split('#').next().unwrap_or_default().trim().is_empty();
        assert_eq!(closes, text.lines().filter(said).count());
        assert!(Names::new(list.names.iter().map(String::as_str)).is_ok());
        assert!(list.ports.iter().all(|ports| *ports.start() > 0 && !ports.is_empty()));
    }
    let prefixes: Vec<Prefix> = text.lines().filter_map(|line| line.parse().ok()).collect();
    for prefix in &prefixes {
        let again = format!("{}/{}", prefix.first(), prefix.length());
        assert_eq!(again.parse(), Ok(*prefix));
        assert!(prefix.contains(prefix.first()));
    }
    let set = RangeSet::new(prefixes.iter().copied());
    let left = set.without(&RangeSet::new(prefixes.iter().take(1).copied()));
    for address in prefixes.iter().flat_map(|prefix| around(prefix.first())) {
        let is_in = |prefixes: &[Prefix]| prefixes.iter().any(|prefix| prefix.contains(address));
        assert_eq!(set.contains(address), is_in(&prefixes));
        assert_eq!(left.contains(address), is_in(&prefixes) && !is_in(&prefixes[..1]));
    }
    if let Ok(names) = Names::new(text.lines()) {
        for line in text.lines() {
            let name = line.trim_start_matches("*.").trim_start_matches('.');
            let Some(name) = Name::new(name.as_bytes()) else { panic!("{line:?}") };
            assert!(names.contains(&name) || line.starts_with("*."));
        }
    }
}

/// An address and its neighbours.
fn around(ip: IpAddr) -> [IpAddr; 3] {
    let step = |by: i8| match ip {
        IpAddr::V4(ip) => IpAddr::V4(ip.to_bits().wrapping_add_signed(by.into()).into()),
        IpAddr::V6(ip) => IpAddr::V6(ip.to_bits().wrapping_add_signed(by.into()).into()),
    };
    [step(-1), ip, step(1)]
}
