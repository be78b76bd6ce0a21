//! Countries by their ISO 3166-1 alpha-3 codes.

use std::fmt;

/// A country of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 3]);

impl Country {
    /// The country with this alpha-3 code, in any letter case; `None` if the standard has none.
    pub fn from_alpha3(code: &str) -> Option<Country> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let upper = bytes.map(|byte| byte.to_ascii_uppercase());
        let text = std::str::from_utf8(&upper).ok()?;
        rust_iso3166::from_alpha3(text).map(|_| Country(upper))
    }

    /// The alpha-3 code, upper case.
    pub fn alpha3(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it was checked to be ASCII when it was made")
    }

    /// The country with this numeric code.
    pub fn from_numeric(code: u16) -> Option<Country> {
        let entry = rust_iso3166::from_numeric(code)?;
        Country::from_alpha3(entry.alpha3)
    }

    /// The numeric code of the standard, from 1 to 999.
    pub fn numeric(&self) -> u16 {
        rust_iso3166::from_alpha3(self.alpha3()).map_or(0, |entry| entry.numeric)
    }

    /// The short English name.
    pub fn name(&self) -> &'static str {
        rust_iso3166::from_alpha3(self.alpha3()).map_or("", |entry| short_name(entry.name))
    }
}

/// The standard's formal names as a person says them.
fn short_name(formal: &'static str) -> &'static str {
    match formal {
        "United States of America" => "United States",
        "United Kingdom of Great Britain and Northern Ireland" => "United Kingdom",
        "Russian Federation" => "Russia",
        "Korea, Republic of" | "Korea (Republic of)" => "South Korea",
        "Netherlands, Kingdom of the" => "Netherlands",
        "Viet Nam" => "Vietnam",
        "Türkiye" => "Turkey",
        "Moldova, Republic of" | "Moldova (Republic of)" => "Moldova",
        name => name,
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha3())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha3())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_of_the_standard_are_countries() {
        assert_eq!(Country::from_alpha3("usa").unwrap().name(), "United States");
        assert_eq!(Country::from_alpha3("DEU").unwrap().name(), "Germany");
        let usa = Country::from_numeric(840).unwrap();
        assert_eq!((usa.alpha3(), usa.numeric()), ("USA", 840));
        assert_eq!(Country::from_numeric(4).unwrap().numeric(), 4);
        assert_eq!(Country::from_numeric(999), None);
        for bad in ["US", "XXX", "", "840", "USAX", "ÄÄ"] {
            assert_eq!(Country::from_alpha3(bad), None, "{bad}");
        }
    }
}
