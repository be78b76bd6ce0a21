//! `sublet proxy`: rented proxies as their customers use them.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use domain::access::Login;
use domain::ids::LeaseId;
use domain::served::Served;
use serde::Serialize;
use store::records::Touched;

use crate::check::{self, Checked, Door, Echoes, Target, Wish};
use crate::console::Row;
use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Proxy {
    /// Try a proxy as its customer would, and say what is wrong if it does not work
    Check(Check),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet proxy check 17
  sublet proxy check http://login:password@proxies.example:20000 --check-url https://ip.example/")]
pub(super) struct Check {
    /// The number of a lease, as `events` shows it, or any proxy: http://, https:// or socks5://
    #[arg(value_name = "LEASE|URL")]
    proxy: String,
    /// Who answers with the address that he sees, as text or JSON [default in a sandbox: this
    /// program]
    #[arg(long, value_name = "URL")]
    check_url: Option<Target>,
}

/// What came of one way in, as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    protocol: &'static str,
    port: u16,
    works: bool,
    reason: Option<String>,
    exit: Option<String>,
    connect_ms: Option<u32>,
    first_byte_ms: Option<u32>,
    certificate_trusted: Option<bool>,
}

impl From<Checked> for Shown {
    fn from(checked: Checked) -> Shown {
        Shown {
            protocol: checked.protocol,
            port: checked.port,
            works: checked.reason.is_none(),
            reason: checked.reason,
            exit: checked.exit.map(|exit| exit.to_string()),
            connect_ms: checked.connect_ms,
            first_byte_ms: checked.first_byte_ms,
            certificate_trusted: checked.trusted,
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["PROTOCOL", "PORT", "WORKS", "EXIT", "CONNECT", "FIRST BYTE", "CERTIFICATE"];

    fn cells(&self) -> Vec<String> {
        let time = |millis: Option<u32>| millis.map_or("-".to_owned(), |it| format!("{it} ms"));
        vec![
            self.protocol.to_owned(),
            self.port.to_string(),
            self.reason.as_ref().map_or("yes".to_owned(), |reason| format!("no: {reason}")),
            self.exit.clone().unwrap_or_else(|| "-".to_owned()),
            time(self.connect_ms),
            time(self.first_byte_ms),
            match self.certificate_trusted {
                None => "-",
                Some(true) => "trusted",
                Some(false) => "not trusted",
            }
            .to_owned(),
        ]
    }
}

impl Proxy {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let Proxy::Check(check) = self;
        check.run(shop)
    }
}

impl Check {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let wish = match self.proxy.parse::<i64>() {
            Ok(id) => of_lease(shop, LeaseId(id))?,
            Err(_) => of_url(&self.proxy).ok_or_else(|| {
                Problem::usage("not the number of a lease, nor the URL of a proxy")
                    .hint("write it like http://login:password@proxies.example:20000")
            })?,
        };
        let sandbox = shop.store.installation()?.sandbox;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let checked = runtime.block_on(async {
            let (target, _echoes) = match self.check_url {
                Some(target) => (target, None),
                None if sandbox => {
                    let echoes = Echoes::start().await?;
                    (echoes.target(wish.exit), Some(echoes))
                }
                None => {
                    let says = "nobody is named who could be asked for the address that he sees";
                    return Err(Problem::usage(says).hint("--check-url https://ip.example.com/"));
                }
            };
            Ok(check::check(&wish, &target).await)
        })?;
        let failed = checked.iter().filter(|it| it.reason.is_some()).count();
        let shown: Vec<Shown> = checked.into_iter().map(Shown::from).collect();
        shop.console.list(&shown, "There is no way in.")?;
        match failed {
            0 => Ok(()),
            _ => Err(Problem::failed(format!("{failed} of {} ways in do not work", shown.len()))),
        }
    }
}

/// A lease as its customer uses it.
fn of_lease(shop: &Shop<'_, '_>, id: LeaseId) -> Result<Wish, Problem> {
    let touched = Touched { leases: BTreeSet::from([id]), ..Touched::default() };
    let served: Option<Served> = shop.store.served_of(&touched)?.into_iter().next();
    let served = served.ok_or_else(|| {
        Problem::failed(format!("there is no lease {}, or it is over", id.0))
            .hint("`sublet events` shows their numbers")
    })?;
    let endpoint = served.endpoint(shop.store.catalogue()?.as_ref());
    Ok(Wish::of_lease(&endpoint, served.protocol, &served.access, served.ip))
}

/// A proxy with this URL.
fn of_url(url: &str) -> Option<Wish> {
    let (scheme, rest) = url.split_once("://")?;
    let (known, place) = rest.trim_end_matches('/').rsplit_once('@').unwrap_or(("", rest));
    let place = place.trim_end_matches('/');
    let (host, port) = check::place_of(place, 0).filter(|(_, port)| *port > 0)?;
    let speaks = check::Speaks::of_scheme(scheme)?;
    let login = match known.split_once(':') {
        None if known.is_empty() => None,
        None => Some((known, "")),
        Some(pair) => Some(pair),
    };
    let login =
        login.map(|(login, password)| Login { login: decoded(login), password: decoded(password) });
    Some(Wish { doors: vec![Door { speaks, host, port }], login, exit: None })
}

/// A part of a URL without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|pair| std::str::from_utf8(pair).ok());
        match escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_proxy_can_be_named() {
        let wish = of_url("socks5h://ann:p%40ss%3A@[2001:db8::1]:1080/").unwrap();
        let login = wish.login.unwrap();
        assert_eq!((login.login.as_str(), login.password.as_str()), ("ann", "p@ss:"));
        assert_eq!((wish.doors[0].host.as_str(), wish.doors[0].port), ("2001:db8::1", 1080));
        assert!(of_url("http://proxies.example:8081").unwrap().login.is_none());
        for url in ["proxies.example:8081", "ftp://a:1", "http://a", "http://a:b", "http://@:1"] {
            assert!(of_url(url).is_none(), "{url}");
        }
    }
}
