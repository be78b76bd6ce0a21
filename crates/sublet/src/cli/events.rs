//! `sublet events`: what happened, from the journal.

use std::time::Duration;

use clap::{Args, Subcommand};
use domain::ids::{CustomerId, EntryId};
use domain::journal::Entry;
use domain::public_id::PublicIds;
use store::Store;
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
  sublet events --after 4711 --json | jq -c 'select(.event == \"renewal_failed\")'
  sublet events --after 4711 --follow --json

Everything that happens is numbered from 1 without a gap, in one order for all, and stays as it is.
With --customer, entries are told apart by their own numbers, which have gaps.";

/// How often is looked for what has happened meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
struct List {
    /// Only what concerns this customer
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
    /// Only what came behind this number; with --customer, behind this entry
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// At most so many [default: 1000 for people, all with --json]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on with what happens, until interrupted; with --json only
    #[arg(long)]
    follow: bool,
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
        if self.follow && !shop.console.json {
            return Err(Problem::usage("--follow prints one object a line: add --json"));
        }
        let ids = PublicIds::new(shop.store.installation()?.id_key);
        let usual = if shop.console.json { u64::MAX } else { u64::from(PAGE) };
        let limit = self.limit.unwrap_or(usual);
        let mut after = self.after;
        let mut shown: Vec<Receipt> = Vec::new();
        let mut count = 0;
        while count < limit {
            let most = u32::try_from(limit - count).map_or(PAGE, |rest| rest.min(PAGE));
            let page = self.page(shop.store, &ids, after, most)?;
            let Some((last, _)) = page.last() else {
                if self.follow {
                    std::thread::sleep(LOOK_AGAIN);
                    continue;
                }
                break;
            };
            after = Some(*last);
            count += page.len() as u64;
            shown.extend(page.into_iter().map(|(_, receipt)| receipt));
            if shop.console.json {
                shop.console.list(&shown, "")?;
                shown.clear();
            }
        }
        if shop.console.json {
            return Ok(());
        }
        shop.console.list(&shown, "Nothing has happened yet.")?;
        if let Some(last) = after.filter(|_| count == limit) {
            shop.console.note(&format!("There may be more: --after {last}"));
        }
        Ok(())
    }

    /// The next entries, each with what it is asked for by.
    fn page(
        &self,
        store: &dyn Store,
        ids: &PublicIds,
        after: Option<i64>,
        most: u32,
    ) -> Result<Vec<(i64, Receipt)>, Problem> {
        if self.customer.is_none() {
            let feed = store.feed(after.unwrap_or(0), most)?;
            let numbered =
                |(number, entry): &(i64, Entry)| (*number, Receipt::numbered(*number, entry, ids));
            return Ok(feed.iter().map(numbered).collect());
        }
        let filter = EntryFilter { customer: self.customer, ..EntryFilter::default() };
        let entries = store.entries(&filter, after.map(EntryId), most)?;
        Ok(entries.iter().map(|entry| (entry.id.0, Receipt::new(entry, ids))).collect())
    }
}
