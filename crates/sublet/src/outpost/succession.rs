//! One process of a gateway follows another.
//!
//! The folder belongs to one of them at a time, and what is used is counted by each in a spool of
//! its own. Both follow the shop by themselves as long as they carry anything, so that what is taken
//! away is closed wherever it is open; the one that has let go of the folder keeps nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::admin::Admin;
use super::following::SILENCE;
use super::running::Outpost;
use super::saved::Folder;
use crate::handover::{Giver, Heir, LEARNING, Waiting, asked};
use crate::problem::Problem;

/// How long this process may take to learn what it is to serve: less than the one before it waits.
const TO_LEARN: Duration = LEARNING.saturating_sub(Duration::from_secs(60));

/// How long is waited before it is tried again to get the folder back.
const AGAIN: Duration = Duration::from_millis(100);

/// The process before this one.
pub(super) struct Before {
    pub(super) waiting: Waiting,
    /// Where this one will tell how it is.
    pub(super) admin: Option<TcpListener>,
}

impl Outpost {
    /// Waits until something is served; and, where a process was before this one, until it leaves.
    pub(super) async fn take_turn(&mut self) -> Result<(), Problem> {
        let Some(Before { waiting, admin }) = self.before.take() else {
            self.served().await;
            return Ok(());
        };
        let learning = async {
            self.served().await;
            // It has what was kept. What has happened since is known to the one before.
            let mut caught_up = self.standing.has_caught_up.subscribe();
            tokio::time::timeout(SILENCE, caught_up.wait_for(|it| *it)).await.is_ok()
        };
        let learnt = tokio::time::timeout(TO_LEARN, learning).await;
        let has_caught_up =
            learnt.map_err(|_| Problem::failed("the gateway did not learn what it is to serve"))?;
        let told = spawn_blocking(move || waiting.go_on(!has_caught_up)).await;
        match told.map_err(io::Error::other).and_then(|told| told) {
            Ok(true) => {}
            Ok(false) => {
                let says = "the gateway that runs knows more than it has kept, and stays";
                let hint = "this one does not reach the shop, or does not understand it";
                return Err(Problem::failed(says).hint(hint));
            }
            // It has gone by itself; what it gave is here.
            Err(error) => {
                tracing::warn!("The gateway before this one did not say that it leaves: {error}");
            }
        }
        self.serving().iter_mut().for_each(|serving| serving.take_turn());
        let standing = &self.standing;
        let open = |listener| Admin::open(listener, Arc::clone(standing));
        self.admin = admin.map(open).transpose()?;
        Ok(())
    }

    /// Waits until something is served.
    async fn served(&mut self) {
        if self.began.recv().await.is_none() {
            // It has failed, which is found out elsewhere.
            std::future::pending().await
        }
    }

    /// Ready when another process has taken over.
    pub(super) async fn hand_over_when_asked(&mut self, giver: Option<&Giver>) {
        loop {
            let heir = asked(giver, self.lender()).await;
            tracing::info!("Asked to hand over");
            let Err(error) = self.hand_over(heir).await else { return };
            tracing::error!("The gateway that was to take over did not: {error}. This one goes on");
            self.take_back().await;
        }
    }

    /// What gives the listeners out, that of `--listen-admin` first; or, told `false`, goes on as
    /// before.
    fn lender(&self) -> impl Fn(bool) -> io::Result<(bool, Vec<OwnedFd>)> + Clone + Send + use<> {
        let (serving, admin) = (self.serving_too(), self.admin.as_ref().map(Admin::spare));
        move |lend| {
            let mut serving = serving.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let Some(serving) = &mut *serving else {
                return Err(io::Error::other("nothing is served here"));
            };
            if !lend {
                serving.take_turn();
                return Ok((false, Vec::new()));
            }
            let gateway = serving.lend()?;
            let admin = admin.as_ref().map(|admin| admin.try_clone()).transpose()?;
            Ok((admin.is_some(), admin.into_iter().chain(gateway).collect()))
        }
    }

    /// Lets go of the folder, and waits until everything is served by the other one.
    async fn hand_over(&mut self, heir: Heir) -> io::Result<()> {
        let saver = Arc::clone(&self.saver);
        let is_kept = spawn_blocking(move || saver.let_go()).await.unwrap_or(false);
        self.folder = None;
        let standing = Arc::clone(&self.standing);
        // What was kept is enough if nobody knows more.
        heir.follow(move || is_kept && !standing.is_followed()).await
    }

    /// Goes on as before. The folder is free as soon as the other process has ended.
    async fn take_back(&mut self) {
        self.serving().iter_mut().for_each(|serving| serving.take_turn());
        let folder = loop {
            match Folder::open(&self.path) {
                Ok(folder) => break folder,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        if let Err(error) = self.saver.go_on(folder.clone()) {
            tracing::error!("The table cannot be saved: {error}; it is served all the same");
        }
        self.folder = Some(folder);
        tracing::info!("The folder is this gateway's again");
    }
}
