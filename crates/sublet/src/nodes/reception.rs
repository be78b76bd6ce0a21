//! Answers what gateways on other hosts ask.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::LeaseId;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::rotations::Rotator;
use engine::secret;
use feed::refusal::{LEASES_MOST, Noted, Told as ToldRefusals};
use feed::report::{Enrol, Heard, Refusal, Refused, Report, Welcome};
use feed::stream::Position;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use store::nodes::{Enrolled, GatewayIdentity, Node};
use store::records::Touched;
use tokio::sync::{Mutex, mpsc};

use super::http::{self as words, Body, answer, json};
use super::jobs;
use super::key::KeyHash;
use super::refusals::Told;
use super::session::Sessions;
use super::telling::Telling;
use crate::traffic::books;

/// How long what a gateway sends may be.
const BODY_MAX: usize = 64 * 1024;

/// How long may be what a gateway sends that has many lines: what leases have used, what was refused
/// to them, or which modems are dialing.
const LONG_MAX: usize = 2 << 20;

/// How many pieces of a stream may wait for a gateway to take them.
const AHEAD: usize = 16;

/// Answers what gateways ask.
pub(super) struct Reception {
    engine: Engine,
    identity: GatewayIdentity,
    sessions: Arc<Sessions>,
    refusals: Arc<Told>,
}

/// Who has opened a connection.
pub(super) struct Visitor {
    /// The hash of the key that it has proven.
    key: KeyHash,
    /// What wakes it when there are jobs for modems, if it has asked for any.
    waits: Mutex<Option<Rotator>>,
}

impl Visitor {
    pub(super) fn new(key: KeyHash) -> Visitor {
        Visitor { key, waits: Mutex::default() }
    }
}

/// Why something was not done.
enum Denied {
    /// It is not allowed.
    Refused(Refusal),
    /// It cannot be read.
    Unreadable,
    /// The books cannot be asked.
    Fault,
}

impl From<Fault> for Denied {
    fn from(_: Fault) -> Denied {
        Denied::Fault
    }
}

impl Reception {
    pub(super) fn new(engine: Engine, identity: GatewayIdentity, refusals: Arc<Told>) -> Reception {
        Reception { engine, identity, sessions: Arc::default(), refusals }
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        visitor: &Visitor,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let key = visitor.key;
        let path = (request.method() == Method::POST).then(|| request.uri().path().to_owned());
        let done = match path.as_deref() {
            Some(words::ENROL) => self.enrol(key, request).await,
            Some(words::FEED) => self.feed(key, request).await,
            Some(words::REPORT) => self.report(key, request).await,
            Some(words::USAGE) => self.usage(key, request).await,
            Some(words::JOBS) => self.jobs(visitor, request).await,
            Some(words::ENDED) => self.ended(key, request).await,
            Some(words::REFUSALS) => self.refusals(key, request).await,
            _ => return answer(StatusCode::NOT_FOUND, "text/plain", Body::Whole(None)),
        };
        let mut said = match done {
            Ok(answer) => return answer,
            Err(Denied::Refused(error)) => json(StatusCode::FORBIDDEN, &Refused { error }),
            Err(Denied::Unreadable) => {
                answer(StatusCode::BAD_REQUEST, "text/plain", Body::Whole(None))
            }
            Err(Denied::Fault) => {
                answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", Body::Whole(None))
            }
        };
        said.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        said
    }

    async fn enrol(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let asked: Enrol = body(request, BODY_MAX).await?;
        let token = secret::hash(&asked.token);
        let now = self.engine.now();
        let enrolled =
            self.engine.read_slow(move |store| store.enrol_node(&token, &key, now)).await;
        let node = match enrolled.map_err(|_| Denied::Fault)? {
            Enrolled::Done(node) => node,
            Enrolled::Unknown => return Err(Denied::Refused(Refusal::UnknownToken)),
            Enrolled::Used => return Err(Denied::Refused(Refusal::UsedToken)),
            Enrolled::Late => return Err(Denied::Refused(Refusal::LateToken)),
        };
        tracing::info!(node = node.name, "The gateway {} has enrolled", node.name);
        let welcome = Welcome { node: node.name, sandbox: self.engine.is_sandbox() };
        Ok(json(StatusCode::OK, &welcome))
    }

