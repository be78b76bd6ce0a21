//! The command line: one noun, one file.

mod audit;
mod backup;
mod catalogue;
mod customer;
mod events;
mod init;
mod key;
mod operator;
mod promo;
mod restore;
mod stock;
mod unlock;
mod usage;
mod wallet;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use engine::clock::{Clock, SystemClock};

use crate::config::{Global, Settings};
use crate::console::Console;
use crate::problem::Problem;
use crate::shop::Shop;

/// Rents out IP addresses as proxies: the whole business in one program.
#[derive(Debug, Parser)]
#[command(name = "sublet", version, after_help = EXAMPLES, disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    noun: Noun,
}

const EXAMPLES: &str = "\
Examples:
  sublet init
  sublet catalogue apply catalogue.toml
  sublet stock add --kind IPv4 --country USA --cidr 198.51.100.0/24
  sublet customer create --name Ann
  sublet wallet deposit --customer 1 --amount 100.00
  sublet key create --customer 1

Exit codes: 0 done, 2 wrong usage, 1 anything else, with one line on standard error.";

/// What can be worked on.
#[derive(Debug, Subcommand)]
enum Noun {
    /// Create or migrate the database
    Init(init::Init),
    /// What is on sale, at what price and on what terms
    #[command(subcommand, visible_alias = "catalog")]
    Catalogue(catalogue::Catalogue),
    /// The addresses that are rented out
    #[command(subcommand)]
    Stock(stock::Stock),
    /// Promo codes
    #[command(subcommand)]
    Promo(promo::Promo),
    /// Who rents
    #[command(subcommand)]
    Customer(customer::Customer),
    /// The API keys of customers
    #[command(subcommand)]
    Key(key::Key),
    /// The money of customers
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    /// What the operator's own programs are known by
    #[command(subcommand)]
    Operator(operator::Operator),
    /// What happened, from the journal
    #[command(subcommand)]
    Events(events::Events),
    /// Prove the books from their journal
    Audit(audit::Audit),
    /// Write a copy of the books while work goes on
    Backup(backup::Backup),
    /// Make the database from a backup
    Restore(restore::Restore),
    /// Let orders be taken again after a restore
    Unlock(unlock::Unlock),
}

/// Does what the command line says.
pub(crate) fn run(
    line: impl IntoIterator<Item = OsString>,
    console: &mut Console<'_>,
) -> Result<(), Problem> {
    let line = match CommandLine::try_parse_from(line) {
        Ok(line) => line,
        Err(error) => return usage::answer(&error, console),
    };
    let settings = line.global.settings()?;
    console.json = settings.json;
    match line.noun {
        Noun::Init(init) => init.run(&settings, &SystemClock, console),
        Noun::Restore(restore) => restore.run(&settings, SystemClock.now(), console),
        Noun::Catalogue(catalogue) => in_shop(&settings, console, |shop| catalogue.run(shop)),
        Noun::Stock(stock) => in_shop(&settings, console, |shop| stock.run(shop)),
        Noun::Promo(promo) => in_shop(&settings, console, |shop| promo.run(shop)),
        Noun::Customer(customer) => in_shop(&settings, console, |shop| customer.run(shop)),
        Noun::Key(key) => in_shop(&settings, console, |shop| key.run(shop)),
        Noun::Wallet(wallet) => in_shop(&settings, console, |shop| wallet.run(shop)),
        Noun::Operator(operator) => in_shop(&settings, console, |shop| operator.run(shop)),
        Noun::Events(events) => in_shop(&settings, console, |shop| events.run(shop)),
        Noun::Audit(audit) => in_shop(&settings, console, |shop| audit.run(shop)),
        Noun::Backup(backup) => {
            let key_file = settings.database.key_file().to_owned();
            in_shop(&settings, console, |shop| backup.run(shop, &key_file))
        }
        Noun::Unlock(unlock) => in_shop(&settings, console, |shop| unlock.run(shop)),
    }
}

/// Opens the books and works on them at the shop's time.
fn in_shop(
    settings: &Settings,
    console: &mut Console<'_>,
    work: impl FnOnce(&mut Shop<'_, '_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let store = settings.database.open()?;
    let ahead = store.installation()?.clock_offset;
    let now = SystemClock.now() + ahead;
    work(&mut Shop { store: store.as_ref(), now, console })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_is_typed_wrong_is_said_in_one_line_with_a_hint() {
        for (line, says, hint) in [
            ("sublet custmer list", "unrecognized subcommand 'custmer'", "'customer' exists"),
            ("sublet customer create", "--name <NAME>", "sublet customer create --help"),
            ("sublet key create --customer x", "a customer's number is expected", "--help"),
            ("sublet", "requires a subcommand", "sublet --help"),
            ("sublet stock add --kind IPv5 --country USA --cidr ::1", "known are IPv4", "--help"),
        ] {
            let (mut out, mut notes) = (Vec::new(), Vec::new());
            let mut console = Console::on("", &mut out, &mut notes, false);
            let words = line.split(' ').map(OsString::from);
            let problem = run(words, &mut console).unwrap_err();
            assert_eq!(problem.code(), 2, "{line}");
            problem.tell(&mut console);
            drop(console);
            let notes = String::from_utf8(notes).unwrap();
            let lines: Vec<&str> = notes.lines().collect();
            assert_eq!(lines.len(), 2, "{notes}");
            assert!(lines[0].starts_with("error: ") && lines[0].contains(says), "{notes}");
            assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "{notes}");
            assert!(out.is_empty());
        }
    }
}
