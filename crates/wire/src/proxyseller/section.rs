//! Sections: what this dialect calls a type of proxy.

use serde::{Deserialize, Serialize};

/// A section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Data-centre addresses.
    Ipv4,
    /// IPv6 exits behind a shared host.
    Ipv6,
    /// Modems.
    Mobile,
    /// Addresses of consumer networks.
    Isp,
    /// Packages of data-centre addresses in several countries.
    Mix,
    /// Packages of addresses of consumer networks in several countries.
    MixIsp,
    /// Residential traffic.
    Resident,
    /// Scraping, of v2.
    Scraper,
}

impl Section {
    /// All of them, in the order of lists.
    pub const ALL: [Section; 8] = [
        Section::Ipv4,
        Section::Ipv6,
        Section::Mobile,
        Section::Isp,
        Section::Mix,
        Section::MixIsp,
        Section::Resident,
        Section::Scraper,
    ];

    /// The name, as it is in paths and lists.
    pub fn name(self) -> &'static str {
        match self {
            Section::Ipv4 => "ipv4",
            Section::Ipv6 => "ipv6",
            Section::Mobile => "mobile",
            Section::Isp => "isp",
            Section::Mix => "mix",
            Section::MixIsp => "mix_isp",
            Section::Resident => "resident",
            Section::Scraper => "scraper",
        }
    }

    /// The section with this name, however it is spelled: in any letter case, with `-` or a space
    /// for `_`. `isp_mix` is a known misspelling.
    pub fn from_name(name: &str) -> Option<Section> {
        let plain: String = name
            .trim()
            .chars()
            .map(|c| if matches!(c, '-' | ' ') { '_' } else { c.to_ascii_lowercase() })
            .collect();
        if plain == "isp_mix" {
            return Some(Section::MixIsp);
        }
        Section::ALL.into_iter().find(|section| section.name() == plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_one_name_and_many_spellings() {
        for section in Section::ALL {
            assert_eq!(Section::from_name(section.name()), Some(section));
            let json = serde_json::to_string(&section).unwrap();
            assert_eq!(json, format!("\"{}\"", section.name()));
        }
        for spelling in ["MIX-ISP", " mix isp ", "isp_mix", "Mix_Isp"] {
            assert_eq!(Section::from_name(spelling), Some(Section::MixIsp), "{spelling}");
        }
        for other in ["", "ipv5", "mix__isp", "shared"] {
            assert_eq!(Section::from_name(other), None, "{other}");
        }
    }
}
