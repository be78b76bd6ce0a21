//! Whether a proxy works, found out as its customer would: through its port and its exit, to
//! somebody who says which address he sees.

mod door;
mod echo;
mod target;
mod trust;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::access::{Access, Login};
use domain::order::Protocol;
use domain::proxy::Endpoint;
use tokio::time::timeout;

pub(crate) use self::door::{Door, Speaks};
pub(crate) use self::echo::Echoes;
pub(crate) use self::target::{Target, place_of};

/// How long one way in may take altogether.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy that is to be checked.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The ways in.
    pub(crate) doors: Vec<Door>,
    /// What is said there.
    pub(crate) login: Option<Login>,
    /// The address that has to be seen, if that is known.
    pub(crate) exit: Option<IpAddr>,
}

impl Wish {
    /// All ways in to a lease.
    pub(crate) fn of_lease(
        endpoint: &Endpoint,
        protocol: Option<Protocol>,
        access: &[Access],
        exit: IpAddr,
    ) -> Wish {
        let door = |speaks, port| Door { speaks, host: endpoint.host.clone(), port };
        let http = (protocol != Some(Protocol::Socks)).then(|| {
            let https = endpoint.https_port.map(|port| door(Speaks::Https, port));
            [Some(door(Speaks::Http, endpoint.http_port)), https]
        });
        let socks =
            (protocol != Some(Protocol::Http)).then(|| door(Speaks::Socks5, endpoint.socks_port));
        let login = access.iter().find_map(|way| match way {
            Access::Login(login) => Some(login.clone()),
            Access::SourceIp(_) => None,
        });
        let doors = http.into_iter().flatten().flatten().chain(socks).collect();
        Wish { doors, login, exit: Some(exit) }
    }
}

/// What came of one way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What is spoken: `http`, `https` or `socks5`.
    pub(crate) protocol: &'static str,
    /// Where.
    pub(crate) port: u16,
    /// Why it does not work; nothing if it does.
    pub(crate) reason: Option<String>,
    /// The address that was seen.
    pub(crate) exit: Option<IpAddr>,
    /// Milliseconds until there was a way through the proxy.
    pub(crate) connect_ms: Option<u32>,
    /// Milliseconds until the first byte came back through it, from the same beginning.
    pub(crate) first_byte_ms: Option<u32>,
    /// Whether the certificate is one that programs trust, where there is one.
    pub(crate) trusted: Option<bool>,
}

/// Checks one way in after the other. `target` says for each exit who is asked.
pub(crate) async fn check(wish: &Wish, target: &Target) -> Vec<Checked> {
    let mut checked = Vec::new();
    for door in &wish.doors {
        checked.push(one(door, wish, target).await);
    }
    checked
}

async fn one(door: &Door, wish: &Wish, target: &Target) -> Checked {
    let mut found = Checked {
        protocol: door.speaks.name(),
        port: door.port,
        reason: None,
        exit: None,
        connect_ms: None,
        first_byte_ms: None,
        trusted: None,
    };
    let began = Instant::now();
    let outcome = timeout(PATIENCE, through(door, wish, target, began, &mut found)).await;
    let outcome = outcome.unwrap_or_else(|_| Err("timeout".to_owned()));
    found.reason = outcome.err().or_else(|| {
        let is_other = wish.exit.is_some_and(|exit| found.exit != Some(exit));
        is_other.then(|| "other_exit".to_owned())
    });
    found
}

async fn through(
    door: &Door,
    wish: &Wish,
    target: &Target,
    began: Instant,
    found: &mut Checked,
) -> Result<(), String> {
    let (stream, trusted) = door.open(wish.login.as_ref(), target).await?;
    found.trusted = trusted;
    found.connect_ms = Some(millis(began));
    let (exit, first_byte) = target.ask(stream).await?;
    found.first_byte_ms = Some(u32::try_from((first_byte - began).as_millis()).unwrap_or(u32::MAX));
    found.exit = Some(exit.to_canonical());
    Ok(())
}

fn millis(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}
