//! Tells one gateway what to serve, for as long as it listens.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::served::{self, Follower, Seen, Told};
use feed::stream::{Beat, Begin, Change, Position, VERSION, Writer};
use store::nodes::{GatewayIdentity, Node};
use tokio::sync::mpsc::Sender;

use super::key::KeyHash;
use super::session::{Open, Sessions};
use crate::traffic::slice::Slice;

/// How often is said that this side is there, and looked whether the gateway is still one of ours.
const BEAT: Duration = Duration::from_secs(1);

/// How long a gateway may take no piece of what it is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large a piece is, at about.
const PIECE: usize = 64 * 1024;

/// How long is waited when the books cannot be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Tells a gateway what to serve.
pub(super) struct Telling {
    engine: Engine,
    node: Node,
    key: KeyHash,
    identity: GatewayIdentity,
    follower: Follower,
    slice: Slice,
    open: Open,
    writer: Writer,
    out: Sender<Bytes>,
    /// What had happened when it was last told something.
    seen: Option<Seen>,
    beaten: Instant,
}

/// Why a stream ends.
enum End {
    /// Nobody listens, or it has to begin anew.
    Quiet,
    /// The books cannot be read.
    Fault,
}

impl From<Fault> for End {
    fn from(_: Fault) -> End {
        End::Fault
    }
}

impl Telling {
    /// Begins to follow what is served; nothing if the node has too many streams.
    pub(super) async fn begin(
        engine: Engine,
        node: Node,
        key: KeyHash,
        identity: GatewayIdentity,
        sessions: &Arc<Sessions>,
        out: Sender<Bytes>,
    ) -> Result<Option<Telling>, Fault> {
        let follower = engine.follow().await?;
        let names: BTreeSet<String> = node.gateways.iter().cloned().collect();
        let slice = Slice { names, catalogue: engine.catalogue() };
        let Some(open) = sessions.begin(node.id, follower.taken()) else { return Ok(None) };
        Ok(Some(Telling {
            engine,
            node,
            key,
            identity,
            follower,
            slice,
            open,
            writer: Writer::default(),
            out,
            seen: None,
            beaten: Instant::now(),
        }))
    }

    /// Tells what has changed since `from` if that can be, and otherwise everything; then whatever
    /// changes.
    pub(super) async fn tell(mut self, from: Option<Position>) {
        // Whoever asks comes again.
        let _ = self.tell_on(from).await;
    }

    async fn tell_on(&mut self, from: Option<Position>) -> Result<(), End> {
        self.look_after_identity().await?;
        let goes_on = from.is_some_and(|from| self.goes_on(&from));
        self.writer = Writer::begin(Begin {
            version: VERSION,
            node: self.node.name.clone(),
            whole: !goes_on,
            session: self.open.session.number,
        });
        self.writer.listen(self.slice.common());
        if !goes_on {
            self.everything().await?;
        }
        loop {
            let changes = self.follower.changes().await?;
            self.change(&changes).await?;
            if self.follower.seen().is_some() {
                break;
            }
            // There may be much of it.
            self.beat_if_due().await?;
        }
        self.commit().await?;
        loop {
            self.follower.wait().await;
            if !self.slice.is_as_by(&self.engine.catalogue()) {
                return Err(End::Quiet);
            }
            match self.follower.changes().await {
                Ok(changes) => {
                    // If not all of them can be told, nothing more can: they are not told again.
                    self.change(&changes).await?;
                    // Whoever has moved the clock waits until it was noticed everywhere.
                    let noticed = self.engine.is_sandbox() && self.follower.seen() != self.seen;
                    if !changes.is_empty() || noticed {
                        self.commit().await?;
                    }
                }
                Err(_) => tokio::time::sleep(READ_AGAIN).await,
            }
            self.beat_if_due().await?;
        }
    }

