//! Follows the shop: takes what it tells, and serves it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use domain::time::Time;
use feed::report::Refusal;
use feed::stream::{Batch, Begin, LINE_MAX, Position, Read, Reader};
use gateway::clock::Clock;
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::control::{Connection, Control, NotDone, Shop};
use super::identity::Identity;
use super::refusals;
use super::reporting::{Taken, report};
use super::saved::{Saver, Table};
use super::time::ShopTime;
use super::usage::Elsewhere;
use crate::nodes::http::FEED;
use crate::traffic::metering::Metering;
use crate::traffic::serving::Serving;
use crate::traffic::{self, Manners, Site, Upkeep};

/// A shop that says nothing for so long is not there: it says so each second.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// How long is waited before the shop is asked again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3));

/// How often is looked after what is served.
const TEND: Duration = Duration::from_millis(500);

/// How long is waited before everything is asked for again because it could not be saved.
const WHOLE_AGAIN: Duration = Duration::from_secs(30);

/// How the gateway stands with its shop.
pub(super) struct Standing {
    /// What it carries.
    pub(super) counts: Arc<api::Traffic>,
    /// What time it is there.
    pub(super) clock: Arc<ShopTime>,
    /// When it started.
    pub(super) started: Instant,
    /// The number of the last thing that its table knows of, and of the last that has happened.
    pub(super) number: AtomicI64,
    pub(super) number_there: AtomicI64,
    /// Whether it takes no new connections because it was told nothing for too long.
    pub(super) is_stale: AtomicBool,
    /// Whether there is a table at all.
    pub(super) is_told: AtomicBool,
    /// Whether the shop has told this process something.
    pub(super) has_caught_up: watch::Sender<bool>,
    /// Whether another process has taken over.
    pub(super) is_leaving: AtomicBool,
    heard: Mutex<Option<Instant>>,
    refused: Mutex<Option<String>>,
}

impl Standing {
    pub(super) fn new(counts: Arc<api::Traffic>, clock: Arc<ShopTime>) -> Standing {
        Standing {
            counts,
            clock,
            started: Instant::now(),
            number: AtomicI64::new(0),
            number_there: AtomicI64::new(0),
            is_stale: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            has_caught_up: watch::Sender::new(false),
            is_leaving: AtomicBool::new(false),
            heard: Mutex::new(None),
            refused: Mutex::new(None),
        }
    }

    /// How long the shop was not heard of.
    pub(super) fn silent_for(&self) -> Duration {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.unwrap_or(self.started).elapsed()
    }

    /// Whether the shop is there.
    pub(super) fn is_followed(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() < SILENCE)
    }

    /// Why the last table that was told is not in force.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn note_refused(&self, why: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// Follows the shop.
pub(super) struct Following {
    pub(super) controls: Vec<Control>,
    pub(super) manners: Manners,
    /// Who looks after files, once anything is served.
    pub(super) upkeep: Option<Ending>,
    /// Who tells each server of the shop what was refused, once anything is served.
    pub(super) telling: Vec<Ending>,
    /// Where is listened for many leases.
    pub(super) own_listeners: Arc<Mutex<Vec<SocketAddr>>>,
    pub(super) max_stale: Option<Duration>,
    pub(super) identity: Identity,
    pub(super) clock: Arc<ShopTime>,
    pub(super) standing: Arc<Standing>,
    pub(super) saver: Arc<Saver>,
    /// Listeners of the process before this one, if there is one: then nothing is served before it
    /// is this one's turn.
    pub(super) inherited: Option<Vec<TcpListener>>,
    /// What is served, once anything is.
    pub(super) serving: Arc<Mutex<Option<Serving>>>,
    /// Who counts what is used, once anything is served.
    pub(super) metering: Arc<Mutex<Option<Metering<Elsewhere>>>>,
    /// The folder for what was counted.
    pub(super) usage: PathBuf,
    /// How far the table in force has come.
    pub(super) position: Option<Position>,
    /// Told once anything is served.
    pub(super) began: mpsc::Sender<()>,
    /// Told when the operator has removed this gateway.
    pub(super) removed: watch::Sender<bool>,
}

