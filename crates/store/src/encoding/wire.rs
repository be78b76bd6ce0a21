//! Domain values as they stand in JSON: as short as can be read by a person.

use std::borrow::Cow;

use domain::money::{Currency, Money, Percent, UnitPrice};
use domain::period::Period;
use domain::product::ProductKey;
use domain::replace::ReplaceReason;
use domain::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[1250,"USD"]`.
#[derive(Clone, Copy)]
pub(super) struct Cash(pub(super) Money);

/// `"IPv4/USA"`.
pub(super) struct Product(pub(super) ProductKey);

/// `"NOT_WORK"`.
pub(super) struct Reason(pub(super) ReplaceReason);

/// A number of days.
#[derive(Clone, Copy)]
pub(super) struct Days(pub(super) Period);

/// Milliseconds since 1970 UTC.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) Time);

/// Millionths of the major unit.
#[derive(Clone, Copy)]
pub(super) struct Micros(pub(super) UnitPrice);

/// Hundredths of a per cent.
#[derive(Clone, Copy)]
pub(super) struct Hundredths(pub(super) Percent);

impl Serialize for Cash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.minor(), self.0.currency().code()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cash, D::Error> {
        let (minor, code) = <(i64, Cow<'_, str>)>::deserialize(deserializer)?;
        let currency = Currency::from_code(&code);
        let currency = currency.ok_or_else(|| D::Error::custom("unknown currency"))?;
        Ok(Cash(Money::from_minor(minor, currency)))
    }
}

impl Serialize for Product {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Product {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Product, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        let product = ProductKey::parse(&name);
        product.map(Product).ok_or_else(|| D::Error::custom("unknown product"))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reason, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        let reason = ReplaceReason::from_name(&name);
        reason.map(Reason).ok_or_else(|| D::Error::custom("unknown reason"))
    }
}

/// Both ways for a value that is a number with limits.
macro_rules! number {
    ($name:ident, $number:ty, $get:expr, $make:expr, $problem:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let number: $number = $get(self.0);
                number.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let number = <$number>::deserialize(deserializer)?;
                $make(number).map($name).ok_or_else(|| D::Error::custom($problem))
            }
        }
    };
}

number!(Days, u32, Period::days, Period::from_days, "impossible period");
number!(At, i64, Time::millis, |millis| Some(Time::from_millis(millis)), "impossible time");
number!(Micros, i64, UnitPrice::micros, UnitPrice::from_micros, "impossible price");
number!(Hundredths, u32, Percent::hundredths, Percent::from_hundredths, "impossible share");
