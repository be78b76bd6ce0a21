//! `sublet promo`: promo codes.

use clap::{Args, Subcommand, ValueEnum};
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::money::Percent;
use domain::promo::{Promo as Code, normal_code};
use domain::time::Time;
use serde::Serialize;
use store::records::NewPromo;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading::{self, Moment};
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Promo {
    /// Make a promo code
    Create(Create),
    /// All promo codes
    List,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet promo create SPRING --percent 10 --max-uses 100 --per-customer 1 --until 2026-06-01
  sublet promo create LOYAL --percent 5 --for extension --customer 7 --description \"en=Thank you\"

A day means its first moment, UTC: a code with --until 2026-06-01 works to the end of 31 May.")]
pub(super) struct Create {
    /// What customers type, in any letter case
    #[arg(value_parser = code)]
    code: String,
    /// What is taken off
    #[arg(long, value_name = "N", value_parser = reading::percent)]
    percent: Percent,
    /// How often it can be used in all [default: without limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_uses: Option<u32>,
    /// How often each customer can use it [default: without limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    per_customer: Option<u32>,
    /// From when on it can be used: a day, a time, or a length from now [default: now]
    #[arg(long, value_name = "TIME", value_parser = reading::moment)]
    from: Option<Moment>,
    /// When it ends [default: never]
    #[arg(long, value_name = "TIME", value_parser = reading::moment)]
    until: Option<Moment>,
    /// For which kinds, such as IPv4,ISP [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = reading::kind)]
    kinds: Vec<ProxyKind>,
    /// For what it can be used
    #[arg(long = "for", value_name = "WHAT", default_value = "both")]
    purpose: Purpose,
    /// Whose code it is [default: everybody's]
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
    /// What it is: TEXT, or a locale with its text such as de=TEXT; may be repeated
    #[arg(long, value_name = "TEXT", value_parser = description)]
    description: Vec<(String, String)>,
}

/// What a code is for. The values say it all, so that the help needs no paragraph for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    Order,
    Extension,
    Both,
}

/// A promo code as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    promo_id: i64,
    code: String,
    percent: String,
    uses: u32,
    max_uses: Option<u32>,
    per_customer: Option<u32>,
    starts_at: String,
    ends_at: Option<String>,
    kinds: Vec<&'static str>,
    for_orders: bool,
    for_extensions: bool,
    customer_id: Option<i64>,
    descriptions: Vec<Described>,
    state: &'static str,
}

/// What a code is, in one language.
#[derive(Debug, Serialize)]
struct Described {
    locale: String,
    text: String,
}

impl Shown {
    fn new(promo: &Code, now: Time) -> Shown {
        let state = match () {
            () if now < promo.starts_at => "early",
            () if promo.ends_at.is_some_and(|end| end <= now) => "over",
            () if promo.max_uses.is_some_and(|most| most <= promo.uses) => "used up",
            () => "open",
        };
        let described = |(locale, text): &(String, String)| Described {
            locale: locale.clone(),
            text: text.clone(),
        };
        Shown {
            promo_id: promo.id.0,
            code: promo.code.clone(),
            percent: promo.discount.to_string(),
            uses: promo.uses,
            max_uses: promo.max_uses,
            per_customer: promo.per_customer,
            starts_at: reading::shown(promo.starts_at),
            ends_at: promo.ends_at.map(reading::shown),
            kinds: promo.kinds.iter().map(|kind| kind.name()).collect(),
            for_orders: promo.for_orders,
            for_extensions: promo.for_extensions,
            customer_id: promo.customer.map(|customer| customer.0),
            descriptions: promo.descriptions.iter().map(described).collect(),
            state,
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["CODE", "PERCENT", "STATE", "USES", "EACH", "FROM", "UNTIL", "KINDS", "FOR", "WHOSE"];

    fn cells(&self) -> Vec<String> {
        let or = |value: Option<String>, other: &str| value.unwrap_or_else(|| other.to_owned());
        let most = or(self.max_uses.map(|most| most.to_string()), "∞");
        let kinds = if self.kinds.is_empty() { "all".to_owned() } else { self.kinds.join(",") };
        let purpose = match (self.for_orders, self.for_extensions) {
            (true, false) => "orders",
            (false, true) => "extensions",
            _ => "both",
        };
        vec![
            self.code.clone(),
            self.percent.clone(),
            self.state.to_owned(),
            format!("{}/{most}", self.uses),
            or(self.per_customer.map(|most| most.to_string()), "∞"),
            self.starts_at[..10].to_owned(),
            or(self.ends_at.as_ref().map(|end| end[..10].to_owned()), "never"),
            kinds,
            purpose.to_owned(),
            or(self.customer_id.map(|id| id.to_string()), "everybody"),
        ]
    }
}

impl Promo {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Promo::Create(create) => create.run(shop),
            Promo::List => list(shop),
        }
    }
}

