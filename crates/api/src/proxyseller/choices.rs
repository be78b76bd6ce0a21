//! What the original leaves open, decided in one place, so that it is easy to change.

use domain::country::Country;
use domain::time::Span;
use wire::proxyseller::section::Section;

/// What an order is for if its section asks for no words about it. The shop wants to know always.
pub(super) const UNSTATED_GOAL: &str = "not stated";

/// What a customer's balance is called among the systems of payment.
pub(super) const BALANCE: [&str; 3] = ["1", "balance", "5b6c000000000000000000b1"];

/// What a saved card is called among the systems of payment.
pub(super) const CARD: [&str; 4] =
    ["43", "paddle_subscription", "card", "5b6c00000000000000000043"];

/// What v2 calls a system of payment that has this number in v1.
pub(super) fn payment_system(number: u32) -> String {
    format!("5b6c{number:020x}")
}

/// What v2 calls the traffic of a mobile proxy.
pub(super) const UNLIMITED: &str = "unlimited";

/// How soon a proxy ends that is about to end.
pub(super) const ABOUT_TO_END: Span = Span::from_millis_const(3 * 86_400_000);

/// How many proxies are on a page if only the page is said.
pub(super) const PER_PAGE: u64 = 100;

/// How far apart the numbers of two sections are. A number of ISO 3166 has three digits.
const APART: u64 = 1000;

/// In v1, a number names a section and a country in it, because orders say nothing else about the
/// section.
pub(super) fn country_number(section: Section, country: Country) -> Option<u64> {
    let section = SECTIONS.iter().position(|it| *it == section)?;
    let section = u64::try_from(section).ok()? + 1;
    Some(section * APART + u64::from(country.numeric()))
}

/// The section and country that a number names.
pub(super) fn numbered_country(number: u64) -> Option<(Section, Country)> {
    let section = usize::try_from(number / APART).ok()?.checked_sub(1)?;
    let country = u16::try_from(number % APART).ok().and_then(Country::from_numeric)?;
    Some((*SECTIONS.get(section)?, country))
}

/// In v1, a number names a package as it does a country.
pub(super) fn package_number(section: Section, number: u32) -> Option<u64> {
    match section {
        Section::Mix => Some(MIX + u64::from(number)),
        Section::MixIsp => Some(MIX_ISP + u64::from(number)),
        _ => None,
    }
}

/// The section of the package that a number names.
pub(super) fn section_of_package(number: u64) -> Option<Section> {
    match number {
        MIX..MIX_ISP => Some(Section::Mix),
        MIX_ISP..MIX_END => Some(Section::MixIsp),
        _ => None,
    }
}

/// Above this are the numbers of packages; there is room for ten thousand in each section.
const MIX: u64 = 50_000;
const MIX_ISP: u64 = 60_000;
const MIX_END: u64 = 70_000;

/// The sections with countries, by the number of each, from 1. Never to be changed: programs keep
/// the numbers.
const SECTIONS: [Section; 4] = [Section::Ipv4, Section::Ipv6, Section::Mobile, Section::Isp];

/// In v1, a number names a mobile operator: 31 bits of a hash of its tag.
pub(super) fn operator_number(tag: &str) -> u64 {
    let hash = tag.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_a_section_and_a_country() {
        let usa = Country::from_alpha3("USA").unwrap();
        for (section, number) in [(Section::Ipv4, 1840), (Section::Isp, 4840)] {
            assert_eq!(country_number(section, usa), Some(number));
            assert_eq!(numbered_country(number), Some((section, usa)));
        }
        assert_eq!(country_number(Section::Mix, usa), None);
        for wrong in [0, 1, 840, 999, 1999, 5840, 9840, u64::MAX] {
            assert_eq!(numbered_country(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_number_names_a_package_or_a_country_and_never_both() {
        for (section, number) in [(Section::Mix, 50_007), (Section::MixIsp, 60_007)] {
            assert_eq!(package_number(section, 7), Some(number));
            assert_eq!(section_of_package(number), Some(section));
            assert_eq!(numbered_country(number), None);
        }
        assert_eq!(package_number(Section::Ipv4, 7), None);
        for other in [0, 4840, 49_999, 70_000] {
            assert_eq!(section_of_package(other), None, "{other}");
        }
    }

    #[test]
    fn the_number_of_an_operator_stays() {
        assert_eq!(operator_number("verizon"), operator_number("verizon"));
        assert_ne!(operator_number("verizon"), operator_number("tmobile"));
        assert!(operator_number("verizon") < 1 << 31);
    }
}
