//! `sublet events`: what happened, from the journal.

use clap::{Args, Subcommand};
use domain::ids::{CustomerId, EntryId};
use domain::public_id::PublicIds;
use store::records::EntryFilter;

use crate::problem::Problem;
use crate::reading;
use crate::receipt::Receipt;
use crate::shop::Shop;

/// How many entries are asked for at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(super) struct Events {
    #[command(subcommand)]
    list: Option<Named>,
    #[command(flatten)]
    plain: List,
}

/// The same, said with its verb as elsewhere.
#[derive(Debug, Subcommand)]
enum Named {
    /// The entries of the journal, oldest first
    #[command(after_help = EXAMPLES)]
    List(List),
}

const EXAMPLES: &str = "\
Examples:
  sublet events --customer 1
  sublet events --after 4711 --json | jq -c 'select(.event == \"renewal_failed\")'";

#[derive(Debug, Args)]
struct List {
    /// Only what concerns this customer
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
    /// Only what came behind this entry
    #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// At most so many [default: 1000 for people, all with --json]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Events {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self.list {
            Some(Named::List(list)) => list.run(shop),
            None => self.plain.run(shop),
        }
    }
}

impl List {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if let Some(customer) = self.customer {
            shop.customer(customer)?;
        }
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        let usual = if shop.console.json { u64::MAX } else { u64::from(PAGE) };
        let limit = self.limit.unwrap_or(usual);
        let filter = EntryFilter { customer: self.customer };
        let mut after = self.after.map(EntryId);
        let mut shown: Vec<Receipt> = Vec::new();
        let mut count = 0;
        while count < limit {
            let most = u32::try_from(limit - count).map_or(PAGE, |rest| rest.min(PAGE));
            let entries = shop.store.entries(&filter, after, most)?;
            let Some(last) = entries.last() else { break };
            after = Some(last.id);
            count += entries.len() as u64;
            shown.extend(entries.iter().map(|entry| Receipt::new(entry, &ids)));
            if shop.console.json {
                shop.console.list(&shown, "")?;
                shown.clear();
            }
        }
        if shop.console.json {
            return Ok(());
        }
        shop.console.list(&shown, "Nothing has happened yet.")?;
        if let Some(EntryId(last)) = after.filter(|_| count == limit) {
            shop.console.note(&format!("There may be more: --after {last}"));
        }
        Ok(())
    }
}
