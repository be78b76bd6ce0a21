//! The file's form. What is in it is judged elsewhere.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use toml::Spanned;

/// A text with its place.
pub(super) type Text = Spanned<String>;
/// Shares, from steps that TOML writes as texts.
pub(super) type Steps = BTreeMap<Text, Spanned<Decimal>>;

/// Prices per day, by currency.
pub(super) type PerDay = BTreeMap<Text, Spanned<Decimal>>;
/// Prices for whole periods, by currency and days.
pub(super) type PerPeriod = BTreeMap<Text, BTreeMap<Text, Spanned<Decimal>>>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) gateways: BTreeMap<Text, Gateway>,
    #[serde(default)]
    pub(super) kinds: BTreeMap<Text, Kind>,
    #[serde(default)]
    pub(super) operators: Vec<Operator>,
    #[serde(default)]
    pub(super) modems: Vec<Modem>,
    #[serde(default)]
    pub(super) products: Vec<Spanned<Product>>,
    #[serde(default)]
    pub(super) packages: Vec<Spanned<Package>>,
}

/// `[gateways.main]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    pub(super) host: Text,
    pub(super) http_port: Spanned<u16>,
    pub(super) socks_port: Spanned<u16>,
    pub(super) https_port: Option<Spanned<u16>>,
    pub(super) shared_ports: Spanned<(u16, u16)>,
}

/// `[kinds.IPv4]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    pub(super) periods: Spanned<Vec<Spanned<u32>>>,
    pub(super) quantity: Spanned<(u32, u32)>,
    pub(super) reserve_hours: Option<Spanned<u32>>,
    pub(super) cooling_hours: Option<Spanned<u32>>,
    pub(super) renew_lead_hours: Option<Spanned<u32>>,
    pub(super) renew_retry_minutes: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) volume_discounts: Steps,
    #[serde(default)]
    pub(super) period_discounts: Steps,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) allow_ports: Option<Ports>,
    pub(super) deny_ports: Option<Ports>,
}

/// `[[operators]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operator {
    pub(super) tag: Text,
    pub(super) name: Text,
    pub(super) country: Text,
    pub(super) rotation_seconds: Spanned<Vec<Spanned<u32>>>,
}

/// `[[modems]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Modem {
    pub(super) name: Text,
    pub(super) gateway: Text,
    pub(super) interface: Option<Text>,
    pub(super) source: Option<Text>,
    pub(super) interval_seconds: Option<Spanned<u32>>,
    pub(super) deadline_seconds: Option<Spanned<u32>>,
    pub(super) driver: Spanned<Driver>,
}

/// `[modems.driver]`: one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Driver {
    pub(super) http: Option<Http>,
    pub(super) modem_manager: Option<ModemManager>,
    pub(super) simulator: Option<Simulator>,
}

/// `[modems.driver.http]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) url: Text,
    pub(super) method: Option<Text>,
    #[serde(default)]
    pub(super) headers: BTreeMap<Text, Text>,
    pub(super) secret: Option<Text>,
    pub(super) expect: Option<Spanned<u16>>,
}

/// `[modems.driver.modem_manager]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModemManager {
    pub(super) imei: Option<Text>,
    pub(super) method: Option<Text>,
}

/// `[modems.driver.simulator]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Simulator {
    pub(super) exits: Spanned<Vec<Text>>,
    pub(super) takes_ms: Option<Spanned<u32>>,
    pub(super) fails_every: Option<u32>,
}

/// `[[products]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    pub(super) kind: Text,
    pub(super) country: Option<Text>,
    pub(super) countries: Option<Spanned<Vec<Text>>>,
    pub(super) operator: Option<Text>,
    #[serde(default)]
    pub(super) per_day: PerDay,
    #[serde(default)]
    pub(super) per_period: PerPeriod,
    pub(super) reserve_hours: Option<Spanned<u32>>,
    pub(super) on_sale: Option<bool>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) allow_ports: Option<Ports>,
    pub(super) deny_ports: Option<Ports>,
}

/// `[[packages]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub(super) tag: Text,
    pub(super) name: Text,
    pub(super) number: Spanned<u32>,
    pub(super) kind: Text,
    pub(super) countries: Spanned<Vec<Text>>,
    pub(super) quantities: Spanned<Vec<Spanned<u32>>>,
    #[serde(default)]
    pub(super) per_day: PerDay,
    #[serde(default)]
    pub(super) per_period: PerPeriod,
    pub(super) reserve_hours: Option<Spanned<u32>>,
    pub(super) on_sale: Option<bool>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) allow_ports: Option<Ports>,
    pub(super) deny_ports: Option<Ports>,
}

/// `limits = { … }`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) connections: Option<u32>,
    pub(super) new_connections_per_second: Option<u32>,
    pub(super) bytes_per_second: Option<Spanned<u64>>,
    pub(super) udp: Option<bool>,
}

/// Ports, each with its place.
pub(super) type Ports = Spanned<Vec<Spanned<Port>>>;

/// A port as a number, or a text that may be a range.
#[derive(Debug)]
pub(super) struct Port(pub(super) String);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Port, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Port;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port or a range, such as 993 or \"8000-8999\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Port, E> {
                Ok(Port(number.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Port, E> {
                Ok(Port(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A decimal number in quotes. Without them, TOML would read `0.05` as a binary fraction, which
/// cannot hold it.
#[derive(Debug)]
pub(super) struct Decimal(pub(super) String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        struct Quoted;

        impl Quoted {
            fn refuse<E: Error>(number: impl fmt::Display) -> Result<Decimal, E> {
                let hint = "so that it is kept exactly";
                Err(E::custom(format_args!("write the number in quotes, \"{number}\", {hint}")))
            }
        }

        impl Visitor<'_> for Quoted {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number in quotes, such as \"0.05\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                Ok(Decimal(text.to_owned()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                Self::refuse(number)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                Self::refuse(number)
            }
        }

        deserializer.deserialize_any(Quoted)
    }
}
