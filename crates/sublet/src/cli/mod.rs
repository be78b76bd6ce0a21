//! The command line: one noun, one file.

mod audit;
mod backup;
mod bench;
mod catalogue;
mod customer;
mod demo;
mod events;
mod gateway;
mod init;
mod key;
mod limit;
mod migrate;
mod misuse;
mod modem;
mod node;
mod operator;
mod payment;
mod promo;
mod proxy;
mod restore;
mod sandbox;
mod serve;
mod stock;
mod unlock;
mod usage;
mod wallet;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use engine::clock::{Clock, SystemClock};

use crate::config::Global;
use crate::console::Console;
use crate::logging;
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
  sublet demo
  sublet init
  sublet catalogue apply catalogue.toml
  sublet stock add --kind IPv4 --country USA --cidr 198.51.100.0/24
  sublet customer create --name Ann
  sublet wallet deposit --customer 1 --amount 100.00
  sublet key create --customer 1
  sublet serve

Exit codes: 0 done, 2 wrong usage, 1 anything else, with one line on standard error.";

/// What can be worked on.
#[derive(Debug, Subcommand)]
enum Noun {
    /// Create or migrate the database
    Init(init::Init),
    #[command(flatten)]
    Books(Books),
    /// Make the database from a backup
    Restore(restore::Restore),
    /// Move the books from a file to PostgreSQL
    Migrate(migrate::Migrate),
    Serve(Box<serve::Serve>),
    Gateway(Box<gateway::Gateway>),
    Demo(demo::Demo),
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// What is worked on in books that are open.
#[derive(Debug, Subcommand)]
enum Books {
    /// What is on sale, at what price and on what terms
    #[command(subcommand, visible_alias = "catalog")]
    Catalogue(catalogue::Catalogue),
    /// The addresses that are rented out
    #[command(subcommand)]
    Stock(stock::Stock),
    /// The modems of mobile proxies
    #[command(subcommand)]
    Modem(modem::Modem),
    /// Promo codes
    #[command(subcommand)]
    Promo(promo::Promo),
    /// Who rents
    #[command(subcommand)]
    Customer(customer::Customer),
    /// The API keys of customers
    #[command(subcommand)]
    Key(key::Key),
    /// How much single leases and customers may use
    #[command(subcommand)]
    Limit(limit::Limit),
    /// The money of customers
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    /// Rented proxies as their customers use them
    #[command(subcommand)]
    Proxy(proxy::Proxy),
    /// Money from outside that you confirm
    #[command(subcommand)]
    Payment(payment::Payment),
    /// What the operator's own programs are known by
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Gateways on other hosts
    #[command(subcommand)]
    Node(node::Node),
    /// What happens only where nothing is real
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// What happened, from the journal
    Events(events::Events),
    /// How much went through the proxies
    Usage(usage::Usage),
    /// Prove the books from their journal
    Audit(audit::Audit),
    /// Write a copy of the books while work goes on
    Backup(backup::Backup),
    /// Take no orders until `unlock`
    Lock(unlock::Lock),
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
        Err(error) => return misuse::answer(&error, console),
    };
    if let Noun::Bench(bench) = line.noun {
        // The books are left alone: a benchmark makes its own.
        console.json = line.global.json;
        logging::start_quietly();
        return bench.run(line.global.database.as_deref(), console);
    }
    let settings = line.global.settings()?;
    console.json = settings.json;
    match line.noun {
        Noun::Serve(serve) => serve.run(&settings, console),
        Noun::Gateway(gateway) => gateway.run(console),
        Noun::Demo(demo) => demo.run(&settings, console),
        Noun::Bench(_) => unreachable!("that was done above"),
        Noun::Init(init) => {
            logging::start_quietly();
            init.run(&settings, console)
        }
        Noun::Restore(restore) => {
            logging::start_quietly();
            restore.run(&settings, SystemClock.now(), console)
        }
        Noun::Migrate(migrate) => {
            logging::start_quietly();
            migrate.run(&settings, SystemClock.now(), console)
        }
        Noun::Books(books) => {
            logging::start_quietly();
            let store = settings.database.open()?;
            let now = SystemClock.now() + store.installation()?.clock_offset;
            let key_file = settings.database.key_file();
            books.run(&mut Shop { store: store.as_ref(), key_file, now, console })
        }
    }
}

impl Books {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Books::Catalogue(catalogue) => catalogue.run(shop),
            Books::Stock(stock) => stock.run(shop),
            Books::Modem(modem) => modem.run(shop),
            Books::Promo(promo) => promo.run(shop),
            Books::Customer(customer) => customer.run(shop),
            Books::Key(key) => key.run(shop),
            Books::Limit(limit) => limit.run(shop),
            Books::Wallet(wallet) => wallet.run(shop),
            Books::Proxy(proxy) => proxy.run(shop),
            Books::Payment(payment) => payment.run(shop),
            Books::Sandbox(sandbox) => sandbox.run(shop),
            Books::Operator(operator) => operator.run(shop),
            Books::Node(node) => node.run(shop),
            Books::Events(events) => events.run(shop),
            Books::Usage(usage) => usage.run(shop),
            Books::Audit(audit) => audit.run(shop),
            Books::Backup(backup) => backup.run(shop),
            Books::Lock(lock) => lock.run(shop),
            Books::Unlock(unlock) => unlock.run(shop),
        }
    }
}

#[cfg(test)]
mod tests;
