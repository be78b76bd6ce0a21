//! `/pay/{token}`: the page of a payment. Who has the link may see it, and in a sandbox press its
//! buttons.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, LOCATION};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use domain::payment::{Payment, PaymentState};
use engine::fault::Fault;

use crate::app::App;
use crate::routes::Route;
use crate::{body, caller, guides, query};

/// What the pages of payments begin with.
const PREFIX: &str = "/pay/";

/// What a browser may do on such a page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);

pub(crate) fn routes() -> Vec<Route> {
    let (template, methods) = ("/pay/{token}", &["get", "post"]);
    vec![Route { dialect: "web", template, methods, handler: get(show).post(press) }]
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match app.engine.payment_of(token(&request)).await {
        Ok(Some(payment)) => page(&app, &payment),
        Ok(None) => nothing(&app, &request),
        Err(fault) => broken(&fault),
    }
}

/// Presses a button, and shows what has come of it when the page is asked for again: it may be
/// loaded anew without paying twice.
async fn press(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let payment = match app.engine.payment_of(token(&request)).await {
        Ok(Some(payment)) => payment,
        Ok(None) => return nothing(&app, &request),
        Err(fault) => return broken(&fault),
    };
    let back = HeaderValue::try_from(request.uri().path());
    let (parts, body) = request.into_parts();
    let Ok(body) = body::read(&parts.headers, body).await else {
        return told(StatusCode::BAD_REQUEST, "The form could not be read.");
    };
    let form = String::from_utf8_lossy(&body);
    let pays = match query::value(&form, "action").as_deref() {
        Some("pay") => true,
        Some("decline") => false,
        _ => return told(StatusCode::BAD_REQUEST, "The form could not be read."),
    };
    match (app.engine.play(&payment, pays).await, back) {
        // A payment that came to another end meanwhile is shown as it is.
        (Ok(_), Ok(back)) => {
            let mut answer = told(StatusCode::SEE_OTHER, "See the payment.");
            answer.headers_mut().insert(LOCATION, back);
            answer
        }
        (Err(fault), _) => broken(&fault),
        (_, Err(_)) => told(StatusCode::BAD_REQUEST, "The form could not be read."),
    }
}

fn token(request: &Request) -> &str {
    request.uri().path().strip_prefix(PREFIX).unwrap_or("")
}

fn page(app: &App, payment: &Payment) -> Response<Body> {
    let engine = &app.engine;
    let provider = engine.providers().named(&payment.provider);
    let plays = provider.is_some_and(|it| it.play_card(engine.now()).is_some());
    let waits = payment.state.is_open();
    let state = match payment.state {
        PaymentState::Pending | PaymentState::Authorised => "waiting",
        PaymentState::Settled => "paid",
        PaymentState::Refused => "refused",
        PaymentState::Void => "given up",
    };
    let below = match (waits, plays) {
        (true, true) => {
            "<p>This is a sandbox: no money moves.</p>\n<form method=\"post\">\
             <button name=\"action\" value=\"pay\">Pay</button> \
             <button name=\"action\" value=\"decline\">Decline</button></form>"
        }
        (true, false) => {
            "<p>Pay as agreed with the operator, and name the reference. The amount is in your \
             wallet once the operator has confirmed it.</p>"
        }
        (false, _) => "",
    };
    let title = provider.map_or("", |it| it.title());
    let mut answer = guides::html(guides::page(
        "Payment",
        &format!(
            "<h1>Payment</h1>\n<dl>\n<dt>Amount</dt><dd>{}</dd>\n<dt>Reference</dt>\
             <dd><code>{}</code></dd>\n<dt>By</dt><dd>{}</dd>\n<dt>State</dt><dd>{state}</dd>\n\
             </dl>\n{below}",
            escaped(&payment.amount.to_string()),
            escaped(&engine.public_ids().payment(payment.id)),
            escaped(title),
        ),
    ));
    // Other pages have no forms.
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    answer
}

/// Whoever tries links that are none is told to wait, like those who try keys.
fn nothing(app: &App, request: &Request) -> Response<Body> {
    match app.limits.failed_key(caller::address(request.extensions())) {
        Ok(()) => told(StatusCode::NOT_FOUND, "There is no such payment."),
        Err(_) => told(StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
    }
}

fn broken(fault: &Fault) -> Response<Body> {
    told(
        StatusCode::SERVICE_UNAVAILABLE,
        match fault {
            Fault::OutcomeUnknown => "Whether this was done is not known. Look again in a minute.",
            _ => "Temporarily unavailable, nothing was done. Try again in a minute.",
        },
    )
}

fn told(status: StatusCode, words: &str) -> Response<Body> {
    let text = format!("<h1>Payment</h1>\n<p>{}</p>", escaped(words));
    let mut answer = guides::html(guides::page("Payment", &text));
    *answer.status_mut() = status;
    answer
}

/// Text as it may stand in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_that_is_shown_is_markup() {
        assert_eq!(escaped("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        assert_eq!(escaped("12.00 USD"), "12.00 USD");
    }
}
