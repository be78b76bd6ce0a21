//! `sublet stock add`

use clap::Args;
use domain::country::Country;
use domain::kind::ProxyKind;
use domain::network::Network;

use super::line::Line;
use super::{Delivery, deliver, misfit, no_modem, say};
use crate::problem::Problem;
use crate::reading;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet stock add --kind IPv4 --country USA --cidr 198.51.100.0/24
  sublet stock add --kind IPv6 --country DEU --cidr 2001:db8:1::/48
  sublet stock add --kind MOBILE --country USA --operator verizon --cidr 198.51.100.7 --slots 5 --modem m1

A range of IPv4 adds each of its addresses; one of IPv6 adds a prefix from which addresses are drawn
as they are let. What is in stock already is passed over.")]
pub(crate) struct Add {
    /// IPv4, IPv6, MOBILE or ISP
    #[arg(long, value_parser = reading::kind)]
    kind: ProxyKind,
    /// Where it exits, such as USA
    #[arg(long, value_name = "AAA", value_parser = reading::country)]
    country: Country,
    /// The range, or a single address
    #[arg(long, value_parser = reading::network)]
    cidr: Network,
    /// The mobile operator, by the tag that it has in the catalogue
    #[arg(long, value_name = "TAG", value_parser = reading::tag)]
    operator: Option<String>,
    /// The gateway that serves it
    #[arg(long, value_name = "NAME", value_parser = reading::tag, default_value = "main")]
    gateway: String,
    /// How many leases may share each MOBILE address [default: 1]
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// The modem of the catalogue that the MOBILE address is behind; of one that is in stock
    /// already, this is changed
    #[arg(long, value_name = "NAME", value_parser = reading::tag)]
    modem: Option<String>,
}

impl Add {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let Add { kind, country, cidr, operator, gateway, slots, modem } = self;
        let line = Line { network: cidr, kind, country, operator, gateway, slots, modem };
        if let Some(problem) = line.problem() {
            return Err(Problem::usage(problem));
        }
        if let Some(misfit) = misfit(&*shop.store.catalogue()?, &line.pool(), &line.gateway) {
            let hint = "`sublet catalogue apply FILE` says what is sold and where it is served";
            return Err(Problem::failed(misfit).hint(hint));
        }
        if let Some(none) =
            no_modem(&*shop.store.catalogue()?, line.modem.as_deref(), &line.gateway)
        {
            return Err(Problem::failed(none).hint("the catalogue describes them as [[modems]]"));
        }
        let mut delivery = Delivery::default();
        line.add_to(&mut delivery);
        let delivered = deliver(shop, &delivery)?;
        say(shop.console, &delivered)
    }
}
