//! The dialect of Proxy-Seller's User API, v1 and v2, one file per noun.
//!
//! An answer of the application is an envelope with status 200, also where it says no. Why it says
//! no is told exactly in a header, [`answer::reason`], since the words of the original often do not.

mod auth;
mod auto_prolong;
mod auto_top_up;
mod balance;
mod basket;
pub(crate) mod call;
mod check;
mod choices;
mod comment;
mod download;
mod money;
mod offer;
mod order;
mod order_list;
mod order_number;
mod payment;
mod prolong;
mod proxy_list;
mod read;
mod reference;
mod refusal;
mod replace;
mod resident;
mod shown;
mod stop;
mod system;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONNECTION, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use domain::refusal::Refusal;
use engine::keys::{Caller, Rejected};
use serde::Serialize;
use serve::{Delivery, Outcome, RequestId};
use wire::proxyseller::envelope::{Bare, Envelope, Problem};
use wire::proxyseller::section::Section;

use self::call::{Call, Found};
use self::stop::{Done, Refused, Stop, written};
use crate::app::App;
use crate::body::{self, NoBody};
use crate::front::About;
use crate::spend::GivenKey;
use crate::target::Target;
use crate::{answer, caller, catch};

/// The versions of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// With numbers for ids.
    V1,
    /// With texts for ids.
    V2,
}

/// After how long a request is worth repeating that could not be served.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What a call is made with.
struct Asked<'r> {
    app: &'r Arc<App>,
    caller: &'r Caller,
    version: Version,
    call: Call,
    /// The path, with the key and the section left open.
    template: &'static str,
    /// The section that the path names, as the client spells it.
    section: Option<Cow<'r, str>>,
    query: &'r str,
    /// The body; of a call without one, the parameters of the query in the form of one.
    body: Bytes,
    key: GivenKey<'r>,
    delivery: &'r Delivery,
}

impl Asked<'_> {
    /// Whose key it is.
    fn customer(&self) -> domain::ids::CustomerId {
        self.caller.customer.id
    }

    /// The section that the path names; `None` if it names none.
    fn section(&self) -> Result<Option<Section>, Stop> {
        let Some(name) = &self.section else { return Ok(None) };
        let known = Section::from_name(name);
        known.map(Some).ok_or_else(|| Stop::refused(self, &Refusal::UnknownKind))
    }
}