impl Create {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if let Some(customer) = self.customer {
            shop.customer(customer)?;
        }
        let starts_at = self.from.map_or(shop.now, |moment| moment.at(shop.now));
        let ends_at = self.until.map(|moment| moment.at(shop.now));
        if ends_at.is_some_and(|end| end <= starts_at) {
            let says = "--until is not later than --from: the code could never be used";
            return Err(Problem::usage(says));
        }
        let mut kinds = self.kinds;
        kinds.sort_unstable();
        kinds.dedup();
        let new = NewPromo {
            code: self.code,
            discount: self.percent,
            starts_at,
            ends_at,
            max_uses: self.max_uses,
            per_customer: self.per_customer,
            kinds,
            for_orders: self.purpose != Purpose::Extension,
            for_extensions: self.purpose != Purpose::Order,
            customer: self.customer,
            descriptions: self.description,
        };
        let Some(id) = shop.store.create_promo(&new, shop.now)? else {
            return Err(Problem::failed(format!("there is a promo code {} already", new.code)));
        };
        let shown = Shown::new(&made(id, new), shop.now);
        let people = [
            ("code", shown.code.clone()),
            ("percent", shown.percent.clone()),
            ("from", reading::brief(starts_at)),
            ("until", ends_at.map_or_else(|| "never".to_owned(), reading::brief)),
        ];
        shop.console.result(&shown, &people)
    }
}

/// The code that was made of `new`.
fn made(id: domain::ids::PromoId, new: NewPromo) -> Code {
    Code {
        id,
        code: new.code,
        discount: new.discount,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        max_uses: new.max_uses,
        per_customer: new.per_customer,
        kinds: new.kinds,
        for_orders: new.for_orders,
        for_extensions: new.for_extensions,
        customer: new.customer,
        descriptions: new.descriptions,
        uses: 0,
    }
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let promos = shop.store.promos()?;
    let shown: Vec<Shown> = promos.iter().map(|promo| Shown::new(promo, shop.now)).collect();
    shop.console.list(&shown, "There are no promo codes yet.")
}

fn code(text: &str) -> Result<String, String> {
    normal_code(text)
        .ok_or_else(|| "1 to 64 letters, digits and signs without blanks are expected".into())
}

/// A text with its locale, which is English where none is said.
fn description(text: &str) -> Result<(String, String), String> {
    let is_locale = |word: &str| {
        let mut parts = word.split(['-', '_']);
        let language = parts.next().unwrap_or_default();
        let lower = language.bytes().all(|byte| byte.is_ascii_lowercase());
        let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.is_ascii());
        (2..=3).contains(&language.len()) && lower && rest
    };
    let (locale, text) = match text.split_once('=') {
        Some((locale, rest)) if is_locale(locale) => (locale, rest),
        _ => ("en", text),
    };
    Ok((locale.to_owned(), reading::name(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_a_locale() {
        for (text, locale, said) in [
            ("Ten per cent off", "en", "Ten per cent off"),
            ("en=Ten off", "en", "Ten off"),
            ("de=Zehn Prozent", "de", "Zehn Prozent"),
            ("pt-BR=Dez", "pt-BR", "Dez"),
            ("1+1=2", "en", "1+1=2"),
        ] {
            assert_eq!(description(text), Ok((locale.to_owned(), said.to_owned())), "{text}");
        }
        assert!(description("de=").is_err());
    }
}
