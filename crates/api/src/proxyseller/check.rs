//! `GET tools/proxy/check`, of v1

use domain::refusal::Refusal;
use engine::browse::{Stand, Wanted};
use wire::proxyseller::check::{Checked, Written};
use wire::proxyseller::proxy_list_stream::ListWriter;

use super::proxy_list::wanted::part;
use super::shown::Shown;
use super::stop::{Done, Stop};
use super::{Asked, read};

/// How many leases are read at once.
const CHUNK: u32 = 500;

/// Whether one of the caller's own proxies works. Nothing else is looked at, because the server is
/// nobody's tool for reaching places of his choice. As long as there is no gateway to ask, none is
/// said to work.
pub(super) async fn check(asked: &Asked<'_>) -> Result<Done, Stop> {
    let text = read::parameter(asked.query, "proxy").unwrap_or_default();
    let unreadable = || Stop::said("Set existed [proxy]", "bad-proxy");
    let proxy = Written::read(&text).ok_or_else(unreadable)?;
    if !is_own(asked, proxy).await? {
        return Err(Stop::refused(asked, &Refusal::UnknownLease));
    }
    Ok(Done::new(&Checked {
        ip: proxy.host.to_owned(),
        port: proxy.port,
        user: proxy.user.to_owned(),
        password: proxy.password.to_owned(),
        valid: false,
        protocol: None,
        time: 0,
    }))
}

/// Whether the caller has a live lease there.
async fn is_own(asked: &Asked<'_>, proxy: Written<'_>) -> Result<bool, Stop> {
    let engine = &asked.app.engine;
    let catalogue = engine.catalogue();
    let parts = ListWriter::SECTIONS.into_iter().filter_map(part).collect();
    let wanted = Wanted { parts, stand: Stand::Live, ..Wanted::default() };
    let mut browse = Some(engine.browse(asked.customer(), wanted).await?);
    while let Some(on) = browse {
        let (proxies, rest) = engine.browse_on(on, CHUNK).await?;
        let there = proxies.iter().any(|own| {
            let shown = Shown::of(asked.app, &catalogue, own);
            let ports = [shown.port_http, shown.port_socks];
            shown.ip_only.eq_ignore_ascii_case(proxy.host) && ports.contains(&proxy.port)
        });
        if there {
            return Ok(true);
        }
        browse = rest;
    }
    Ok(false)
}
