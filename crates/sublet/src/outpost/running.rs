//! A gateway that runs: composed, told what to serve, and ended.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use super::admin::Admin;
use super::control::Control;
use super::following::{Following, Standing};
use super::identity::Identity;
use super::rotations::DeskElsewhere;
use super::saved::{Folder, Saver};
use super::succession::Before;
use super::time::ShopTime;
use super::usage::Elsewhere;
use super::{Options, Ready};
use crate::handover::{Giver, Taken, listen};
use crate::problem::Problem;
use crate::signals::Signals;
use crate::traffic;
use crate::traffic::metering::Metering;
use crate::traffic::rotator::Driving;
use crate::traffic::serving::Serving;

/// How long what is open may go on after the gateway was asked to end.
const DRAIN: Duration = Duration::from_secs(30);
/// The same where another process has taken over.
const DRAIN_HANDED_OVER: Duration = Duration::from_secs(600);

/// A gateway that runs.
pub(super) struct Outpost {
    /// Where its folder is.
    pub(super) path: PathBuf,
    /// Its folder, unless another process has it.
    pub(super) folder: Option<Folder>,
    identity: Identity,
    pub(super) standing: Arc<Standing>,
    pub(super) saver: Arc<Saver>,
    serving: Arc<Mutex<Option<Serving>>>,
    metering: Arc<Mutex<Option<Metering<Elsewhere>>>>,
    following: JoinHandle<()>,
    /// Told once anything is served.
    pub(super) began: mpsc::Receiver<()>,
    /// Told when the operator has removed this gateway.
    removed: watch::Receiver<bool>,
    /// Whether it serves what it was told before it started.
    is_saved: bool,
    /// Where the shop's servers are.
    controls: Vec<Control>,
    /// Where secrets of modems are.
    modem_secrets: Option<PathBuf>,
    /// Who drives the modems, once this process is the one that serves.
    driving: Option<Driving>,
    /// Where it tells how it is.
    pub(super) admin: Option<Admin>,
    /// The process before this one, as long as it serves.
    pub(super) before: Option<Before>,
}

/// Why it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It was asked to.
    Asked,
    /// The operator has removed it.
    Removed,
    /// Another process has taken over.
    Followed,
}

