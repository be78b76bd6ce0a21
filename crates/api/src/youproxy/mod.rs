//! The dialect of Youproxy's client API v1, one file per noun.
//!
//! An answer of the application is a JSON object with status 200, also where it says no: then it
//! keeps the form of its call. `success: false` is said only where it is certain that nothing was
//! done and nothing was charged.

mod auto_extend;
mod balance;
pub(crate) mod call;
mod country;
mod extend;
mod form;
mod ip_address;
mod mobile_operator;
mod order;
mod promo_code;
mod proxy_type;
mod read;
mod refusal;
mod rent_period;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONNECTION, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use domain::money::Money;
use domain::refusal::Refusal;
use engine::keys::{Caller, Rejected};
use serve::{Delivery, Outcome, RequestId};
use wire::youproxy::problem::ProblemKind;

use self::call::Call;
use self::form::Form;
use self::stop::{Done, Stop};
use crate::app::App;
use crate::body::{self, NoBody};
use crate::front::About;
use crate::spend::GivenKey;
use crate::target::Target;
use crate::{answer, caller, catch};

/// After how long a request is worth repeating that could not be served.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What a call is made with.
struct Asked<'r> {
    app: &'r Arc<App>,
    caller: &'r Caller,
    call: Call,
    query: &'r str,
    body: Bytes,
    key: GivenKey<'r>,
    delivery: &'r Delivery,
}

impl Asked<'_> {
    /// Whose key it is.
    fn customer(&self) -> domain::ids::CustomerId {
        self.caller.customer.id
    }
}

/// Answers a request to this dialect, panics included.
pub(crate) async fn serve(
    app: &Arc<App>,
    target: &Target,
    request: Request,
) -> (Response<Body>, About) {
    let Some(call) = Call::find(target.call()) else {
        let about = About { dialect: "youproxy", route: "unknown", key: None };
        return (answer::json(StatusCode::NOT_FOUND, "{}"), about);
    };
    let mut about = About { dialect: "youproxy", route: call.template(), key: None };
    let id = request.extensions().get::<RequestId>().copied();
    let mut form = call.form(target.query());
    let answered = catch::panics(answered(app, target, call, request, &mut form, &mut about)).await;
    let (stop, account) = match answered {
        Ok(Ok(done)) => return (done_answer(done), about),
        Ok(Err(stopped)) => stopped,
        Err(catch::Panicked) => {
            app.metrics.panicked();
            let stop = if call.changes() { Stop::Unknown } else { Stop::NothingDone };
            (stop, None)
        }
    };
    (stop_answer(app, &form, stop, account, id), about)
}

type Stopped = (Stop, Option<Money>);

async fn answered(
    app: &Arc<App>,
    target: &Target,
    call: Call,
    request: Request,
    form: &mut Form,
    about: &mut About,
) -> Result<Done, Stopped> {
    if request.method() != call.method() {
        return Err((Stop::Method(call.method()), None));
    }
    let (parts, body) = request.into_parts();
    let ip = caller::address(&parts.extensions);
    let found =
        app.engine.caller(target.key().reveal(), ip).map_err(|fault| (fault.into(), None))?;
    let caller = found.map_err(|rejected| (rejected_with(app, rejected, ip), None))?;
    about.key = Some(caller.key.id);
    let delivery = parts.extensions.get::<Delivery>().cloned();
    let asked = Asked {
        app,
        caller: &caller,
        call,
        query: target.query(),
        body: Bytes::new(),
        key: GivenKey::read(&parts.headers),
        delivery: &delivery.unwrap_or_else(|| Delivery::settled(Outcome::Delivered)),
    };
    let done = admitted(asked, &parts.headers, body, form).await;
    done.map_err(|stop| {
        let balance = stop.balance();
        // What a decision was made with is told; else what there is now.
        let balance = balance.or_else(|| app.engine.balance(caller.customer.id).ok().flatten());
        (stop, balance)
    })
}

fn rejected_with(app: &App, rejected: Rejected, ip: std::net::IpAddr) -> Stop {
    match rejected {
        Rejected::AddressNotAllowed => Stop::problem(ProblemKind::CallerAddress, "access-denied"),
        Rejected::UnknownKey => match app.limits.failed_key(ip) {
            Ok(()) => Stop::problem(ProblemKind::ApiKey, "access-denied"),
            Err(wait) => Stop::TooMany { wait, problem: ProblemKind::ApiKey },
        },
    }
}

