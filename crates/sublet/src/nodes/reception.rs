//! Answers what gateways on other hosts ask.

use std::collections::HashSet;
use std::sync::Arc;

use domain::ids::LeaseId;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::secret;
use feed::report::{Enrol, Heard, Refusal, Refused, Report, Welcome};
use feed::stream::Position;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use store::nodes::{Enrolled, GatewayIdentity, Node};
use store::records::Touched;
use tokio::sync::mpsc;

use super::http::{self as words, Body, answer, json};
use super::key::KeyHash;
use super::session::Sessions;
use super::telling::Telling;
use crate::traffic::books;

/// How long what a gateway sends may be.
const BODY_MAX: usize = 64 * 1024;

/// How long a report of usage may be.
const USAGE_MAX: usize = 2 << 20;

/// How many pieces of a stream may wait for a gateway to take them.
const AHEAD: usize = 16;

/// Answers what gateways ask.
pub(super) struct Reception {
    engine: Engine,
    identity: GatewayIdentity,
    sessions: Arc<Sessions>,
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
    pub(super) fn new(engine: Engine, identity: GatewayIdentity) -> Reception {
        Reception { engine, identity, sessions: Arc::default() }
    }

    /// Answers a request of the gateway that has proven the key with this hash.
    pub(super) async fn answer(&self, key: KeyHash, request: Request<Incoming>) -> Response<Body> {
        let path = (request.method() == Method::POST).then(|| request.uri().path().to_owned());
        let done = match path.as_deref() {
            Some(words::ENROL) => self.enrol(key, request).await,
            Some(words::FEED) => self.feed(key, request).await,
            Some(words::REPORT) => self.report(key, request).await,
            Some(words::USAGE) => self.usage(key, request).await,
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
        let from: Option<Position> = body(request, BODY_MAX).await?;
        let node = known(&self.engine, key).await?;
        let (out, pieces) = mpsc::channel(AHEAD);
        let telling = Telling::begin(
            self.engine.clone(),
            node,
            key,
            self.identity.clone(),
            &self.sessions,
            out,
        );
        tokio::spawn(telling.await?.tell(from));
        Ok(answer(StatusCode::OK, "application/x-ndjson", Body::Told(pieces)))
    }

    async fn report(
        &self,
        key: KeyHash,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Denied> {
        let report: Report = body(request, BODY_MAX).await?;
        let node = known(&self.engine, key).await?;
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
        let mut report: feed::usage::Report = body(request, USAGE_MAX).await?;
        let node = known(&self.engine, key).await?;
        let others = self.others(&node, &report).await?;
        report.lines.retain(|line| !others.contains(&line.lease));
        if !others.is_empty() {
            let (name, count) = (&node.name, others.len());
            tracing::warn!(node = name, "{name} tells the usage of {count} leases of others");
        }
        let report = books::read(&report).ok_or(Denied::Unreadable)?;
        let mut taken = books::answer(self.engine.take_usage(&node.name, report).await?);
        taken.unknown += u64::try_from(others.len()).unwrap_or_default();
        Ok(json(StatusCode::OK, &taken))
    }

    /// The leases of a report that other gateways serve.
    async fn others(
        &self,
        node: &Node,
        report: &feed::usage::Report,
    ) -> Result<HashSet<u64>, Denied> {
        let ids = report.lines.iter().filter_map(|line| i64::try_from(line.lease).ok());
        let touched = Touched { leases: ids.map(LeaseId).collect(), ..Touched::default() };
        if touched.is_empty() {
            return Ok(HashSet::new());
        }
        let served = self.engine.read_slow(move |store| store.served_of(&touched)).await;
        let served = served.map_err(|_| Denied::Fault)?;
        let others = served.iter().filter(|it| !node.gateways.contains(&it.gateway));
        Ok(others.filter_map(|it| u64::try_from(it.lease.0).ok()).collect())
    }
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
