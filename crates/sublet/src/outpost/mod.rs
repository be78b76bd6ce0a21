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
mod saved;
mod sealed;
mod time;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::nodes::token::Token;
use crate::problem::Problem;
use crate::traffic::rotator::Driving;
use crate::traffic::{self, Manners};
use control::Control;
use following::{Following, Standing};
use identity::Identity;
use rotations::DeskElsewhere;
use saved::{Folder, Loaded};
use time::ShopTime;

/// How long connections that are open may go on after the gateway was asked to end.
const DRAIN: Duration = Duration::from_secs(30);

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

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn run(
    options: Options,
    ready: impl FnOnce(&Ready) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked_to_end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut asked_to_end = std::pin::pin!(asked_to_end);
    options.manners.check()?;
    let folder = Folder::open(&options.data)?;
    let enrolling = Identity::open_or_enrol(&folder, &options.control, options.token.as_ref());
    let identity = tokio::select! {
        identity = enrolling => identity?,
        () = &mut asked_to_end => return Ok(()),
    };
    let loaded = {
        let (folder, identity) = (folder.clone(), identity.clone());
        let loaded = tokio::task::spawn_blocking(move || folder.load(&identity));
        loaded.await.map_err(anyhow::Error::from)?
    };
    let loaded = loaded.unwrap_or_else(|refused| {
        tracing::error!("The saved table is refused: {refused}");
        None
    });
    let clock = Arc::new(ShopTime::new(loaded.as_ref().and_then(|loaded| loaded.clock.clone())));
    let counts = Arc::<api::Traffic>::default();
    let standing = Arc::new(Standing::new(Arc::clone(&counts), Arc::clone(&clock)));
    let saver =
        saved::Saver::start(folder.clone(), &identity, loaded.as_ref(), Arc::clone(&clock))?;
    let admin = match options.listen_admin {
        Some(address) => Some(admin::Admin::open(address, Arc::clone(&standing)).await?),
        None => None,
    };
    let first = match loaded {
        Some(Loaded { table, .. }) => {
            tracing::info!(leases = table.leases.len(), "Serving what was known before");
            Some(table)
        }
        None => None,
    };
    let is_saved = first.is_some();
    let (began, mut begun) = mpsc::channel(1);
    let (removed_to, mut removed) = watch::channel(false);
    let desk = DeskElsewhere::new(&options.control, &identity.asking);
    let driving = Driving::start(desk, options.manners.modem_secrets.clone());
    let following = Following {
        controls: options.control,
        manners: options.manners,
        upkeep: None,
        telling: Vec::new(),
        own_listeners: Arc::default(),
        max_stale: options.max_stale.map(Duration::from_secs),
        identity: identity.clone(),
        clock,
        standing: Arc::clone(&standing),
        saver,
        serving: Arc::new(Mutex::new(None)),
        metering: Arc::new(Mutex::new(None)),
        usage: options.data.join("usage"),
        position: None,
        began,
        removed: removed_to,
    };
    let (serving, metering) = (Arc::clone(&following.serving), Arc::clone(&following.metering));
    let following = tokio::spawn(following.follow(first));
    let mut tell = Some(ready);
    let is_removed = loop {
        tokio::select! {
            Some(listening) = begun.recv() => {
                if let Some(tell) = tell.take() {
                    tell(&Ready {
                        event: "ready",
                        gateway: listening,
                        node: identity.node.clone(),
                        saved: is_saved,
                        admin: admin.as_ref().map(|admin| admin.address),
                    })?;
                }
            }
            changed = removed.changed() => {
                if changed.is_ok() {
                    break true;
                }
                return Err(anyhow::anyhow!("the gateway has failed").into());
            }
            () = &mut asked_to_end => break false,
        }
    };
    let gateway = {
        let serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.as_ref().map(|serving| Arc::clone(&serving.gateway))
    };
    if !is_removed {
        tracing::info!("Asked to end: draining");
        // At once: the rest may wait for a disk.
        gateway.iter().for_each(|gateway| gateway.drain());
        driving.rest();
    }
    following.abort();
    // What was told is saved by then.
    let _ = following.await;
    if is_removed {
        folder.erase().context("what was told cannot be erased")?;
    } else if let Some(gateway) = &gateway {
        traffic::drain(gateway, DRAIN).await;
    }
    driving.end().await;
    // They give the gateway back, so that what follows ends it.
    drop(serving.lock().unwrap_or_else(PoisonError::into_inner).take());
    let metering = metering.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let (Some(gateway), Some(mut metering)) = (gateway, metering) {
        metering.stop().await;
        // Its threads are waited for.
        let last = tokio::task::spawn_blocking(move || gateway.end()).await;
        metering.end(last.unwrap_or_default()).await;
    }
    match is_removed {
        false => Ok(()),
        true => Err(Problem::failed("the operator has removed this gateway; it serves no more")),
    }
}
