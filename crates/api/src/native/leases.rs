//! `GET /api/v1/leases`

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::access::Access;
use domain::catalogue::Catalogue;
use domain::kind::ProxyKind;
use domain::limits::Limits;
use domain::modem::ModemExit;
use domain::proxy::Proxy;
use domain::rotation::{self, Dialer};
use engine::reads::Listing;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, date, ok, problem};
use crate::app::App;

pub(super) const PATH: &str = "/api/v1/leases";

/// Leases that are live, or kept in reserve, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let bad = |detail| problem::said(StatusCode::BAD_REQUEST, detail);
    let engine = &asked.app.engine;
    let in_reserve = match asked.query("state")?.as_ref() {
        "" | "live" => false,
        "reserved" => true,
        _ => return Err(bad("state must be live or reserved").into()),
    };
    let kind = match asked.query("kind")?.as_ref() {
        "" => None,
        name => {
            let kind = ProxyKind::from_name(name);
            Some(kind.ok_or_else(|| bad("kind must be IPv4, IPv6, MOBILE or ISP"))?)
        }
    };
    let after = match asked.query("after")?.as_ref() {
        "" => None,
        id => {
            let lease = engine.public_ids().read_lease(id);
            Some(lease.ok_or_else(|| bad("after must be the id of a lease"))?)
        }
    };
    let limit = asked.limit()?;
    let listing = Listing { kind, in_reserve, after, limit };
    let found = engine.proxies(asked.customer(), listing).await;
    let found = found?;
    let catalogue = engine.catalogue();
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|last| engine.public_ids().lease(last.lease.id));
    let modems: BTreeSet<String> = found.iter().filter_map(|proxy| proxy.modem.clone()).collect();
    let dialers = engine.dialers(modems).await?;
    let dialers: BTreeMap<&str, &Dialer> =
        dialers.iter().map(|dialer| (dialer.name.as_str(), dialer)).collect();
    let exceptions = engine.exceptions(asked.customer()).await?;
    let leases: Vec<Value> = found
        .iter()
        .map(|proxy| {
            let mut shown = shown(&asked.app, &catalogue, proxy, in_reserve);
            let (lease, usual) = (proxy.lease.id, catalogue.limits(&proxy.lease.product));
            shown["limits"] = limits(usual.except(exceptions.of(lease)));
            if let Some(modem) = &proxy.modem {
                rotating(&catalogue, proxy, dialers.get(modem.as_str()).copied(), &mut shown);
            }
            shown
        })
        .collect();
    Ok(ok(&json!({ "leases": leases, "next": next })))
}

fn shown(app: &App, catalogue: &Catalogue, proxy: &Proxy, in_reserve: bool) -> Value {
    let ids = app.engine.public_ids();
    let Proxy { lease, order, ip, .. } = proxy;
    let endpoint = proxy.endpoint(catalogue);
    let mut shown = json!({
        "id": ids.lease(lease.id),
        "order_id": ids.order(lease.order),
        "state": if in_reserve { "reserved" } else { "live" },
        "kind": lease.product.kind.name(),
        "country": lease.product.country.alpha3(),
        "exit": ip.to_string(),
        "host": endpoint.host,
        "http_port": endpoint.http_port,
        "socks_port": endpoint.socks_port,
        "access": order.access.as_ref().map(access),
        "goal": order.goal,
        "starts_at": date(lease.starts_at),
        "ends_at": date(lease.ends_at),
        "reserved_until": lease.reserved_until.map(date),
        "comment": lease.comment,
        "auto_extend_days": lease.auto_extend.map(|period| period.days()),
    });
    if let Some(port) = endpoint.https_port {
        shown["https_port"] = port.into();
    }
    if let Some(card) = lease.renew_card {
        shown["auto_extend_card_id"] = ids.card(card).into();
    }
    if let Some(package) = &lease.product.package {
        shown["package"] = package.as_str().into();
    }
    if let Some(protocol) = order.protocol {
        shown["protocol"] = protocol.name().into();
    }
    if let Some(operator) = &lease.product.operator {
        let (base, token) = (&app.settings.base_url, app.engine.reboot_token(proxy));
        shown["operator"] = operator.as_str().into();
        shown["rotation_seconds"] = order.rotation_seconds.into();
        shown["reboot_link"] = format!("{base}/api/proxy/reboot?token={token}").into();
    }
    shown
}

/// How much a lease may use. What has no limit is null.
fn limits(limits: Limits) -> Value {
    let number = |count: u64| (count > 0).then_some(count);
    json!({
        "connections": number(limits.connections.into()),
        "new_connections_per_second": number(limits.new_connections_per_second.into()),
        "bytes_per_second": number(limits.bytes_per_second),
        "udp": limits.udp,
    })
}

/// Adds what is known of the rotations of a lease behind a modem.
fn rotating(catalogue: &Catalogue, proxy: &Proxy, dialer: Option<&Dialer>, shown: &mut Value) {
    let modem = proxy.modem.as_ref().and_then(|name| catalogue.modems.get(name));
    let told = dialer.and_then(|dialer| dialer.exit);
    let exit = match modem.map(|modem| &modem.exit) {
        Some(ModemExit::Told) | None => Some(told.unwrap_or(proxy.ip)),
        Some(ModemExit::Interface(_) | ModemExit::Source(_)) => told,
    };
    let (starts_at, seconds) = (proxy.lease.starts_at, proxy.order.rotation_seconds);
    let asked_at = dialer.and_then(|dialer| dialer.asked_at);
    // What was asked for those who had it before is not theirs to know.
    let asked_at = asked_at.filter(|at| starts_at <= *at);
    shown["exit_ip"] = exit.map(|ip| ip.to_string()).into();
    shown["last_rotated_at"] = asked_at.map(date).into();
    shown["next_rotation_at"] =
        modem.and(rotation::due(seconds, starts_at, asked_at)).map(date).into();
}

/// How a customer is known.
pub(super) fn access(access: &Access) -> Value {
    match access {
        Access::Login(pair) => json!({ "login": pair.login, "password": pair.password }),
        Access::SourceIp(ip) => json!({ "source_ip": ip.to_string() }),
    }
}
