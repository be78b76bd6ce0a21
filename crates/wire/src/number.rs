//! Exact numbers of JSON, such as amounts of money.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::decimal::Decimal;

/// A number with a fraction, such as an amount of money or a share in per cent.
///
/// It is written in the shortest way, as JavaScript would: `5`, `0.65`, `8.3`. What is read is
/// what was written, digit by digit; there is no float in between. Two numbers are equal when
/// their values are. It goes to and from JSON only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Number {
    /// Without the zeros that `places` could do without.
    digits: i64,
    /// How many of the digits stand behind the point.
    places: u8,
}

impl Number {
    /// Nothing.
    pub const ZERO: Number = Number { digits: 0, places: 0 };

    /// `minor` units, of which `10^exponent` make one: 830 cents and 2 are `8.3`.
    pub fn from_minor(minor: i64, exponent: u8) -> Number {
        let (mut digits, mut places) = (minor, exponent);
        while places > 0 && digits % 10 == 0 {
            digits /= 10;
            places -= 1;
        }
        Number { digits, places }
    }

    /// How many units of `10^-exponent` this is.
    ///
    /// `None` if it is no whole number of them, or more than an `i64` can hold.
    pub fn to_minor(self, exponent: u8) -> Option<i64> {
        if self.digits == 0 {
            return Some(0);
        }
        let shift = exponent.checked_sub(self.places)?;
        10i64.checked_pow(shift.into())?.checked_mul(self.digits)
    }

    /// Reads the text of a JSON number; `None` if it is none, or has more digits than fit.
    pub fn parse(text: &str) -> Option<Number> {
        let decimal = Decimal::parse(text)?;
        let (size, places) = match u8::try_from(-decimal.power) {
            Ok(places) => (decimal.significand, places),
            Err(_) => (decimal.magnitude()?, 0),
        };
        let sign = if decimal.negative { -1 } else { 1 };
        let digits = i64::try_from(sign * i128::from(size)).ok()?;
        Some(Number { digits, places })
    }
}

impl From<u32> for Number {
    fn from(whole: u32) -> Number {
        Number { digits: whole.into(), places: 0 }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.places == 0 {
            return write!(f, "{}", self.digits);
        }
        let sign = if self.digits < 0 { "-" } else { "" };
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.places == 0 {
            return serializer.serialize_i64(self.digits);
        }
        let text = RawValue::from_string(self.to_string());
        text.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Number::parse(text.get()).ok_or_else(|| D::Error::custom("not a number, or too long a one"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        check(500, 2, "5");
        check(65, 2, "0.65");
        check(830, 2, "8.3");
        check(0, 2, "0");
        check(-1, 2, "-0.01");
        check(-100, 2, "-1");
        check(5, 0, "5");
        check(1_000, 0, "1000");
        check(1, 8, "0.00000001");
        check(i64::MIN, 3, "-9223372036854775.808");
        check(i64::MAX, 0, "9223372036854775807");
    }

    #[test]
    fn a_number_is_no_fraction_of_a_minor_unit() {
        let read = |text| Number::parse(text).and_then(|number| number.to_minor(2));
        assert_eq!(read("8.30"), Some(830));
        assert_eq!(read("83e-1"), Some(830));
        assert_eq!(read("1e3"), Some(100_000));
        assert_eq!(read("-0"), Some(0));
        assert_eq!(read("8.305"), None);
        assert_eq!(read("1e17"), None);
        assert_eq!(read("1e400"), None);
        assert_eq!(read("1e-400"), None);
    }

    #[test]
    fn other_values_are_no_numbers() {
        for json in ["null", "\"5\"", "true", "[5]", "{}", "9223372036854775808", "1e400"] {
            assert!(serde_json::from_str::<Number>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(minor: i64, exponent: u8) {
            let number = Number::from_minor(minor, exponent);
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), number);
            prop_assert_eq!(number.to_minor(exponent), Some(minor));
            prop_assert_eq!(&number.to_string(), &json);
        }

        #[test]
        fn no_text_is_too_strange(text in "[-+]?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][-+]?[0-9]{0,25})?") {
            let number = Number::parse(&text);
            prop_assert!(number.is_none() || serde_json::from_str::<Number>(&text).is_ok());
        }
    }

    #[track_caller]
    fn check(minor: i64, exponent: u8, json: &str) {
        let number = Number::from_minor(minor, exponent);
        assert_eq!(serde_json::to_string(&number).unwrap(), json);
        assert_eq!(serde_json::from_str::<Number>(json).unwrap(), number);
        assert_eq!(number.to_minor(exponent), Some(minor));
    }
}
