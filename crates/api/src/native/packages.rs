//! `GET /api/v1/packages`

use axum::body::Body;
use axum::http::Response;
use domain::catalogue::{Catalogue, Package};
use domain::country::Country;
use domain::kind::ProxyKind;
use domain::money::Currency;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, ok};

pub(super) const PATH: &str = "/api/v1/packages";

/// The packages that can be ordered, with what one of their addresses costs the customer.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let catalogue = asked.app.engine.catalogue();
    let currency = asked.caller.customer.currency;
    let all = ProxyKind::ALL.into_iter().flat_map(|kind| catalogue.packages(kind));
    let packages: Vec<Value> = all.map(|package| shown(&catalogue, package, currency)).collect();
    Ok(ok(&json!({ "packages": packages, "currency": currency.code() })))
}

fn shown(catalogue: &Catalogue, package: &Package, currency: Currency) -> Value {
    // All parts cost the same.
    let part = package.parts().next();
    let periods = catalogue.periods(package.kind).iter().filter_map(|period| {
        let price = catalogue.price(part.as_ref()?, *period, currency)?;
        Some(json!({
            "period_days": period.days(),
            "unit_price": price.unit.to_string(),
            "discount_percent": price.discount.to_string(),
        }))
    });
    json!({
        "package": package.tag,
        "name": package.name,
        "number": package.number,
        "kind": package.kind.name(),
        "countries": package.countries.iter().map(Country::alpha3).collect::<Vec<_>>(),
        "quantities": package.quantities,
        "prices": periods.collect::<Vec<_>>(),
    })
}
