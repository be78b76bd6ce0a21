//! `sublet limit`: how much leases may use where that is not as the catalogue says.

use clap::{Args, Subcommand};
use domain::ids::{CustomerId, LeaseId};
use domain::limits::{Exception, ExceptionChange, ExceptionFor};
use domain::public_id::PublicIds;
use serde::Serialize;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading;
use crate::shop::{Shop, no_customer};

#[derive(Debug, Subcommand)]
pub(super) enum Limit {
    /// Set limits for one lease, or for all leases of a customer; gateways keep to them at once
    Set(Set),
    /// Take limits away again, so that those of the catalogue hold
    Clear(Clear),
    /// All limits that were set
    List(List),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet limit set 17 --bandwidth 2MB
  sublet limit set --customer 1 --connections 2000 --new-per-second 0

What is not named stays as it is, and 0 is no limit. What is said of a lease goes before what is said
of its customer, and that before the catalogue.")]
pub(super) struct Set {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    numbers: Numbers,
}

/// What is set: something at least.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Numbers {
    /// So many connections at a time
    #[arg(long, value_name = "N")]
    connections: Option<u32>,
    /// So many new connections in a second
    #[arg(long, value_name = "N")]
    new_per_second: Option<u32>,
    /// So many bytes in a second, each way, such as 500kB, 2MB or 20Mbit
    #[arg(long, value_name = "RATE", value_parser = reading::rate)]
    bandwidth: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet limit clear 17
  sublet limit clear --customer 1 --bandwidth

Without names all that was set is taken away.")]
pub(super) struct Clear {
    #[command(flatten)]
    whose: Whose,
    /// That of connections at a time
    #[arg(long)]
    connections: bool,
    /// That of new connections in a second
    #[arg(long)]
    new_per_second: bool,
    /// That of bytes in a second
    #[arg(long)]
    bandwidth: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this customer and his leases
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
}

/// Whose limits are meant.
#[derive(Debug, Args)]
#[group(id = "whose", required = true, multiple = false)]
struct Whose {
    /// The lease: its number, as `events` shows it, or its id, as customers see it
    #[arg(value_name = "LEASE")]
    lease: Option<String>,
    /// All leases of this customer, also those that he has yet to buy
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
}

/// Limits as they are shown. What is not said is null, and 0 is no limit.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<i64>,
    /// The number of the lease; nothing if all of the customer are meant.
    lease: Option<i64>,
    lease_id: Option<String>,
    connections: Option<u32>,
    new_connections_per_second: Option<u32>,
    bytes_per_second: Option<u64>,
}

impl Shown {
    fn new(
        ids: &PublicIds,
        customer: Option<CustomerId>,
        lease: Option<LeaseId>,
        said: Exception,
    ) -> Shown {
        Shown {
            customer_id: customer.map(|id| id.0),
            lease: lease.map(|id| id.0),
            lease_id: lease.map(|id| ids.lease(id)),
            connections: said.connections,
            new_connections_per_second: said.new_connections_per_second,
            bytes_per_second: said.bytes_per_second,
        }
    }

    /// The numbers for people.
    fn numbers(&self) -> [String; 3] {
        let number = |number: Option<u64>| match number {
            None => "-".to_owned(),
            Some(0) => "no limit".to_owned(),
            Some(number) => number.to_string(),
        };
        [
            number(self.connections.map(u64::from)),
            number(self.new_connections_per_second.map(u64::from)),
            number(self.bytes_per_second),
        ]
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["CUSTOMER", "LEASE", "ID", "CONNECTIONS", "NEW PER SECOND", "BYTES PER SECOND"];

    fn cells(&self) -> Vec<String> {
        let whose = [
            self.customer_id.map_or("-".to_owned(), |id| id.to_string()),
            self.lease.map_or("all".to_owned(), |id| id.to_string()),
            self.lease_id.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        whose.into_iter().chain(self.numbers()).collect()
    }
}

impl Limit {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Limit::Set(set) => set.run(shop),
            Limit::Clear(clear) => clear.run(shop),
            Limit::List(list) => list.run(shop),
        }
    }
}

impl Set {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let Numbers { connections, new_per_second, bandwidth } = self.numbers;
        let change = ExceptionChange {
            connections: connections.map(Some),
            new_connections_per_second: new_per_second.map(Some),
            bytes_per_second: bandwidth.map(Some),
        };
        self.whose.change(shop, change)
    }
}

impl Clear {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let named = self.connections || self.new_per_second || self.bandwidth;
        let change = ExceptionChange {
            connections: self.connections.then_some(None),
            new_connections_per_second: self.new_per_second.then_some(None),
            bytes_per_second: self.bandwidth.then_some(None),
        };
        self.whose.change(shop, if named { change } else { ExceptionChange::CLEAR })
    }
}

impl Whose {
    fn change(&self, shop: &mut Shop<'_, '_>, change: ExceptionChange) -> Result<(), Problem> {
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        let (customer, lease) = match &self.lease {
            Some(text) => (None, Some(lease(text, &ids)?)),
            None => (self.customer, None),
        };
        let whose = match (customer, lease) {
            (_, Some(id)) => ExceptionFor::Lease(id),
            (Some(id), None) => ExceptionFor::Customer(id),
            (None, None) => unreachable!("one of them is required"),
        };
        let Some(said) = shop.store.change_exception(whose, change)? else {
            return Err(match whose {
                ExceptionFor::Customer(id) => no_customer(id),
                ExceptionFor::Lease(id) => {
                    Problem::failed(format!("there is no lease {}, or it is over", id.0))
                }
            });
        };
        let shown = Shown::new(&ids, customer, lease, said);
        let [connections, new_per_second, bandwidth] = shown.numbers();
        let whose = match lease {
            Some(lease) => ("lease", lease.0.to_string()),
            None => ("customer", customer.map_or_else(String::new, |id| id.0.to_string())),
        };
        let people = [
            whose,
            ("connections", connections),
            ("new per second", new_per_second),
            ("bytes per second", bandwidth),
        ];
        shop.console.result(&shown, &people)
    }
}

impl List {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        let mut all = Vec::new();
        for (customer, exceptions) in shop.store.exceptions(self.customer)? {
            let mut add = |lease, said| all.push(Shown::new(&ids, Some(customer), lease, said));
            if !exceptions.customer.is_empty() {
                add(None, exceptions.customer);
            }
            exceptions.leases.iter().for_each(|(lease, said)| add(Some(*lease), *said));
        }
        shop.console.list(&all, "No limits are set: those of the catalogue hold.")
    }
}

/// The lease of this number, or of this id with its 24 digits.
fn lease(text: &str, ids: &PublicIds) -> Result<LeaseId, Problem> {
    let number = text.parse().ok().filter(|id| *id > 0).map(LeaseId);
    let found = if text.len() == 24 { ids.read_lease(text) } else { number };
    found.ok_or_else(|| {
        Problem::usage(format!("{text} is neither the number nor the id of a lease"))
            .hint("`sublet events` shows numbers, and customers see ids")
    })
}