/// Answers a request to this dialect, panics included.
pub(crate) async fn serve(
    app: &Arc<App>,
    version: Version,
    target: &Target,
    request: Request,
) -> (Response<Body>, About) {
    let dialect = match version {
        Version::V1 => "proxyseller-v1",
        Version::V2 => "proxyseller-v2",
    };
    let Some(found) = Call::find(version, request.method(), target.call()) else {
        let about = About { dialect, route: "unknown", key: None };
        let Some(method) = Call::method(version, target.call()) else {
            return (bare(StatusCode::NOT_FOUND, "Not found"), about);
        };
        let mut answer = bare(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
        return (answer, about);
    };
    let mut about = About { dialect, route: found.template, key: None };
    let id = request.extensions().get::<RequestId>().copied();
    let changes = found.call.changes();
    let answered = catch::panics(answered(app, version, target, found, request, &mut about)).await;
    let stop = match answered {
        Ok(Ok(done)) => return (done.answer(), about),
        Ok(Err(stop)) => stop,
        Err(catch::Panicked) => {
            app.metrics.panicked();
            if changes { Stop::Unknown } else { Stop::NothingDone }
        }
    };
    (stop_answer(version, stop, id), about)
}

async fn answered(
    app: &Arc<App>,
    version: Version,
    target: &Target,
    found: Found<'_>,
    request: Request,
    about: &mut About,
) -> Result<Done, Stop> {
    let (parts, body) = request.into_parts();
    let ip = caller::address(&parts.extensions);
    let caller = app.engine.caller(target.key().reveal(), ip)?;
    let caller = caller.map_err(|rejected| rejected_with(app, rejected, ip))?;
    about.key = Some(caller.key.id);
    let usual = app.settings.proxyseller.requests_per_minute;
    let now = app.engine.clock().true_time();
    let counted = app.limits.request_in_minute(&caller.key, usual, now);
    counted.map_err(|wait| Stop::Access { ip, wait: Some(wait) })?;
    let delivery = parts.extensions.get::<Delivery>().cloned();
    let asked = Asked {
        app,
        caller: &caller,
        version,
        call: found.call,
        template: found.template,
        section: found.section,
        query: target.query(),
        body: Bytes::new(),
        key: GivenKey::read(&parts.headers),
        delivery: &delivery.unwrap_or_else(|| Delivery::settled(Outcome::Delivered)),
    };
    admitted(asked, &parts.headers, body, found.takes_body).await
}

fn rejected_with(app: &App, rejected: Rejected, ip: IpAddr) -> Stop {
    let access = Stop::Access { ip, wait: None };
    match rejected {
        Rejected::AddressNotAllowed => access,
        Rejected::UnknownKey => match app.limits.failed_key(ip) {
            Ok(()) => access,
            Err(wait) => Stop::Flood(wait),
        },
    }
}

/// What happens to a request with a good key.
async fn admitted(
    mut asked: Asked<'_>,
    headers: &HeaderMap,
    body: Body,
    takes_body: bool,
) -> Result<Done, Stop> {
    if asked.call.changes() {
        if asked.caller.customer.suspended {
            return Err(Stop::refused(&asked, &Refusal::Suspended));
        }
        if asked.caller.key.read_only {
            return Err(Stop::said("The API key may only read", "key-read-only"));
        }
        if asked.call.spends() && asked.key == GivenKey::Bad {
            return Err(Stop::said("Set [Idempotency-Key]", "bad-idempotency-key"));
        }
    }
    asked.body = if takes_body {
        let body = read::body(body::read(headers, body).await?);
        // Some clients delete by a query.
        let queried = asked.call == Call::AuthDelete && body == "{}";
        if queried { read::query_as_body(asked.query) } else { body }
    } else {
        read::query_as_body(asked.query)
    };
    match asked.call {
        Call::AuthList => auth::list(&asked).await,
        Call::AuthAdd => auth::add(&asked).await,
        Call::AuthAddIp => auth::add_ip(&asked).await,
        Call::AuthChange => auth::change(&asked).await,
        Call::AuthActive => auth::activate(&asked).await,
        Call::AuthDelete => auth::delete(&asked).await,
        Call::ProxyReplace => replace::carry_out(&asked).await,
        Call::ProxyList => proxy_list::list(&asked).await,
        Call::ProxyDownload => download::file(&asked).await,
        Call::CommentSet => comment::set(&asked).await,
        Call::ProxyCheck => check::check(&asked).await,
        Call::BalanceGet => balance::show(&asked),
        Call::ReferenceList => reference::list(&asked),
        Call::OrderCalc => order::calculate(&asked),
        Call::OrderMake => order::place(&asked).await,
        Call::OrderList => order_list::list(&asked).await,
        Call::ProlongCalc => prolong::calculate(&asked).await,
        Call::ProlongMake => prolong::carry_out(&asked).await,
        Call::AutoProlongCalc => auto_prolong::calculate(&asked).await,
        Call::AutoProlongEnable => auto_prolong::enable(&asked).await,
        Call::AutoProlongDisable => auto_prolong::disable(&asked).await,
        Call::BalanceAdd => balance::add(&asked).await,
        Call::PaymentsList => balance::systems(&asked),
        Call::AutoTopUpGet => auto_top_up::show(&asked),
        Call::AutoTopUpSet => auto_top_up::set(&asked).await,
        Call::Ping => system::ping(&asked),
        Call::Resident => Err(resident::not_offered()),
    }
}

/// How a call that was not done is answered. Clients of both versions repeat what is answered with
/// status 429, and take any other for a broken connection, so that is the one for whatever was
/// certainly not done, and 503 is kept for what may have been.
fn stop_answer(version: Version, stop: Stop, id: Option<RequestId>) -> Response<Body> {
    let in_envelope = |words| {
        answer::json(
            StatusCode::OK,
            written(&Envelope::<()>::refused(vec![Problem::new(words, 0)])),
        )
    };
    let (mut answer, reason) = match stop {
        Stop::Refused(refused) => {
            let Refused { data, problems, reason, replayed } = *refused;
            let envelope = match data {
                Some(data) => Envelope::unpaid(data, problems),
                None => Envelope::refused(problems),
            };
            let mut answer = answer::json(StatusCode::OK, written(&envelope));
            stop::mark_replayed(&mut answer, replayed);
            (answer, reason)
        }
        Stop::Access { ip, wait } => {
            let address = ip.to_canonical().to_string();
            let address = (version == Version::V2).then_some(address.as_str());
            let problems = Problem::access(address).to_vec();
            let refusal = Envelope::<()>::refused(problems);
            let mut answer = answer::json(StatusCode::OK, written(&refusal));
            // Which of the others it is, nobody learns who has not shown a good key from a place
            // from which it is allowed.
            let reason = wait.map_or("access-denied", |_| "too-many-requests");
            if let Some(wait) = wait {
                answer::retry_after(answer.headers_mut(), wait);
            }
            (answer, reason)
        }
        Stop::Flood(wait) => (later(wait), "too-many-requests"),
        Stop::NothingDone => (later(TRY_AGAIN), "temporarily-unavailable"),
        Stop::Unknown => {
            let mut answer = bare(StatusCode::SERVICE_UNAVAILABLE, "Outcome not known");
            if let Some(id) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
                answer.headers_mut().insert(answer::X_OPERATION_ID, id);
            }
            (answer, "outcome-unknown")
        }
        Stop::NoBody(NoBody::Unreadable) => {
            let answer = match version {
                Version::V1 => in_envelope("Bad request"),
                Version::V2 => bare(StatusCode::BAD_REQUEST, "Bad request"),
            };
            (answer, "bad-request")
        }
        Stop::NoBody(why) => {
            let mut answer = match (why, version) {
                (NoBody::TooLarge, Version::V1) => in_envelope("The body is too large"),
                (NoBody::TooLarge, Version::V2) => {
                    bare(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large")
                }
                _ => bare(StatusCode::REQUEST_TIMEOUT, "The body took too long"),
            };
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            (answer, "bad-request")
        }
    };
    answer::reason(&mut answer, reason);
    answer
}

/// Has a client ask again after a while; nothing was done.
fn later(wait: Duration) -> Response<Body> {
    let body = br#"{"error":"Too many requests"}"#.as_slice();
    let mut answer = answer::json(StatusCode::TOO_MANY_REQUESTS, body);
    answer::retry_after(answer.headers_mut(), wait);
    answer
}

/// A problem without an envelope.
fn bare(status: StatusCode, words: &'static str) -> Response<Body> {
    answer::json(status, written(&Bare::new(status.as_u16().into(), words)))
}

/// An answer's data as a value, for refusals that have some.
fn data(value: &impl Serialize) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).expect("wire types can be written")
}
