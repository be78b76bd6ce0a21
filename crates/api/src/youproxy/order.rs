//! `POST /order` and `POST /calculate/order`

use std::net::IpAddr;

use domain::command::{Outcome, Wish};
use domain::country::Country;
use domain::journal::Event;
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::refusal::Refusal;
use engine::fault::Fault;
use wire::lenient::Field;
use wire::youproxy::calculate::{CalculateAnswer, Calculated};
use wire::youproxy::order::{OrderAnswer, OrderRequest, Ordered};
use wire::youproxy::problem::{Problem, ProblemKind};

use super::stop::{Done, Stop, bad_idempotency_key, decided};
use super::{Asked, read};
use crate::spend::{fingerprint, spend};

/// What an order would cost.
pub(super) fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = OrderRequest::read(&asked.body)?;
    let order = PlaceOrder { access: AccessWish::NotAsked, ..wish(asked, &request) };
    let quoted = asked.app.engine.quote_order(&order)?;
    priced(order.kind, quoted)
}

/// A price, or why there is none.
pub(super) fn priced(
    kind: Option<domain::kind::ProxyKind>,
    quoted: engine::engine::Quoted,
) -> Result<Done, Stop> {
    let refused = |refusal| Stop::refused_with(&refusal, quoted.balance);
    let quote = quoted.result.map_err(refused)?;
    let kind = kind.ok_or_else(|| Stop::refused(&Refusal::UnknownKind))?;
    let funds = quote.shortfall().map(|_| Problem::from(ProblemKind::Funds));
    Ok(Done::new(&CalculateAnswer::priced(Calculated {
        proxy_type: read::proxy_type(kind),
        account: read::account(quote.balance),
        price: read::amount(quote.total),
        discount: read::percent(quote.discount),
        promo_code_status: read::promo_status(quote.promo),
        warnings: funds.into_iter().collect(),
    })))
}

/// Places an order.
pub(super) async fn place(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = OrderRequest::read(&asked.body)?;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|_| Fault::Broken)?;
    let order = PlaceOrder { seed, ..wish(asked, &request) };
    let print = fingerprint(asked.call.template(), &asked.body);
    let idempotency = asked.key.idempotency(print, &asked.caller.key);
    let idempotency = idempotency.ok_or_else(bad_idempotency_key)?;
    let kind = order.kind;
    let wish = Wish::Order(Box::new(order));
    let app = asked.app;
    let decision = spend(&app.engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let (outcome, _, replayed) = decided(decision)?;
    let (Some(kind), Outcome::Done { event, .. }) = (kind, outcome) else {
        return Err(Stop::Unknown);
    };
    let Event::Order { order, bill, .. } = *event else { return Err(Stop::Unknown) };
    let answer = OrderAnswer::ordered(Ordered {
        proxy_type: read::proxy_type(kind),
        order_number: read::order_number(app.engine.public_ids(), order),
        account: read::account(bill.balance_after),
        promo_code_status: read::promo_status(bill.quote.promo),
    });
    Ok(Done::once_or_again(&answer, replayed))
}

/// The shop's words for what is asked, but for the randomness.
fn wish(asked: &Asked<'_>, request: &OrderRequest) -> PlaceOrder {
    PlaceOrder {
        customer: asked.customer(),
        kind: read::kind(&request.proxy_type),
        country: request.country.given().and_then(|code| Country::from_alpha3(code)),
        package: None,
        operator: request.mobile_operator.given().cloned(),
        rotation_seconds: read::number(&request.rotation_time),
        access: access(request),
        period: read::period(&request.rent_period_days),
        protocol: protocol(&request.protocol),
        goal: request.goal.given().cloned(),
        quantity: read::number(&request.quantity),
        promo: read::promo(&request.promo_code),
        seed: [0; 16],
    }
}

fn access(request: &OrderRequest) -> AccessWish {
    match request.auth_type.given().map(String::as_str) {
        Some("LOGIN") => AccessWish::Login,
        Some("IP") => {
            let ip = request.auth_ip.given().and_then(|text| text.parse::<IpAddr>().ok());
            AccessWish::SourceIp(ip)
        }
        _ => AccessWish::Unknown,
    }
}

/// What an IPv6 proxy is to speak. Unlike the name of a type, this is not read in any letter case.
fn protocol(name: &Field<String>) -> Option<Protocol> {
    let name = name.given()?;
    Protocol::from_name(name).filter(|protocol| protocol.name() == name)
}
