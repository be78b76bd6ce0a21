//! `sublet gateway`: a gateway on a host of its own, which is told over the network what to serve,
//! and serves on when nobody tells it.

mod admin;
mod control;
mod following;
mod identity;
mod load;
mod refusals;
mod reporting;
mod rotations;
mod running;
mod saved;
mod sealed;
mod succession;
mod time;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::handover::{self, Taken};
use crate::nodes::token::Token;
use crate::problem::Problem;
use crate::signals::Signals;
use crate::traffic::{Manners, Site, Upkeep};
use control::Control;
use running::Outpost;

/// What a gateway is, and whom it follows.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the shop tells gateways what to serve, such as https://shop.example:8443; may be given
    /// several times, if it has several servers
    #[arg(long, required = true, value_name = "URL")]
    pub(crate) control: Vec<Control>,
    /// What `sublet node add` has shown; needed until the gateway has enrolled
    #[arg(long, env = "SUBLET_GATEWAY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<Token>,
    /// The folder with its key and its table
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to listen for /healthz, /readyz and /metrics [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen_admin: Option<SocketAddr>,
    /// For how many seconds new connections are taken after the shop was last heard of
    /// [default: for ever]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_stale: Option<u64>,
    /// Takes over from the gateway that runs in this folder, which then ends: nobody who connects
    /// notices.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Where a gateway that takes over asks for it [default: hand-over.sock in the folder]
    #[arg(long, value_name = "SOCKET")]
    pub(crate) hand_over: Option<PathBuf>,
    /// How long what is open may go on after the gateway was asked to end, in seconds [default: 30,
    /// or 600 when another one has taken over]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) drain: Option<u32>,
    #[command(flatten)]
    pub(crate) manners: Manners,
}

/// What a gateway says once it serves.
#[derive(Debug, Serialize)]
pub(crate) struct Ready {
    event: &'static str,
    /// Where it listens for many leases.
    gateway: Vec<SocketAddr>,
    node: String,
    /// Whether it serves what it was told before it started.
    saved: bool,
    /// Where it tells how it is.
    admin: Option<SocketAddr>,
}

impl Ready {
    /// What is served and where, in a sentence.
    pub(crate) fn for_people(&self) -> String {
        let places: Vec<String> = self.gateway.iter().map(SocketAddr::to_string).collect();
        let known = if self.saved { "what was known before" } else { "what the shop has told" };
        format!("The gateway {} serves {known}, at {}.", self.node, places.join(" and "))
    }
}

impl Options {
    /// Refuses what is known to be wrong before anything begins.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        self.manners.check()?;
        if self.take_over {
            // Nobody is disturbed for files that cannot be read.
            let site = Site { sandbox: false, own_listeners: Vec::new() };
            Upkeep::begin(&self.manners, move || site.clone())?;
        }
        Ok(())
    }

    /// Where whoever takes over asks.
    pub(crate) fn socket(&self) -> PathBuf {
        self.hand_over.clone().unwrap_or_else(|| handover::within(&self.data))
    }
}

/// Serves until SIGTERM or SIGINT, or until another process has taken over; then drains.
pub(crate) async fn run(
    options: Options,
    taken: Option<Taken>,
    ready: impl FnOnce(&Ready) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let signals = Signals::new()?;
    let (socket, drain) = (options.socket(), options.drain);
    let mut outpost = tokio::select! {
        outpost = Outpost::begin(options, taken) => outpost?,
        () = signals.asked() => return Ok(()),
    };
    let why = outpost.serve(&signals, &socket, ready).await?;
    outpost.end(why, drain, &signals).await
}