    async fn feed(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, key).await?;
        let from: Option<Position> = body(request, BODY_MAX).await?;
        let (name, (out, pieces)) = (node.name.clone(), mpsc::channel(AHEAD));
        let telling = Telling::begin(
            self.engine.clone(),
            node,
            key,
            self.identity.clone(),
            &self.sessions,
            out,
        );
        let Some(telling) = telling.await? else {
            tracing::warn!(node = name, "The gateway {name} follows too often at a time");
            return Err(Denied::Fault);
        };
        tokio::spawn(telling.tell(from));
        Ok(answer(StatusCode::OK, "application/x-ndjson", Body::Told(pieces)))
    }

    async fn report(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, key).await?;
        let report: Report = body(request, BODY_MAX).await?;
        if let Some(session) = self.sessions.of(node.id, report.session) {
            session.took(report.taken);
        }
        if !report.leaving && self.sessions.is_to_be_noted(node.id) {
            let text = serde_json::to_string(&report).map_err(|_| Denied::Unreadable)?;
            let now = self.engine.now();
            let noted =
                self.engine.read_slow(move |store| store.note_node(node.id, &text, now)).await;
            noted.map_err(|_| Denied::Fault)?;
        }
        Ok(json(StatusCode::OK, &Heard { time: self.engine.now().millis() }))
    }

    /// Takes what leases have used, whatever other gateways serve left out: there is nothing that a
    /// gateway could say of them. Taken once, however often it is told.
    async fn usage(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, key).await?;
        let mut report: feed::usage::Report = body(request, LONG_MAX).await?;
        let served = self.served(report.lines.iter().map(|line| line.lease)).await?;
        let is_others = |lease| served.get(&lease).is_some_and(|gateway| !serves(&node, gateway));
        let all = report.lines.len();
        report.lines.retain(|line| !is_others(line.lease));
        let others = all - report.lines.len();
        if others > 0 {
            let name = &node.name;
            tracing::warn!(node = name, "{name} tells {others} lines of usage of others' leases");
        }
        let report = books::read(&report).ok_or(Denied::Unreadable)?;
        let mut taken = books::answer(self.engine.take_usage(&node.name, report).await?);
        taken.unknown += u64::try_from(others).unwrap_or_default();
        Ok(json(StatusCode::OK, &taken))
    }

    /// Gives jobs for the modems of a gateway.
    async fn jobs(
        &self,
        visitor: &Visitor,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, visitor.key).await?;
        let ask = body(request, LONG_MAX).await?;
        let mut waits = visitor.waits.lock().await;
        let waits = waits.get_or_insert_with(|| self.engine.rotator());
        Ok(json(StatusCode::OK, &jobs::take(waits, &node, &ask).await?))
    }

    /// Ends a job.
    async fn ended(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, key).await?;
        let ended = body(request, BODY_MAX).await?;
        Ok(json(StatusCode::OK, &jobs::end(&self.engine, &node, ended).await?))
    }

    /// Notes what a gateway has refused to its leases.
    async fn refusals(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let node = known(&self.engine, key).await?;
        let mut told: ToldRefusals = body(request, LONG_MAX).await?;
        told.leases.truncate(LEASES_MOST);
        let served = self.served(told.leases.iter().map(|it| it.lease)).await?;
        told.leases
            .retain(|it| served.get(&it.lease).is_some_and(|gateway| serves(&node, gateway)));
        self.refusals.note(node.id, told.leases);
        Ok(json(StatusCode::OK, &Noted { memory: self.refusals.name().to_owned() }))
    }

    /// The gateways by which leases are served, as far as they are.
    async fn served(
        &self,
        leases: impl Iterator<Item = u64>,
    ) -> Result<HashMap<u64, Arc<str>>, Denied> {
        let ids = leases.filter_map(|id| i64::try_from(id).ok()).map(LeaseId);
        let touched = Touched { leases: ids.collect(), ..Touched::default() };
        if touched.is_empty() {
            return Ok(HashMap::new());
        }
        let served = self.engine.read_slow(move |store| store.served_of(&touched)).await;
        let served = served.map_err(|_| Denied::Fault)?.into_iter();
        let with_id = served.filter_map(|it| Some((u64::try_from(it.lease.0).ok()?, it.gateway)));
        Ok(with_id.collect())
    }
}

/// Whether a node is the gateway of that name, among others.
fn serves(node: &Node, gateway: &str) -> bool {
    node.gateways.iter().any(|own| own == gateway)
}

/// The node whose key has this hash, unless it was removed.
async fn known(engine: &Engine, key: KeyHash) -> Result<Node, Denied> {
    let node = engine.read_slow(move |store| store.node_by_key(&key)).await;
    match node.map_err(|_| Denied::Fault)? {
        None => Err(Denied::Refused(Refusal::UnknownKey)),
        Some(node) if node.removed_at.is_some() => Err(Denied::Refused(Refusal::Removed)),
        Some(node) => Ok(node),
    }
}

/// The JSON value that a request brings.
async fn body<T: DeserializeOwned>(
    request: Request<Incoming>,
    length_max: usize,
) -> Result<T, Denied> {
    let body = Limited::new(request.into_body(), length_max).collect();
    let body = tokio::time::timeout(super::HANDSHAKE, body).await;
    let body = body.map_err(|_| Denied::Unreadable)?.map_err(|_| Denied::Unreadable)?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| Denied::Unreadable)
}
