//! `sublet usage`: what leases have used.

use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{CustomerId, LeaseId};
use domain::public_id::PublicIds;
use domain::usage::{self, Day, Days, MeterReading, Sum, Sums, Used};
use serde::Serialize;
use store::records::UsageFilter;

use crate::console::Row;
use crate::problem::Problem;
use crate::reading::{self, Moment};
use crate::shop::Shop;

/// How much is read at once.
const PAGE: u32 = 5_000;

/// So many days are shown if nobody says which.
const USUAL_DAYS: u32 = 30;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(super) struct Usage {
    #[command(subcommand)]
    of: Option<Of>,
    #[command(flatten)]
    list: List,
}

const EXAMPLES: &str = "\
Examples:
  sublet usage --by customer --from 2026-12-01 --to 2026-12-31
  sublet usage --customer 1 --by lease --json
  sublet usage meters

Days are those of UTC. Bytes are those of tunnels and of messages that were passed on, as they came
through the gateway: what TCP, IP and the network around them add is not counted.";

/// What else there is to see of it.
#[derive(Debug, Subcommand)]
enum Of {
    /// Who has counted so far, and how much
    Meters,
}

#[derive(Debug, Args)]
struct List {
    /// Only this customer's
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
    /// Only this lease's
    #[arg(long, value_name = "ID")]
    lease: Option<String>,
    /// From this day on [default: 30 days up to --to]
    #[arg(long, value_name = "DAY", value_parser = reading::moment)]
    from: Option<Moment>,
    /// Up to this day, which is included [default: today]
    #[arg(long, value_name = "DAY", value_parser = reading::moment)]
    to: Option<Moment>,
    /// What it is added up by
    #[arg(long, value_name = "WHAT", default_value = "day")]
    by: By,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Day,
    Lease,
    Customer,
}

/// A line as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<i64>,
    bytes_up: u64,
    bytes_down: u64,
    connections: u64,
}

impl Shown {
    fn new(sum: &Sum, ids: &PublicIds) -> Shown {
        let (day, lease_id, customer_id, used) = match *sum {
            Sum::Day(day, used) => (Some(reading::day_shown(day)), None, None, used),
            Sum::Lease(lease, customer, used) => {
                (None, Some(ids.lease(lease)), Some(customer.0), used)
            }
            Sum::Customer(customer, used) => (None, None, Some(customer.0), used),
        };
        let Used { bytes_up, bytes_down, flows: connections } = used;
        Shown { day, lease_id, customer_id, bytes_up, bytes_down, connections }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] = &["OF", "BYTES UP", "BYTES DOWN", "CONNECTIONS"];

    fn cells(&self) -> Vec<String> {
        let of = match (&self.day, &self.lease_id, self.customer_id) {
            (Some(day), ..) => day.clone(),
            (_, Some(lease), Some(customer)) => format!("{lease} (customer {customer})"),
            (_, _, customer) => customer.map_or_else(String::new, |id| format!("customer {id}")),
        };
        let numbers = [self.bytes_up, self.bytes_down, self.connections];
        [of].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    }
}

/// A meter as it is shown.
#[derive(Debug, Serialize)]
struct ShownMeter {
    meter: String,
    gateway: String,
    last_report: i64,
    taken_at: String,
    bytes_up: u64,
    bytes_down: u64,
    connections: u64,
}

impl ShownMeter {
    fn new(reading: &MeterReading) -> ShownMeter {
        let Used { bytes_up, bytes_down, flows: connections } = reading.used;
        ShownMeter {
            meter: reading.meter.as_str().to_owned(),
            gateway: reading.gateway.clone(),
            last_report: reading.last,
            taken_at: reading::shown(reading.at),
            bytes_up,
            bytes_down,
            connections,
        }
    }
}

impl Row for ShownMeter {
    const COLUMNS: &'static [&'static str] =
        &["METER", "GATEWAY", "LAST REPORT", "TAKEN AT", "BYTES UP", "BYTES DOWN", "CONNECTIONS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.meter.clone(),
            self.gateway.clone(),
            self.last_report.to_string(),
            self.taken_at.clone(),
            self.bytes_up.to_string(),
            self.bytes_down.to_string(),
            self.connections.to_string(),
        ]
    }
}

impl Usage {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self.of {
            Some(Of::Meters) => meters(shop),
            None => self.list.run(shop),
        }
    }
}

impl List {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if let Some(customer) = self.customer {
            shop.customer(customer)?;
        }
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        let lease = self.lease.as_deref().map(|id| lease(id, &ids)).transpose()?;
        let day = |moment: Moment| Day::of(moment.at(shop.now));
        let to = self.to.map_or(Day::of(shop.now), day);
        let from = self.from.map_or(to.before(USUAL_DAYS - 1), day);
        if to < from {
            return Err(Problem::usage("--from is later than --to"));
        }
        let filter = UsageFilter { customer: self.customer, lease, days: Days::new(from, to) };
        let by = match self.by {
            By::Day => usage::By::Day,
            By::Lease => usage::By::Lease,
            By::Customer => usage::By::Customer,
        };
        let (mut sums, mut after) = (Sums::new(by), None);
        loop {
            let page = shop.store.usage(&filter, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some((last.day, last.lease));
            page.iter().for_each(|line| sums.add(line));
        }
        let shown: Vec<Shown> = sums.finish().iter().map(|sum| Shown::new(sum, &ids)).collect();
        shop.console.list(&shown, "Nothing was used.")
    }
}

fn lease(id: &str, ids: &PublicIds) -> Result<LeaseId, Problem> {
    ids.read_lease(id).ok_or_else(|| {
        Problem::usage(format!("{id} is no id of a lease"))
            .hint("`sublet usage --by lease` shows those that have used something")
    })
}

fn meters(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = shop.store.meters(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.meter.clone());
        all.extend(page.iter().map(ShownMeter::new));
    }
    shop.console.list(&all, "Nobody has counted anything so far.")
}
