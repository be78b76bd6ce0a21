//! `sublet node`: gateways on other hosts.

use clap::{Args, Subcommand};
use domain::time::Time;
use engine::secret;
use feed::report::Report;
use serde::Serialize;
use store::nodes::{NewNode, Node as Kept};

use crate::console::Row;
use crate::nodes;
use crate::nodes::key::Key;
use crate::nodes::token::Token;
use crate::problem::Problem;
use crate::random;
use crate::reading::{self, Moment};
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Node {
    /// Let a gateway on another host enrol; its token is shown this once only
    Add(Add),
    /// All gateways on other hosts, and how they are
    List,
    /// Cut a gateway off for good
    Remove(Remove),
    /// Have gateways take the books as they are, after the database was taken back to an earlier
    /// state by other means than `sublet restore`
    NewEpoch,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet node add --gateway rotterdam")]
pub(super) struct Add {
    /// Which gateways of the catalogue it is
    #[arg(long, required = true, value_delimiter = ',', value_name = "NAME")]
    gateway: Vec<String>,
    /// What it is called [default: the first of its gateways]
    #[arg(long, value_parser = reading::name)]
    name: Option<String>,
    /// Until when it may enrol, or for how long
    #[arg(long, value_parser = reading::moment, default_value = "24h", value_name = "TIME")]
    until: Moment,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// What it is called
    #[arg(value_name = "NAME")]
    name: String,
}

/// A gateway that was just added.
#[derive(Serialize)]
struct Made<'a> {
    node: &'a str,
    gateways: &'a [String],
    token: &'a str,
    until: String,
}

/// A gateway as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    node: String,
    gateways: Vec<String>,
    state: &'static str,
    seen_at: Option<String>,
    /// How long it has not been heard of, in seconds.
    silent_seconds: Option<i64>,
    /// How many things have happened that its table does not know of.
    lag: Option<i64>,
    /// What it says.
    report: Option<Report>,
}

/// A gateway that was not heard of for so long is away.
const AWAY_SECONDS: i64 = 15;

impl Shown {
    fn new(node: Kept, end: i64, now: Time) -> Shown {
        let silent_seconds = node.seen_at.map(|seen| now.since(seen).millis().max(0) / 1_000);
        let report: Option<Report> =
            node.report.and_then(|report| serde_json::from_str(&report).ok());
        let state = match silent_seconds {
            _ if node.removed_at.is_some() => "removed",
            _ if node.enrolled_at.is_none() && node.token_until <= now => "too late",
            _ if node.enrolled_at.is_none() => "to enrol",
            Some(silent) if silent < AWAY_SECONDS => "here",
            _ => "away",
        };
        Shown {
            node: node.name,
            gateways: node.gateways,
            state,
            seen_at: node.seen_at.map(reading::shown),
            silent_seconds,
            lag: report.as_ref().map(|report| end.saturating_sub(report.number).max(0)),
            report,
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["NAME", "GATEWAYS", "STATE", "SEEN", "VERSION", "LAG", "LEASES", "CONNECTIONS"];

    fn cells(&self) -> Vec<String> {
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let report = self.report.as_ref();
        vec![
            self.node.clone(),
            self.gateways.join(", "),
            self.state.to_owned(),
            shown(self.silent_seconds.map(|seconds| format!("{seconds} s ago"))),
            shown(report.map(|report| printable(&report.version))),
            shown(self.lag.map(|lag| lag.to_string())),
            shown(report.map(|report| report.leases.to_string())),
            shown(report.map(|report| report.connections.to_string())),
        ]
    }
}

/// What a gateway says, on a terminal that it is not to give orders to.
fn printable(said: &str) -> String {
    said.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

impl Node {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Node::Add(add) => add.run(shop),
            Node::List => list(shop),
            Node::Remove(remove) => remove.run(shop),
            Node::NewEpoch => new_epoch(shop),
        }
    }
}

impl Add {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let catalogue = shop.store.catalogue()?;
        if let Some(unknown) =
            self.gateway.iter().find(|name| !catalogue.gateways.contains_key(*name))
        {
            let hint = "`sublet catalogue show` shows its gateways";
            return Err(
                Problem::failed(format!("the catalogue has no gateway {unknown}")).hint(hint)
            );
        }
        let name = self.name.unwrap_or_else(|| self.gateway[0].clone());
        let identity = nodes::identity(shop.store)?;
        let shop_key = Key::read(&identity.key)?.hash();
        let secret = secret::new_gateway_token(random::bytes()?);
        let until = self.until.at(shop.now);
        let new = NewNode {
            name: name.clone(),
            gateways: self.gateway,
            token_hash: secret.hash(),
            token_until: until,
        };
        if shop.store.add_node(&new, shop.now)?.is_none() {
            let hint = format!("choose another with --name, or `sublet node remove {name}` first");
            return Err(Problem::failed(format!("there is a node {name} already")).hint(hint));
        }
        let token = Token::print(&secret, &shop_key);
        let until = reading::shown(until);
        let made = Made { node: &name, gateways: &new.gateways, token: &token, until };
        let people =
            [("node", name.clone()), ("token", token.clone()), ("good until", made.until.clone())];
        shop.console.result(&made, &people)?;
        shop.console.note("The token is shown this once only, and good for one gateway.");
        Ok(())
    }
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let (nodes, end) = (shop.store.nodes()?, shop.store.feed_end()?);
    let shown = nodes.into_iter().map(|node| Shown::new(node, end, shop.now)).collect::<Vec<_>>();
    shop.console.list(&shown, "There are no gateways on other hosts yet.")
}

impl Remove {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if !shop.store.remove_node(&self.name, shop.now)? {
            let says = format!("there is no node {}", self.name);
            return Err(Problem::failed(says).hint("`sublet node list` shows them all"));
        }
        let removed = serde_json::json!({ "node": self.name, "removed": true });
        shop.console.result(&removed, &[("removed", self.name.clone())])
    }
}

fn new_epoch(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let epoch: String = random::bytes()?[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    shop.store.set_gateway_epoch(&epoch)?;
    shop.console.result(&serde_json::json!({ "epoch": epoch }), &[("epoch", epoch.clone())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_says_nonsense_is_shown_like_any_other() {
        let now = Time::from_millis(1_000_000);
        let shown = |number: i64, version: &str| {
            let report = serde_json::json!({ "version": version, "number": number });
            let node = Kept {
                id: 1,
                name: "rotterdam".into(),
                gateways: vec!["main".into()],
                token_until: now,
                key_hash: None,
                created_at: now,
                enrolled_at: Some(now),
                removed_at: None,
                seen_at: Some(now),
                report: Some(report.to_string()),
            };
            let shown = Shown::new(node, 7, now);
            (shown.lag, shown.cells()[4].clone())
        };
        assert_eq!(shown(5, "1.0"), (Some(2), "1.0".to_owned()));
        let long = "x".repeat(100);
        assert_eq!(shown(i64::MAX, &long), (Some(0), long[..40].to_owned()));
        assert_eq!(shown(i64::MIN, "\u{1b}[2Jx\n"), (Some(i64::MAX), "[2Jx".to_owned()));
    }
}
