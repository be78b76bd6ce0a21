//! Proxies as this dialect shows them.

use std::borrow::Cow;

use domain::access::Access;
use domain::catalogue::Catalogue;
use domain::kind::ProxyKind;
use domain::order::Protocol;
use domain::proxy::Proxy;
use domain::time::Time;
use wire::proxyseller::date::Date;

use crate::app::App;

/// How a proxy is reached and used.
pub(super) struct Shown<'p> {
    /// The address or host, without a port.
    pub(super) ip_only: String,
    /// What it speaks: `HTTP`, also if it speaks both, or `SOCKS5`.
    pub(super) protocol: &'static str,
    /// The port for HTTP. One that speaks one protocol only has the same port for both.
    pub(super) port_http: u16,
    /// The port for SOCKS5.
    pub(super) port_socks: u16,
    /// Empty where an address may use it.
    pub(super) login: &'p str,
    /// Empty where an address may use it.
    pub(super) password: &'p str,
    /// The address that may use it; empty where a login is needed.
    pub(super) auth_ip: String,
    /// Minutes, for mobile; else empty.
    pub(super) rotation: String,
    /// Where it is rotated, for mobile; else `#`.
    pub(super) link_reboot: Cow<'static, str>,
    /// Whether the port stands with the address.
    with_port: bool,
}

impl<'p> Shown<'p> {
    pub(super) fn of(app: &App, catalogue: &Catalogue, proxy: &'p Proxy) -> Shown<'p> {
        let kind = proxy.lease.product.kind;
        let endpoint = proxy.endpoint(catalogue);
        let only_socks = kind == ProxyKind::Ipv6 && proxy.order.protocol == Some(Protocol::Socks);
        let (mut port_http, mut port_socks) = (endpoint.http_port, endpoint.socks_port);
        let with_port = kind == ProxyKind::Ipv6;
        if with_port {
            let port = if only_socks { port_socks } else { port_http };
            (port_http, port_socks) = (port, port);
        }
        let (login, password, auth_ip) = match &proxy.order.access {
            Some(Access::Login(pair)) => {
                (pair.login.as_str(), pair.password.as_str(), String::new())
            }
            Some(Access::SourceIp(ip)) => ("", "", ip.to_string()),
            None => ("", "", String::new()),
        };
        let mobile = kind == ProxyKind::Mobile;
        let minutes = proxy.order.rotation_seconds.filter(|_| mobile).map(|it| it / 60);
        let link_reboot = if mobile {
            let (base, token) = (&app.settings.base_url, app.engine.reboot_token(proxy));
            format!("{base}/api/proxy/reboot?token={token}").into()
        } else {
            "#".into()
        };
        Shown {
            ip_only: endpoint.host,
            protocol: if only_socks { "SOCKS5" } else { "HTTP" },
            port_http,
            port_socks,
            login,
            password,
            auth_ip,
            rotation: minutes.map_or_else(String::new, |minutes| minutes.to_string()),
            link_reboot,
            with_port,
        }
    }

    /// The address or host; for IPv6, with its port.
    pub(super) fn ip(&self) -> Cow<'_, str> {
        match self.with_port {
            true => format!("{}:{}", self.ip_only, self.port_http).into(),
            false => self.ip_only.as_str().into(),
        }
    }
}

/// A moment, to be written in one of the dialect's ways.
pub(super) fn date(time: Time) -> Date {
    Date::from_milliseconds(time.millis()).expect("moments are between 1970 and 9999")
}