impl Outpost {
    /// Opens the folder, enrols if that has not been done, and begins to follow the shop.
    pub(super) async fn begin(options: Options, taken: Option<Taken>) -> Result<Outpost, Problem> {
        let folder = Folder::open(&options.data)?;
        let identity =
            Identity::open_or_enrol(&folder, &options.control, options.token.as_ref()).await?;
        let loaded = {
            let (folder, identity) = (folder.clone(), identity.clone());
            let loaded = spawn_blocking(move || folder.load(&identity));
            loaded.await.map_err(anyhow::Error::from)?
        };
        let loaded = loaded.unwrap_or_else(|refused| {
            tracing::error!("The saved table is refused: {refused}");
            None
        });
        let kept = loaded.as_ref().and_then(|loaded| loaded.clock.clone());
        let clock = Arc::new(ShopTime::new(kept));
        let standing = Arc::new(Standing::new(Arc::default(), Arc::clone(&clock)));
        let saver = Saver::start(folder.clone(), &identity, loaded.as_ref(), Arc::clone(&clock))?;
        let saver = Arc::new(saver);
        let (inherited, http, waiting) = match taken {
            Some(Taken { http, gateway, waiting }) => (Some(gateway), http, Some(waiting)),
            None => (None, None, None),
        };
        let admin = options.listen_admin.map(|address| listen(address, http)).transpose()?;
        // The one before tells how it is until it leaves.
        let (admin, before) = match waiting {
            Some(waiting) => (None, Some(Before { waiting, admin })),
            None => {
                let open = |listener| Admin::open(listener, Arc::clone(&standing));
                (admin.map(open).transpose()?, None)
            }
        };
        let first = loaded.map(|loaded| loaded.table);
        if let Some(table) = &first {
            tracing::info!(leases = table.leases.len(), "Serving what was known before");
        }
        let is_saved = first.is_some();
        let (tell_began, began) = mpsc::channel(1);
        let (tell_removed, removed) = watch::channel(false);
        let controls = options.control.clone();
        let modem_secrets = options.manners.modem_secrets.clone();
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
            saver: Arc::clone(&saver),
            inherited,
            serving: Arc::default(),
            metering: Arc::default(),
            usage: options.data.join("usage"),
            position: None,
            began: tell_began,
            removed: tell_removed,
        };
        Ok(Outpost {
            path: options.data,
            folder: Some(folder),
            identity,
            standing,
            saver,
            serving: Arc::clone(&following.serving),
            metering: Arc::clone(&following.metering),
            following: tokio::spawn(following.follow(first)),
            began,
            removed,
            is_saved,
            controls,
            modem_secrets,
            driving: None,
            admin,
            before,
        })
    }

    /// Serves until something ends it; says what.
    pub(super) async fn serve(
        &mut self,
        signals: &Signals,
        socket: &Path,
        ready: impl FnOnce(&Ready) -> Result<(), Problem>,
    ) -> Result<Why, Problem> {
        let mut over = std::pin::pin!(over(signals, self.removed.clone()));
        let follows = self.before.is_some();
        tokio::select! {
            turn = self.take_turn() => turn?,
            why = &mut over => return why,
        }
        let desk = DeskElsewhere::new(&self.controls, &self.identity.asking);
        self.driving = Some(Driving::start(desk, self.modem_secrets.clone()));
        let giver = Giver::open(socket, follows);
        ready(&self.ready())?;
        tokio::select! {
            () = self.hand_over_when_asked(giver.as_ref()) => {}
            why = &mut over => return why,
        }
        giver.into_iter().for_each(Giver::leave);
        Ok(Why::Followed)
    }

    /// What is served, and where.
    fn ready(&self) -> Ready {
        let listening = self.serving().as_ref().map(Serving::listening);
        Ready {
            event: "ready",
            gateway: listening.unwrap_or_default(),
            node: self.identity.node.clone(),
            saved: self.is_saved,
            admin: self.admin.as_ref().map(|admin| admin.address),
        }
    }

    /// What is served, once anything is.
    pub(super) fn serving(&self) -> MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for others.
    pub(super) fn serving_too(&self) -> Arc<Mutex<Option<Serving>>> {
        Arc::clone(&self.serving)
    }

    /// Lets what is open go on for a while, following what becomes of it, unless the operator has
    /// removed it; and ends.
    pub(super) async fn end(
        mut self,
        why: Why,
        drain: Option<u32>,
        signals: &Signals,
    ) -> Result<(), Problem> {
        let is_followed = why == Why::Followed;
        let mut is_removed = why == Why::Removed;
        match why {
            Why::Asked => tracing::info!("Asked to end: draining"),
            Why::Followed => {
                tracing::info!("Handed over");
                self.standing.is_leaving.store(true, Ordering::Relaxed);
                self.admin = None;
            }
            Why::Removed => {}
        }
        self.driving.iter().for_each(Driving::rest);
        let gateway = self.serving().as_ref().map(|serving| Arc::clone(&serving.gateway));
        if let Some(gateway) = &gateway
            && !is_removed
        {
            self.serving().iter().for_each(Serving::leave);
            let usual = if is_followed { DRAIN_HANDED_OVER } else { DRAIN };
            let patience = drain.map_or(usual, |seconds| Duration::from_secs(seconds.into()));
            let mut removed = self.removed.clone();
            let removed = async {
                if removed.wait_for(|removed| *removed).await.is_err() {
                    // Nobody follows any more; what is open goes on all the same.
                    std::future::pending().await
                }
            };
            let hurried = async {
                if !is_followed {
                    std::future::pending().await
                }
                signals.asked().await;
                tokio::time::sleep(DRAIN).await;
            };
            is_removed = tokio::select! {
                () = traffic::drained(gateway, patience) => false,
                () = hurried => false,
                () = removed => true,
            };
            traffic::tell_cut(gateway);
        }
        if let Some(driving) = self.driving.take() {
            driving.end().await;
        }
        self.following.abort();
        let _ = (&mut self.following).await;
        // What was told is saved by then.
        let saver = Arc::clone(&self.saver);
        let _ = spawn_blocking(move || saver.let_go()).await;
        if is_removed && !is_followed {
            // Whoever was about to take over may have it, and will learn that it is removed.
            if let Some(folder) = self.folder.take().or_else(|| Folder::open(&self.path).ok()) {
                folder.erase().context("what was told cannot be erased")?;
            }
        }
        // They give the gateway back, so that what follows ends it.
        drop(self.serving().take());
        let metering = self.metering.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(gateway), Some(mut metering)) = (gateway, metering) {
            metering.stop().await;
            // Its threads are waited for.
            let last = spawn_blocking(move || gateway.end()).await;
            metering.end(last.unwrap_or_default()).await;
        }
        match is_removed {
            false => Ok(()),
            true => {
                Err(Problem::failed("the operator has removed this gateway; it serves no more"))
            }
        }
    }
}

/// Ready when the gateway is asked to end, or removed; an error is that it has failed.
async fn over(signals: &Signals, mut removed: watch::Receiver<bool>) -> Result<Why, Problem> {
    tokio::select! {
        () = signals.asked() => Ok(Why::Asked),
        removed = removed.wait_for(|removed| *removed) => match removed {
            Ok(_) => Ok(Why::Removed),
            Err(_) => Err(anyhow!("the gateway has failed").into()),
        }
    }
}
