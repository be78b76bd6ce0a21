//! `POST /api/v1/orders`

use std::net::IpAddr;

use axum::body::Body;
use axum::http::Response;
use domain::command::Wish;
use domain::country::Country;
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::period::PeriodWish;
use domain::public_id::PublicIds;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::wish::{Wished, bad};
use super::{Asked, date};

pub(super) const PATH: &str = "/api/v1/orders";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    kind: String,
    country: Option<String>,
    package: Option<String>,
    operator: Option<String>,
    rotation_seconds: Option<u32>,
    source_ip: Option<String>,
    period_days: u32,
    protocol: Option<String>,
    goal: Option<String>,
    quantity: u32,
    promo_code: Option<String>,
    card_id: Option<String>,
}

/// Orders addresses in a country, or a package. A promo code that cannot be used refuses the whole.
pub(super) async fn place(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<Order> = Wished::read(asked).await?;
    let request = &wished.request;
    if request.country.is_some() && request.package.is_some() {
        return Err(bad("An order has either a country or a package"));
    }
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|_| Fault::Broken)?;
    let access = match &request.source_ip {
        None => AccessWish::Login,
        Some(text) => AccessWish::SourceIp(text.parse::<IpAddr>().ok()),
    };
    let order = PlaceOrder {
        customer: wished.caller.customer.id,
        kind: ProxyKind::from_name(&request.kind),
        country: request.country.as_deref().and_then(Country::from_alpha3),
        package: request.package.clone(),
        operator: request.operator.clone(),
        rotation_seconds: request.rotation_seconds,
        access,
        period: PeriodWish::Days(request.period_days),
        protocol: request.protocol.as_deref().and_then(Protocol::from_name),
        goal: request.goal.clone(),
        quantity: Some(request.quantity),
        promo: request.promo_code.clone(),
        seed,
    };
    let wish = Wish::OrderWithPromo(Box::new(order));
    wished.buy(wish, request.card_id.as_deref(), shown).await
}

fn shown(ids: &PublicIds, event: &Event) -> Option<Value> {
    let Event::Order { order, period, leases, .. } = event else { return None };
    let leases: Vec<_> = leases
        .iter()
        .map(|granted| json!({ "id": ids.lease(granted.lease), "ends_at": date(granted.ends_at) }))
        .collect();
    Some(json!({ "order_id": ids.order(*order), "period_days": period.days(), "leases": leases }))
}
