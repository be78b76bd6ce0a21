//! `sublet catalogue`: what is on sale.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::catalogue::{Package, Product};
use domain::money::{Currency, Percent};
use domain::product::ProductKey;
use domain::time::Span;
use serde::Serialize;
use store::catalogue_file::{self, Difference, Mark};

use crate::console::{Console, Row};
use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Catalogue {
    /// Put a catalogue in force, after showing what it changes
    Apply(Apply),
    /// Show the catalogue in force, as it was written
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example: sublet catalogue apply catalogue.toml

The file says all that is on sale: what is not in it any more is neither sold nor extended. To stop
selling a product whose leases may go on, keep it with on_sale = false.")]
pub(super) struct Apply {
    /// The catalogue, a TOML file; - is standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Show the price of each product for each period instead of the text
    #[arg(long)]
    prices: bool,
}

/// What became of a catalogue.
#[derive(Serialize)]
struct Applied {
    version: i64,
    changed: bool,
    changes: Vec<String>,
}

impl Catalogue {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Catalogue::Apply(apply) => apply.run(shop),
            Catalogue::Show(show) => show.run(shop),
        }
    }
}

impl Apply {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let text = self.text(shop.console)?;
        let old = shop.store.catalogue()?;
        let new = catalogue_file::read(&text, old.version + 1)
            .map_err(|invalid| Problem::failed(format!("{}: {}", self.shown(), invalid.0)))?;
        let changes = catalogue_file::diff(&old, &new);
        if changes.is_empty() && shop.store.catalogue_text()?.as_deref() == Some(text.as_str()) {
            shop.console.text("This catalogue is in force already.")?;
            return done(shop.console, old.version, false, &changes);
        }
        for change in &changes {
            shop.console.text(&change.to_string())?;
        }
        if changes.iter().any(|change| change.mark == Mark::Removed) {
            let hint = "what is removed cannot be extended either; on_sale = false keeps that";
            shop.console.note(&format!("note: {hint}"));
        }
        if !self.yes && !changes.is_empty() {
            self.agreed(shop.console, changes.len())?;
        }
        let version = shop.store.apply_catalogue(&text, shop.now)?;
        shop.console.text(&format!("Catalogue {version} is in force."))?;
        done(shop.console, version, true, &changes)
    }

    fn text(&self, console: &mut Console<'_>) -> Result<String, Problem> {
        if self.is_input() {
            return console.read_all();
        }
        std::fs::read_to_string(&self.file)
            .map_err(|error| Problem::failed(format!("{} cannot be read: {error}", self.shown())))
    }

    fn agreed(&self, console: &mut Console<'_>, count: usize) -> Result<(), Problem> {
        if !console.interactive || self.is_input() {
            let says = format!("{count} changes need a yes, and nobody is there to be asked");
            return Err(Problem::usage(says).hint("add --yes"));
        }
        if console.confirm(&format!("Put these {count} changes in force?"))? {
            return Ok(());
        }
        Err(Problem::failed("nothing was changed"))
    }

    fn is_input(&self) -> bool {
        self.file.as_os_str() == "-"
    }

    fn shown(&self) -> String {
        if self.is_input() { "standard input".into() } else { self.file.display().to_string() }
    }
}

fn done(
    console: &mut Console<'_>,
    version: i64,
    changed: bool,
    changes: &[Difference],
) -> Result<(), Problem> {
    if !console.json {
        return Ok(());
    }
    let changes = changes.iter().map(Difference::to_string).collect();
    console.object(&Applied { version, changed, changes })
}

/// The catalogue in force, for programs.
#[derive(Debug, Serialize)]
struct InForce {
    version: i64,
    kinds: Vec<Terms>,
    products: Vec<Shown>,
    packages: Vec<ShownPackage>,
    text: Option<String>,
}

/// A product as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    product: String,
    kind: &'static str,
    country: String,
    operator: Option<String>,
    on_sale: bool,
    reserve_hours: i64,
    prices: Vec<Price>,
}

/// What a product costs for one address, before volume discounts.
#[derive(Debug, Serialize)]
struct Price {
    currency: String,
    days: u32,
    unit: String,
    discount_percent: String,
}

impl Shown {
    fn new(catalogue: &domain::catalogue::Catalogue, product: &Product) -> Shown {
        let key = &product.key;
        Shown {
            product: key.to_string(),
            kind: key.kind.name(),
            country: key.country.to_string(),
            operator: key.operator.clone(),
            on_sale: product.on_sale,
            reserve_hours: product.reserve.millis() / Span::HOUR.millis(),
            prices: prices(catalogue, key, product.prices.keys()),
        }
    }
}

