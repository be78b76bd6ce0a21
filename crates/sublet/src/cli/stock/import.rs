//! `sublet stock import`

use std::path::PathBuf;

use clap::Args;

use super::csv::{self, Wrong};
use super::{deliver, say};
use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
Example of a file:
  ip,kind,country,operator,gateway,slots,modem
  # ours
  198.51.100.0/24,IPv4,USA
  203.0.113.7,ISP,DEU,,main
  2001:db8:1::/48,IPv6,DEU
  198.51.100.7,MOBILE,USA,verizon,main,5,m1

The first line names the columns; ip, kind and country are needed, the gateway is main by default.
Nothing is added before the whole file was read. What is in stock already is passed over, but that
it may be behind another modem, so the same file can be imported again.")]
pub(crate) struct Import {
    /// The CSV file
    file: PathBuf,
}

impl Import {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let shown = self.file.display();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| Problem::failed(format!("{shown} cannot be read: {error}")))?;
        let catalogue = shop.store.catalogue()?;
        let delivery = csv::read(&text, &catalogue).map_err(|wrong| self.problem(&wrong))?;
        let delivered = deliver(shop, &delivery)?;
        say(shop.console, &delivered)
    }

    fn problem(&self, wrong: &[Wrong]) -> Problem {
        let shown = self.file.display();
        let Some(first) = wrong.first() else {
            return Problem::failed(format!("{shown} cannot be used"));
        };
        let more = match wrong.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Problem::failed(format!("{shown}, line {}: {}{more}", first.line, first.says))
            .hint("nothing was added")
    }
}
