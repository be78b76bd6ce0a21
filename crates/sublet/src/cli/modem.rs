//! `sublet modem`: the modems of the catalogue, and what they do.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use domain::modem::{Driver, Modem as Described};
use domain::rotation::{Ask, Cause, Dialer, NotRotated, Outcome, Rotation, State, Whose};
use serde::Serialize;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Modem {
    /// All modems, with their exits and what they have done last
    List,
    /// Ask a modem to dial anew; whoever serves its gateway has it done
    Rotate(Rotate),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet modem rotate m1")]
pub(super) struct Rotate {
    /// What the catalogue calls it
    #[arg(value_parser = reading::tag)]
    name: String,
}

/// A modem as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    modem: String,
    gateway: String,
    driver: &'static str,
    state: &'static str,
    exit: Option<String>,
    last: Option<&'static str>,
    last_cause: Option<&'static str>,
    last_failure: Option<&'static str>,
    last_at: Option<String>,
}

impl Shown {
    fn new(modem: &Described, dialer: &Dialer, last: Option<&Rotation>) -> Shown {
        Shown {
            modem: modem.name.clone(),
            gateway: modem.gateway.clone(),
            driver: match modem.driver {
                Driver::Http(_) => "http",
                Driver::ModemManager(_) => "modem_manager",
                Driver::Simulator(_) => "simulator",
            },
            state: match (dialer.dialing, dialer.open) {
                (true, _) => "dialing",
                (false, Some(_)) => "queued",
                (false, None) => "idle",
            },
            exit: dialer.exit.map(|ip| ip.to_string()),
            last: last.map(|it| state(it.state)),
            last_cause: last.map(|it| it.cause.name()),
            last_failure: last.and_then(|it| match it.state {
                State::Ended(Outcome::Failed(failure)) => Some(failure.name()),
                _ => None,
            }),
            last_at: last.map(|it| reading::shown(it.ended_at.unwrap_or(it.asked_at))),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["MODEM", "GATEWAY", "DRIVER", "STATE", "EXIT", "LAST", "AT"];

    fn cells(&self) -> Vec<String> {
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        vec![
            self.modem.clone(),
            self.gateway.clone(),
            self.driver.to_owned(),
            self.state.to_owned(),
            text(self.exit.as_deref()),
            text(self.last_failure.or(self.last)),
            text(self.last_at.as_deref()),
        ]
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Dialing { .. } => "dialing",
        State::Ended(Outcome::Changed { .. }) => "changed",
        State::Ended(Outcome::Same { .. }) => "same",
        State::Ended(Outcome::Failed(_)) => "failed",
    }
}

impl Modem {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Modem::List => list(shop),
            Modem::Rotate(rotate) => rotate.run(shop),
        }
    }
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let catalogue = shop.store.catalogue()?;
    let names: BTreeSet<String> = catalogue.modems.keys().cloned().collect();
    let known = shop.store.dialers(&names)?;
    let shown: Vec<Shown> = known
        .iter()
        .filter_map(|(dialer, last)| {
            let modem = catalogue.modems.get(&dialer.name)?;
            Some(Shown::new(modem, dialer, last.as_ref()))
        })
        .collect();
    shop.console.list(&shown, "The catalogue has no modems.")
}

impl Rotate {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let whose = Whose::Modem(self.name.clone());
        let ask = Ask { whose, cause: Cause::Operator, tries: 1 };
        match shop.store.ask_rotation(&ask, shop.now)? {
            Ok(rotation) => {
                let asked =
                    serde_json::json!({ "modem": self.name, "state": state(rotation.state) });
                shop.console.result(&asked, &[("asked to dial", self.name.clone())])?;
                shop.console.note("`sublet modem list` shows what has come of it.");
                Ok(())
            }
            Err(NotRotated::TooSoon { .. }) => {
                Err(Problem::failed(format!("modem {} is being rotated", self.name)))
            }
            Err(_) => Err(Problem::failed(format!("the catalogue has no modem {}", self.name))
                .hint("`sublet modem list` shows them all")),
        }
    }
}