/// What one address of `key` costs, by currency and period.
fn prices<'c>(
    catalogue: &domain::catalogue::Catalogue,
    key: &ProductKey,
    currencies: impl Iterator<Item = &'c Currency>,
) -> Vec<Price> {
    let price = |currency: Currency, days| {
        let list = catalogue.price(key, days, currency)?;
        Some(Price {
            currency: currency.to_string(),
            days: days.days(),
            unit: list.unit.to_string(),
            discount_percent: list.discount.to_string(),
        })
    };
    let periods = catalogue.periods(key.kind);
    let of = |currency: &Currency| {
        periods.iter().filter_map(|days| price(*currency, *days)).collect::<Vec<_>>()
    };
    currencies.flat_map(of).collect()
}

/// Prices on one line.
fn on_a_line(prices: &[Price]) -> String {
    let price = |price: &Price| {
        let off = match price.discount_percent.as_str() {
            "0" => String::new(),
            percent => format!(" -{percent}%"),
        };
        format!("{}d {} {}{off}", price.days, price.unit, price.currency)
    };
    prices.iter().map(price).collect::<Vec<_>>().join("  ")
}

/// A package as it is shown.
#[derive(Debug, Serialize)]
struct ShownPackage {
    package: String,
    name: String,
    number: u32,
    kind: &'static str,
    countries: Vec<String>,
    quantities: Vec<u32>,
    on_sale: bool,
    reserve_hours: i64,
    prices: Vec<Price>,
}

impl ShownPackage {
    fn new(catalogue: &domain::catalogue::Catalogue, package: &Package) -> ShownPackage {
        // All parts cost the same.
        let part = package.parts().next();
        let prices = part.map(|part| prices(catalogue, &part, package.prices.keys()));
        ShownPackage {
            package: package.tag.clone(),
            name: package.name.clone(),
            number: package.number,
            kind: package.kind.name(),
            countries: package.countries.iter().map(ToString::to_string).collect(),
            quantities: package.quantities.clone(),
            on_sale: package.on_sale,
            reserve_hours: package.reserve.millis() / Span::HOUR.millis(),
            prices: prices.unwrap_or_default(),
        }
    }
}

impl Row for ShownPackage {
    const COLUMNS: &'static [&'static str] =
        &["PACKAGE", "KIND", "COUNTRIES", "QUANTITIES", "ON SALE", "RESERVE", "PRICES"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.package.clone(),
            self.kind.to_owned(),
            self.countries.join("/"),
            self.quantities.iter().map(u32::to_string).collect::<Vec<_>>().join("/"),
            if self.on_sale { "yes" } else { "no" }.to_owned(),
            format!("{} h", self.reserve_hours),
            on_a_line(&self.prices),
        ]
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] = &["PRODUCT", "ON SALE", "RESERVE", "PRICES"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.product.clone(),
            if self.on_sale { "yes" } else { "no" }.to_owned(),
            format!("{} h", self.reserve_hours),
            on_a_line(&self.prices),
        ]
    }
}

/// The terms of a kind as they are shown.
#[derive(Debug, Serialize)]
struct Terms {
    kind: &'static str,
    periods: Vec<u32>,
    quantity: (u32, u32),
    volume_discounts: Vec<(u32, String)>,
}

impl Row for Terms {
    const COLUMNS: &'static [&'static str] = &["KIND", "PERIODS", "QUANTITY", "VOLUME DISCOUNTS"];

    fn cells(&self) -> Vec<String> {
        let step = |(from, percent): &(u32, String)| format!("{percent}% from {from}");
        vec![
            self.kind.to_owned(),
            self.periods.iter().map(u32::to_string).collect::<Vec<_>>().join("/"),
            format!("{}–{}", self.quantity.0, self.quantity.1),
            self.volume_discounts.iter().map(step).collect::<Vec<_>>().join(", "),
        ]
    }
}

impl Show {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let catalogue = shop.store.catalogue()?;
        let text = shop.store.catalogue_text()?;
        let share = |(from, share): &(u32, Percent)| (*from, share.to_string());
        let kinds: Vec<Terms> = catalogue
            .terms
            .iter()
            .map(|(kind, terms)| Terms {
                kind: kind.name(),
                periods: terms.periods.iter().map(|period| period.days()).collect(),
                quantity: (terms.quantity_min, terms.quantity_max),
                volume_discounts: terms.volume_discounts.iter().map(share).collect(),
            })
            .collect();
        let products: Vec<Shown> =
            catalogue.products.values().map(|product| Shown::new(&catalogue, product)).collect();
        let packages: Vec<ShownPackage> = catalogue
            .packages
            .values()
            .map(|package| ShownPackage::new(&catalogue, package))
            .collect();
        if shop.console.json {
            let version = catalogue.version;
            return shop.console.object(&InForce { version, kinds, products, packages, text });
        }
        let Some(text) = text else {
            shop.console.note("There is no catalogue yet: `sublet catalogue apply FILE`");
            return Ok(());
        };
        if !self.prices {
            return shop.console.text(text.trim_end());
        }
        shop.console.list(&kinds, "No kind is sold.")?;
        shop.console.text("")?;
        shop.console.list(&products, "Nothing is sold.")?;
        if packages.is_empty() {
            return Ok(());
        }
        shop.console.text("")?;
        shop.console.list(&packages, "There are no packages.")
    }
}
