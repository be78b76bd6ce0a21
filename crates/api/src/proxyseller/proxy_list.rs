//! `GET proxy/list` and `GET proxy/list/{type}`

pub(super) mod lines;
pub(super) mod wanted;

use domain::lease::Standing;
use domain::proxy::Proxy;
use domain::time::{Span, Time};
use wire::proxyseller::id::Id;
use wire::proxyseller::proxy_list::{CanProlong, ProxyItem};
use wire::proxyseller::proxy_list_stream::{Form, ListWriter};

use self::lines::{Lines, Printer};
use super::shown::{Shown, date};
use super::stop::{Done, Stop};
use super::{Asked, Version, basket, order_number, read};
use crate::app::App;
use crate::pieces;

/// The proxies of one section, or of all.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let section = asked.section()?;
    let sections = section.as_ref().map_or(&ListWriter::SECTIONS[..], std::slice::from_ref);
    let mut wanted = wanted::read(asked, sections).await?;
    if section.is_some() {
        (wanted.skip, wanted.take) = wanted::page(asked.query);
    }
    let form = if section.is_some() { Form::Items } else { Form::BySection };
    let browse = asked.app.engine.browse(asked.customer(), wanted).await?;
    let lines = Lines::begin(asked, browse, |out| Printer::Json(ListWriter::begin(form, out)));
    let (first, rest) = lines.first().await?;
    Ok(Done::streamed(pieces::body(first, rest)))
}

/// A proxy as a list shows it.
fn item<'p>(
    app: &App,
    version: Version,
    shown: Shown<'p>,
    proxy: &'p Proxy,
    now: Time,
) -> ProxyItem<'p> {
    let ids = app.engine.public_ids();
    let lease = &proxy.lease;
    // Numbers are texts here, and nowhere else.
    let as_text = |id| match id {
        Id::Number(number) => Id::Text(number.to_string()),
        text => text,
    };
    let live = lease.standing(now, Span::ZERO) == Standing::Live;
    let (status, status_type) = if live { ("Active", "ACTIVE") } else { ("Ended", "ENDED") };
    let v2 = version == Version::V2;
    ProxyItem {
        id: as_text(read::lease_id(ids, version, lease.id)),
        order_id: as_text(read::order_id(ids, version, lease.order)),
        order_number: order_number::of(ids, version, proxy).into(),
        base_order_number: v2.then(|| order_number::base(ids, version, lease.order).into()),
        basket_id: basket::name(ids, version, lease.order, lease.product.country).into(),
        ip: shown.ip().into_owned().into(),
        ip_only: shown.ip_only.into(),
        protocol: shown.protocol.into(),
        port_socks: shown.port_socks,
        port_http: shown.port_http,
        login: shown.login.into(),
        password: shown.password.into(),
        auth_ip: shown.auth_ip.into(),
        rotation: shown.rotation.into(),
        link_reboot: shown.link_reboot,
        country: lease.product.country.name().into(),
        country_alpha3: lease.product.country.alpha3().into(),
        status: status.into(),
        status_type: status_type.into(),
        can_prolong: if v2 { CanProlong::Flag(true) } else { CanProlong::Number(1) },
        date_start: date(lease.starts_at).day().into(),
        date_end: date(lease.ends_at).day().into(),
        comment: lease.comment.as_deref().unwrap_or_default().into(),
        auto_renew: if lease.auto_extend.is_some() { "Y" } else { "N" }.into(),
        auto_renew_period: lease.auto_extend.map_or_else(String::new, |it| it.code()).into(),
        is_uptime: v2.then_some(false),
    }
}
