//! Load for a proxy and the destination behind it: what `benches/gateway` measures with.
//!
//! `load origin ADDRESS` serves; `load bulk|connections|requests|idle key=value…` is a client that
//! says what came of it in one line of JSON. Its keys:
//!
//! - `through`: `direct`, `forward` (a proxy that only passes bytes on), `connect`, `socks5` or
//!   `http`; `proxy` and `origin`: where they are; `leases`: how many the proxy has.
//! - `total`: how many connections, requests or tunnels, or how many bytes; `at_once`: how many at
//!   a time; `per_second`: connections that begin in a second, whatever comes of those before.
//! - `known`: a file with a line for each lease: where it is reached, its login and its password,
//!   which are `-` where a SOCKS5 proxy asks for none.
//!   Without it, all are reached at `proxy`, and lease *i* has login `u%06d` and password `p%06d`,
//!   as in `peer`.

mod origin;
mod way;
mod work;

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use way::{Known, Through, Way};

/// Nothing takes longer, whatever happens.
const LIFE: Duration = Duration::from_secs(3600);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let all = async {
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["origin", address] => Ok(origin::serve(address.parse()?).await?),
            [what, options @ ..] => client(what, options).await,
            [] => Err("load origin ADDRESS, or load WHAT key=value…".into()),
        }
    };
    LocalSet::new().block_on(&runtime, async { tokio::time::timeout(LIFE, all).await })?
}

async fn client(what: &str, options: &[&str]) -> Result<(), Box<dyn Error>> {
    let options: HashMap<&str, &str> =
        options.iter().filter_map(|option| option.split_once('=')).collect();
    let text = |key: &str| options.get(key).copied().ok_or(format!("{key} is missing"));
    let number = |key: &str| options.get(key).map_or(Ok(0), |value| value.parse::<u64>());
    let through = Through::named(text("through")?).ok_or("nobody goes that way")?;
    let origin: SocketAddr = text("origin")?.parse()?;
    let proxy = match through {
        Through::Nothing => origin,
        _ => text("proxy")?.parse()?,
    };
    let known = match options.get("known") {
        Some(file) => std::fs::read_to_string(file)?
            .lines()
            .map(|line| Known::read(line).ok_or(format!("that is no lease: {line}")))
            .collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    // It is needed until the end.
    let known: &'static [Known] = known.leak();
    let way = Way { through, proxy, origin, leases: number("leases")?.max(1), known };
    let (total, at_once) = (number("total")?, number("at_once")?.max(1));
    match what {
        "bulk" => work::bulk(way, total, at_once).await?,
        "connections" => {
            let per_second = NonZeroU64::new(number("per_second")?);
            work::connections(way, total, at_once, per_second).await;
        }
        "requests" => work::requests(way, total, at_once).await,
        "idle" => work::idle(way, total).await?,
        _ => return Err(format!("{what} is no work").into()),
    }
    Ok(())
}
