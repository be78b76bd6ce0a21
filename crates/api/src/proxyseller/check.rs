//! `GET tools/proxy/check`, of v1

use domain::access::{Access, Login};
use domain::proxy::Proxy;
use domain::refusal::Refusal;
use engine::browse::{Stand, Wanted};
use wire::proxyseller::check::{Checked, Written};
use wire::proxyseller::proxy_list_stream::ListWriter;

use super::proxy_list::wanted::part;
use super::shown::Shown;
use super::stop::{Done, Stop};
use super::{Asked, read};
use crate::traffic::CheckWish;

/// How many leases are read at once.
const CHUNK: u32 = 500;

/// Whether one of the caller's own proxies works with what is said there. Nothing else is looked at,
/// because the server is nobody's tool for reaching places of his choice. Where no gateway can be
/// asked, or when a key has asked too often, none is said to work.
pub(super) async fn check(asked: &Asked<'_>) -> Result<Done, Stop> {
    let text = read::parameter(asked.query, "proxy").unwrap_or_default();
    let unreadable = || Stop::said("Set existed [proxy]", "bad-proxy");
    let proxy = Written::read(&text).ok_or_else(unreadable)?;
    let Some(own) = own(asked, proxy).await? else {
        return Err(Stop::refused(asked, &Refusal::UnknownLease));
    };
    let mut wish = CheckWish::of(asked.app, &own, Some(proxy.port));
    // What the caller says there is what is tried.
    wish.access = match proxy.user {
        "" => Vec::new(),
        user => vec![Access::Login(Login {
            login: user.to_owned(),
            password: proxy.password.to_owned(),
        })],
    };
    let carried = asked.app.settings.carried.as_ref();
    let checked = match carried.filter(|_| asked.app.limits.check(&asked.caller.key).is_ok()) {
        Some(carried) => carried.check(wish).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let works = checked.into_iter().find(|it| it.reason.is_none());
    let protocol = works.as_ref().map(|it| if it.protocol == "socks5" { "SOCKS5" } else { "HTTP" });
    Ok(Done::new(&Checked {
        ip: proxy.host.to_owned(),
        port: proxy.port,
        user: proxy.user.to_owned(),
        password: proxy.password.to_owned(),
        valid: works.is_some(),
        protocol: protocol.map(str::to_owned),
        time: works.and_then(|it| it.first_byte_ms).unwrap_or(0),
    }))
}

/// The caller's live lease there.
async fn own(asked: &Asked<'_>, proxy: Written<'_>) -> Result<Option<Proxy>, Stop> {
    let engine = &asked.app.engine;
    let catalogue = engine.catalogue();
    let parts = ListWriter::SECTIONS.into_iter().filter_map(part).collect();
    let wanted = Wanted { parts, stand: Stand::Live, ..Wanted::default() };
    let mut browse = Some(engine.browse(asked.customer(), wanted).await?);
    while let Some(on) = browse {
        let (proxies, rest) = engine.browse_on(on, CHUNK).await?;
        let there = proxies.into_iter().find(|own| {
            let shown = Shown::of(asked.app, &catalogue, own);
            let ports = [shown.port_http, shown.port_socks];
            shown.ip_only.eq_ignore_ascii_case(proxy.host) && ports.contains(&proxy.port)
        });
        if there.is_some() {
            return Ok(there);
        }
        browse = rest;
    }
    Ok(None)
}