/// A task that ends with who has started it.
pub(super) struct Ending(pub(super) JoinHandle<()>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    /// Serves `first`, if there is something, and then whatever the shop tells, until it is aborted
    /// or the gateway was removed.
    pub(super) async fn follow(mut self, first: Option<Table>) {
        if let Some(first) = first {
            let batch = Batch {
                begin: Some(Begin { whole: true, ..Begin::default() }),
                listen: Some(first.listen.into_iter().collect()),
                changes: first.leases.into_iter().map(feed::stream::Change::Put).collect(),
                ..Batch::default()
            };
            match self.serve(&batch) {
                Ok(()) => self.is_at(first.position),
                Err(error) => {
                    tracing::error!("The saved table cannot be served: {error:#}");
                    if self.inherited.is_some() {
                        // It is served by the process before this one.
                        return;
                    }
                }
            }
        }
        let _tending = Ending(tokio::spawn(tend(
            Arc::clone(&self.serving),
            Arc::clone(&self.standing),
            self.max_stale,
        )));
        let mut pause = AGAIN.0;
        let mut is_told = false;
        for control in self.controls.clone().iter().cycle() {
            let since = Instant::now();
            let Err(error) = self.attend(control).await;
            if let Some(NotDone::Refused(Refusal::Removed)) = error.downcast_ref() {
                self.removed.send_replace(true);
                return;
            }
            // Once is enough while it stays so.
            if !std::mem::replace(&mut is_told, true) || since.elapsed() > SILENCE {
                tracing::warn!("The shop at {control} is not followed: {error:#}; serving on");
            }
            if since.elapsed() > SILENCE {
                (pause, is_told) = (AGAIN.0, false);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }

    /// Takes what a server of the shop tells, for as long as it does.
    async fn attend(&mut self, control: &Control) -> Result<std::convert::Infallible> {
        let mut connection = Connection::open(control, &self.identity.asking).await?;
        let wants_whole = self.saver.wants_whole();
        let from = self.position.clone().filter(|_| !wants_whole);
        let mut stream = connection.stream(FEED, &from).await?;
        let (taken, reported) = watch::channel(Taken::default());
        let reporting = report(
            control.clone(),
            Arc::clone(&self.identity.asking),
            Arc::clone(&self.standing),
            reported,
        );
        let _reporting = Ending(tokio::spawn(reporting));
        let (mut reader, mut rest, mut told) = (Reader::default(), Vec::new(), Vec::new());
        let mut session = None;
        let began = Instant::now();
        loop {
            let frame = tokio::time::timeout(SILENCE, stream.frame()).await;
            let frame = frame.context("it says nothing")?.context("it has ended")??;
            let Ok(data) = frame.into_data() else { continue };
            rest.extend_from_slice(&data);
            let mut done = 0;
            while let Some(length) = rest[done..].iter().position(|byte| *byte == b'\n') {
                let line = &rest[done..=done + length];
                let read = self.prove(reader.read(&line[..length]))?;
                done += length + 1;
                if !matches!(read, Read::Beat(_)) {
                    told.extend_from_slice(line);
                }
                match read {
                    Read::More => {}
                    Read::Beat(beat) => {
                        self.standing.hear();
                        self.standing.number_there.store(beat.number, Ordering::Relaxed);
                        self.hear(beat.time);
                    }
                    Read::Batch(batch) => {
                        let fits = self.fits(&batch, session, from.is_some());
                        let of = self.prove(fits)?;
                        session = Some((of, batch.commit.number));
                        self.standing.hear();
                        self.hear(batch.commit.time);
                        tokio::task::block_in_place(|| self.serve(&batch))?;
                        self.is_at(batch.commit.position.clone());
                        self.saver.save(std::mem::take(&mut told), batch.is_whole());
                        taken.send_replace(Taken { session: of, commit: batch.commit.number });
                        self.standing.has_caught_up.send_replace(true);
                    }
                }
            }
            rest.drain(..done);
            ensure!(rest.len() <= LINE_MAX, "a line of it has no end");
            if self.saver.wants_whole() && began.elapsed() > WHOLE_AGAIN && reader.is_between() {
                bail!("everything has to be told again, so that it can be saved");
            }
        }
    }

    /// Whether a batch can be put in force behind what is; says which stream it is of. `session` is
    /// the stream so far, and the number of its last commit.
    fn fits(&self, batch: &Batch, session: Option<(u64, u64)>, goes_on: bool) -> Result<u64> {
        let of = match (&batch.begin, session) {
            (Some(begin), None) => {
                let own = &self.identity.node;
                ensure!(begin.node == *own, "it is the table of the gateway {}", begin.node);
                ensure!(begin.whole || goes_on, "it goes on from what was never told");
                begin.session
            }
            (None, Some((of, last))) => {
                ensure!(batch.commit.number == last + 1, "something of it is missing");
                of
            }
            _ => bail!("it begins twice"),
        };
        if let Some(now) = &self.position
            && now.epoch == batch.commit.position.epoch
        {
            let told = batch.commit.position.number;
            ensure!(
                now.number <= told,
                "it is older than the table in force: {told} after {}",
                now.number
            );
        }
        Ok(of)
    }

    /// Notes if what was told is not to be believed.
    fn prove<T, E: Into<anyhow::Error>>(&self, proven: Result<T, E>) -> Result<T> {
        let proven = proven.map_err(Into::into).context("what it tells is refused");
        self.standing.note_refused(proven.as_ref().err().map(|error| format!("{error:#}")));
        proven
    }

    /// The shop says what time it is there.
    fn hear(&self, time: i64) {
        if self.clock.hear(Time::from_millis(time))
            && let Some(serving) = &*self.serving()
        {
            serving.gateway.clock_turned();
        }
    }

    /// Serves what was told.
    fn serve(&mut self, batch: &Batch) -> Result<()> {
        if let Some(ports) = &batch.listen {
            let own = ports.iter().map(|port| traffic::everywhere(port.port)).collect();
            *self.own_listeners.lock().unwrap_or_else(PoisonError::into_inner) = own;
        }
        let serving = Arc::clone(&self.serving);
        let mut place = serving.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = place.is_none();
        let serving = match &mut *place {
            Some(serving) => serving,
            None => {
                let (sandbox, own) = (self.identity.sandbox, Arc::clone(&self.own_listeners));
                let site = move || {
                    let own_listeners = own.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    Site { sandbox, own_listeners }
                };
                let (upkeep, certificate) = Upkeep::begin(&self.manners, site)?;
                let (clock, counts) = (Arc::clone(&self.clock), Arc::clone(&self.standing.counts));
                let (policy, clock) = (upkeep.policy(), clock as Arc<dyn Clock>);
                let mut serving =
                    traffic::start(policy, certificate, Arc::clone(&clock), Arc::clone(&counts))?;
                let gateway = Arc::clone(&serving.gateway);
                self.upkeep = Some(Ending(tokio::spawn(upkeep.keep(Arc::clone(&gateway)))));
                let asking = Arc::clone(&self.identity.asking);
                let books = Elsewhere(Shop::new(self.controls.clone(), asking));
                let telling = refusals::tell_all(&gateway, &self.controls, &self.identity.asking);
                self.telling = telling.into_iter().map(tokio::spawn).map(Ending).collect();
                let metering = Metering::start(gateway, &self.usage, clock, books, counts);
                let metering = metering
                    .with_context(|| format!("nothing can be kept in {}", self.usage.display()))?;
                if let Some(inherited) = self.inherited.take() {
                    serving.wait_behind(inherited)?;
                }
                *self.metering.lock().unwrap_or_else(PoisonError::into_inner) = Some(metering);
                place.insert(serving)
            }
        };
        if batch.is_whole() {
            let mut whole = serving.whole();
            for change in &batch.changes {
                match change {
                    feed::stream::Change::Put(entry) => whole.put(entry),
                    // What has happened since the lease was read is told in the same batch.
                    feed::stream::Change::Remove(id) => whole.remove(*id),
                }
            }
            serving.replace(whole);
        } else if !batch.changes.is_empty() {
            serving.take(&batch.changes);
        }
        if let Some(ports) = &batch.listen {
            serving.listen(ports);
        }
        if begins {
            serving.count(true);
            // Whoever started it may have gone.
            let _ = self.began.try_send(());
        }
        Ok(())
    }

    fn is_at(&mut self, position: Position) {
        self.standing.number.store(position.number, Ordering::Relaxed);
        self.standing.number_there.fetch_max(position.number, Ordering::Relaxed);
        self.standing.is_told.store(true, Ordering::Relaxed);
        self.position = Some(position);
    }

    fn serving(&self) -> MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings numbers together, and takes no new connections where the shop was not heard of for too
/// long.
async fn tend(
    serving: Arc<Mutex<Option<Serving>>>,
    standing: Arc<Standing>,
    max_stale: Option<Duration>,
) {
    loop {
        if let Some(serving) = &mut *serving.lock().unwrap_or_else(PoisonError::into_inner) {
            serving.count(true);
            let is_stale = max_stale.is_some_and(|max| standing.silent_for() > max);
            if standing.is_stale.swap(is_stale, Ordering::Relaxed) != is_stale {
                serving.pause(is_stale);
                match is_stale {
                    true => tracing::error!("Taking no new connections: the shop is not heard of"),
                    false => tracing::info!("Taking new connections again"),
                }
            }
        }
        tokio::time::sleep(TEND).await;
    }
}
