//! The native API: plain names, real status codes, RFC 9457 problems.

mod authorisations;
mod auto_top_up;
mod cards;
mod comment;
mod extend;
mod leases;
mod orders;
mod packages;
mod payments;
pub(crate) mod problem;
mod receipts;
pub(crate) mod refusal;
mod replace;
mod usage;
mod wallet;
mod wish;

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{delete, get, patch, post};
use bytes::Bytes;
use domain::ids::CustomerId;
use domain::time::Time;
use engine::keys::{Caller, Rejected};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::problem::Refused;
use crate::app::App;
use crate::body::{self, NoBody};
use crate::front::About;
use crate::routes::{Matched, Route};
use crate::{answer, caller, query};

const DIALECT: &str = "native";

/// The most things on a page, and how many there are if nobody says.
const LIMIT_MAX: u32 = 500;
const LIMIT: u32 = 100;

/// A request with a good key.
struct Asked {
    app: Arc<App>,
    caller: Caller,
    parts: Parts,
    body: Body,
}

/// Reads a body.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    let answer = |why| match why {
        NoBody::TooLarge => problem::plain(StatusCode::PAYLOAD_TOO_LARGE),
        NoBody::TooSlow => problem::plain(StatusCode::REQUEST_TIMEOUT),
        NoBody::Unreadable => problem::plain(StatusCode::BAD_REQUEST),
    };
    body::read(headers, body).await.map_err(|why| Refused::from(answer(why)))
}

impl Asked {
    fn customer(&self) -> CustomerId {
        self.caller.customer.id
    }

    fn query(&self, name: &str) -> Result<std::borrow::Cow<'_, str>, Refused> {
        let query = self.parts.uri.query().unwrap_or("");
        let twice = || problem::said(StatusCode::BAD_REQUEST, "A parameter is there twice");
        query::value(query, name).ok_or_else(|| twice().into())
    }

    /// Refuses a key that is for looking only.
    fn may_change(&self) -> Result<(), Refused> {
        match self.caller.key.read_only {
            true => Err(problem::said(StatusCode::FORBIDDEN, "The key is for looking only").into()),
            false => Ok(()),
        }
    }

    /// Reads the body, which must be an object.
    async fn parsed<T: DeserializeOwned>(self) -> Result<T, Refused> {
        let body = read(&self.parts.headers, self.body).await?;
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        let parsed = serde_json::from_slice(&body).ok().filter(|_| is_object);
        let detail = "The body is not as the API describes it";
        parsed.ok_or_else(|| problem::said(StatusCode::BAD_REQUEST, detail).into())
    }

    /// How many things are asked for.
    fn limit(&self) -> Result<u32, Refused> {
        let text = self.query("limit")?;
        if text.is_empty() {
            return Ok(LIMIT);
        }
        let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        let wrong = || problem::said(StatusCode::BAD_REQUEST, "limit must be from 1 to 500");
        limit.ok_or_else(|| wrong().into())
    }
}

pub(crate) fn routes() -> Vec<Route> {
    let route = |template, methods, handler| Route { dialect: DIALECT, template, methods, handler };
    vec![
        route(wallet::PATH, &["get"], get(guarded(wallet::PATH, wallet::show))),
        route(leases::PATH, &["get"], get(guarded(leases::PATH, leases::list))),
        route(packages::PATH, &["get"], get(guarded(packages::PATH, packages::list))),
        route(orders::PATH, &["post"], post(guarded(orders::PATH, orders::place))),
        route(extend::PATH, &["post"], post(guarded(extend::PATH, extend::carry_out))),
        route(replace::PATH, &["post"], post(guarded(replace::PATH, replace::carry_out))),
        route(replace::OF_ONE, &["get"], get(guarded(replace::OF_ONE, replace::list))),
        route(comment::PATH, &["post"], post(guarded(comment::PATH, comment::carry_out))),
        route(
            authorisations::PATH,
            &["get", "post"],
            get(guarded(authorisations::PATH, authorisations::list))
                .post(guarded(authorisations::PATH, authorisations::add)),
        ),
        route(
            authorisations::ONE,
            &["patch", "delete"],
            patch(guarded(authorisations::ONE, authorisations::change))
                .delete(guarded(authorisations::ONE, authorisations::delete)),
        ),
        route(receipts::PATH, &["get"], get(guarded(receipts::PATH, receipts::list))),
        route(receipts::ONE, &["get"], get(guarded(receipts::ONE, receipts::show))),
        route(usage::PATH, &["get"], get(guarded(usage::PATH, usage::list))),
        route(usage::OF_ONE, &["get"], get(guarded(usage::OF_ONE, usage::of_one))),
        route(
            payments::PATH,
            &["get", "post"],
            get(guarded(payments::PATH, payments::list))
                .post(guarded(payments::PATH, payments::begin)),
        ),
        route(payments::METHODS, &["get"], get(guarded(payments::METHODS, payments::methods))),
        route(cards::PATH, &["get"], get(guarded(cards::PATH, cards::list))),
        route(cards::ONE, &["delete"], delete(guarded(cards::ONE, cards::remove))),
        route(
            auto_top_up::PATH,
            &["get", "patch"],
            get(guarded(auto_top_up::PATH, auto_top_up::show))
                .patch(guarded(auto_top_up::PATH, auto_top_up::change)),
        ),
    ]
}

/// A handler behind the key: there is no other way to make a route here.
fn guarded<F, A>(
    route: &'static str,
    handler: F,
) -> impl Fn(State<Arc<App>>, Request) -> Answered + Clone + Send + Sync + 'static
where
    F: Fn(Asked) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, Refused>> + Send + 'static,
{
    move |State(app), request| Box::pin(admitted(app, request, route, handler))
}

type Answered = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

async fn admitted<F, A>(
    app: Arc<App>,
    request: Request,
    route: &'static str,
    handler: F,
) -> Response<Body>
where
    F: Fn(Asked) -> A,
    A: Future<Output = Result<Response<Body>, Refused>>,
{
    let (parts, body) = request.into_parts();
    let ip = caller::address(&parts.extensions);
    let caller = match app.engine.caller(caller::bearer(&parts.headers).reveal(), ip) {
        Ok(Ok(caller)) => caller,
        Ok(Err(rejected)) => return rejected_with(&app, rejected, ip),
        Err(fault) => return problem::from_fault(&fault),
    };
    let key = Some(caller.key.id);
    let mut answer = match app.limits.request(&caller.key) {
        Ok(()) => {
            let asked = Asked { app, caller, parts, body };
            handler(asked).await.unwrap_or_else(Refused::answer)
        }
        Err(wait) => problem::too_many(wait),
    };
    answer.extensions_mut().insert(Matched(About { dialect: DIALECT, route, key }));
    answer
}

fn rejected_with(app: &App, rejected: Rejected, ip: std::net::IpAddr) -> Response<Body> {
    match rejected {
        Rejected::AddressNotAllowed => {
            problem::said(StatusCode::FORBIDDEN, "The key may not be used from this address")
        }
        Rejected::UnknownKey => match app.limits.failed_key(ip) {
            Ok(()) => problem::said(StatusCode::UNAUTHORIZED, "The key is missing or wrong"),
            Err(wait) => problem::too_many(wait),
        },
    }
}

fn ok(body: &Value) -> Response<Body> {
    answer::json(StatusCode::OK, body.to_string())
}

/// A moment as this API writes it.
pub(crate) fn date(time: Time) -> String {
    let moment = Timestamp::from_millisecond(time.millis());
    moment.expect("moments are between 1970 and 9999").to_string()
}