    /// Whether it can go on from there.
    fn goes_on(&mut self, from: &Position) -> bool {
        let mut parts = from.stamp.split('-');
        let told_by = parts.next();
        let mut number = || parts.next().and_then(|part| u64::from_str_radix(part, 16).ok());
        let (Some(said), Some(modems)) = (number(), number()) else { return false };
        let Ok(modems) = i64::try_from(modems) else { return false };
        from.epoch == self.identity.epoch
            && told_by == Some(&self.slice.stamp())
            && self.follower.go_back(Told { number: from.number, said, modems })
    }

    /// How far has been told.
    fn position(&self) -> Position {
        let told = self.follower.told();
        let stamp = format!("{}-{:016x}-{:x}", self.slice.stamp(), told.said, told.modems);
        Position { epoch: self.identity.epoch.clone(), number: told.number, stamp }
    }

    /// Tells everything there is.
    async fn everything(&mut self) -> Result<(), End> {
        let mut pages = self.follower.pages();
        loop {
            let page = self.beating(pages.next()).await??;
            if page.is_empty() {
                return Ok(());
            }
            for served in &page {
                if let Some(entry) = self.slice.entry(served) {
                    self.writer.change(Change::Put(entry));
                    self.send_if_large().await?;
                }
            }
            // All of it may be of others.
            self.beat_if_due().await?;
        }
    }

    /// Waits for `work`, and says meanwhile that this side is there: the books may be slow.
    async fn beating<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(BEAT, work.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) => self.beat().await?,
            }
        }
    }

    /// Tells what has changed.
    async fn change(&mut self, changes: &[served::Change]) -> Result<(), End> {
        for change in changes {
            self.writer.change(self.slice.change(change));
            self.send_if_large().await?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), End> {
        let position = self.position();
        let commit = self.writer.commit(position, self.engine.now().millis());
        if let Some(seen) = self.follower.seen() {
            self.seen = Some(seen);
            if !self.open.session.told(commit, seen) {
                tracing::warn!(node = self.node.name, "A gateway does not say what it has taken");
                return Err(End::Quiet);
            }
        }
        self.send().await
    }

    async fn beat_if_due(&mut self) -> Result<(), End> {
        if self.beaten.elapsed() < BEAT { Ok(()) } else { self.beat().await }
    }

    async fn beat(&mut self) -> Result<(), End> {
        self.beaten = Instant::now();
        if self.open.session.is_silent() {
            tracing::warn!(node = self.node.name, "The gateway {} is silent", self.node.name);
            return Err(End::Quiet);
        }
        let key = self.key;
        // While the books cannot be read, those who were known stay so.
        if let Ok(found) = self.engine.read_slow(move |store| store.node_by_key(&key)).await {
            let same =
                |node: &Node| node.removed_at.is_none() && node.gateways == self.node.gateways;
            if !found.as_ref().is_some_and(same) {
                tracing::info!(
                    node = self.node.name,
                    "Told the gateway {} no more",
                    self.node.name
                );
                return Err(End::Quiet);
            }
            self.look_after_identity().await?;
        }
        let number = self.follower.told().number;
        self.writer.beat(Beat { time: self.engine.now().millis(), number });
        self.send().await
    }

    /// Ends the stream if the books are in another epoch by now.
    async fn look_after_identity(&mut self) -> Result<(), End> {
        let known = self.identity.clone();
        let now = self.engine.read_slow(move |store| store.gateway_identity(&known)).await;
        let now = now.map_err(|_| End::Fault)?;
        match now.epoch == self.identity.epoch {
            true => Ok(()),
            // At the beginning nothing was told by it.
            false if self.seen.is_none() => {
                self.identity.epoch.clone_from(&now.epoch);
                Ok(())
            }
            false => Err(End::Quiet),
        }
    }

    /// Sends a piece when there is one. The line may be slow: then it is said in between that this
    /// side is there.
    async fn send_if_large(&mut self) -> Result<(), End> {
        if self.writer.len() < PIECE {
            return Ok(());
        }
        self.send().await?;
        self.beat_if_due().await
    }

    async fn send(&mut self) -> Result<(), End> {
        let piece = Bytes::from(self.writer.take());
        let sent = tokio::time::timeout(PATIENCE, self.out.send(piece)).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(End::Quiet) }
    }
}

#[cfg(test)]
mod tests;