/// What happens to a request with a good key.
async fn admitted(
    mut asked: Asked<'_>,
    headers: &axum::http::HeaderMap,
    body: Body,
    form: &mut Form,
) -> Result<Done, Stop> {
    if let Err(wait) = asked.app.limits.request(&asked.caller.key) {
        return Err(Stop::TooMany { wait, problem: ProblemKind::TooManyRequests });
    }
    if asked.call.changes() {
        if asked.caller.customer.suspended {
            return Err(Stop::refused(&Refusal::Suspended));
        }
        if asked.caller.key.read_only {
            return Err(Stop::problem(ProblemKind::Unknown, "key-read-only"));
        }
        if asked.call.spends() && asked.key == GivenKey::Bad {
            return Err(stop::bad_idempotency_key());
        }
    }
    if asked.call.has_body() {
        asked.body = body::read(headers, body).await?;
    }
    match asked.call {
        Call::ProxyType => proxy_type::list(&asked),
        Call::Balance => balance::show(&asked),
        Call::Country => country::list(&asked),
        Call::RentPeriod => rent_period::list(&asked),
        Call::MobileOperator => mobile_operator::list(&asked),
        Call::PromoCode => promo_code::list(&asked),
        Call::IpAddress | Call::IpAddressPage => ip_address::list(&asked).await,
        Call::CalculateOrder => order::calculate(&asked),
        Call::CalculateExtend | Call::CalculateExtendOrder => extend::calculate(&asked),
        Call::Order => order::place(&asked).await,
        Call::Extend | Call::ExtendOrder => extend::carry_out(&asked).await,
        Call::ExtendAuto | Call::ExtendOrderAuto => auto_extend::set(&asked, form).await,
    }
}

fn done_answer(done: Done) -> Response<Body> {
    let mut answer = answer::json(StatusCode::OK, done.body);
    mark_replayed(&mut answer, done.replayed);
    answer
}

fn mark_replayed(answer: &mut Response<Body>, replayed: bool) {
    if replayed {
        let yes = HeaderValue::from_static("true");
        answer.headers_mut().insert(answer::IDEMPOTENCY_REPLAYED, yes);
    }
}

fn stop_answer(
    app: &App,
    form: &Form,
    stop: Stop,
    balance: Option<Money>,
    id: Option<RequestId>,
) -> Response<Body> {
    let told = |status, problem| {
        let status = if app.settings.always_200 { StatusCode::OK } else { status };
        answer::json(status, form.refusal(balance.map(read::account), problem))
    };
    let (mut answer, reason) = match stop {
        Stop::Refused { problem, reason, replayed, .. } => {
            let body = form.refusal(balance.map(read::account), problem);
            let mut answer = answer::json(StatusCode::OK, body);
            mark_replayed(&mut answer, replayed);
            (answer, reason)
        }
        Stop::TooMany { wait, problem } => {
            let mut answer = told(StatusCode::TOO_MANY_REQUESTS, problem);
            answer::retry_after(answer.headers_mut(), wait);
            (answer, "too-many-requests")
        }
        Stop::NothingDone => {
            let unavailable = ProblemKind::TemporarilyUnavailable;
            let mut answer = told(StatusCode::SERVICE_UNAVAILABLE, unavailable);
            answer::retry_after(answer.headers_mut(), TRY_AGAIN);
            (answer, "temporarily-unavailable")
        }
        Stop::Unknown => {
            let mut answer = answer::json(StatusCode::SERVICE_UNAVAILABLE, "{}");
            if let Some(id) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
                answer.headers_mut().insert(answer::X_OPERATION_ID, id);
            }
            (answer, "outcome-unknown")
        }
        Stop::Method(allowed) => {
            let mut answer = told(StatusCode::METHOD_NOT_ALLOWED, ProblemKind::Unknown);
            let allowed = HeaderValue::from_static(if allowed == "GET" { "GET" } else { "POST" });
            answer.headers_mut().insert(ALLOW, allowed);
            (answer, "bad-request")
        }
        Stop::NoBody(NoBody::Unreadable) => {
            (told(StatusCode::OK, ProblemKind::Unknown), "bad-request")
        }
        Stop::NoBody(why) => {
            let status = match why {
                NoBody::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::REQUEST_TIMEOUT,
            };
            let mut answer = told(status, ProblemKind::Unknown);
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            (answer, "bad-request")
        }
    };
    answer::reason(&mut answer, reason);
    answer
}
