//! `sublet demo`: a working shop on this machine, without any set-up.

pub(crate) mod echo;
mod modems;
mod ports;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use domain::command::{Command, Wish};
use domain::deposit::Deposit;
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money, Percent};
use domain::product::ProductKey;
use domain::time::{Span, Time};
use engine::secret;
use serde::{Deserialize, Serialize};
use store::Store;
use store::records::{NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo};

use crate::database::Database;
use crate::random;
use crate::serve::{Ready, ReadyLine};

/// The catalogue of the demo.
const CATALOGUE: &str = include_str!("../../../docs/catalogue.sample.toml");

/// Where the demo lives.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// The folder of its database; a later demo goes on from there.
    #[arg(long, default_value = "sublet-demo", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// What a demo shows again at its next start. Kept beside its database, readable by its owner only:
/// a demo's secrets open nothing but the demo.
#[derive(Serialize, Deserialize)]
pub(crate) struct Notes {
    customer_id: i64,
    api_key: String,
    operator_token: String,
}

/// Opens the demo's shop, setting it up at the first start: in its folder, or on the PostgreSQL
/// server that is `named`.
pub(crate) fn open(
    options: &Options,
    named: &Database,
    now: Time,
) -> Result<(Arc<dyn Store>, Keys)> {
    std::fs::create_dir_all(&options.data).with_context(|| options.data.display().to_string())?;
    let database = match named.file() {
        Some(_) => Database::in_file(options.data.join("sublet.db")),
        None => named.with_key_in(&options.data),
    };
    let store = database
        .open_to_serve(true, true, "this machine")
        .map_err(|problem| anyhow!("{problem}"))?;
    ensure!(store.installation()?.sandbox, "{} is no sandbox", database.shown());
    let notes_file = options.data.join("demo.json");
    let notes = match std::fs::read_to_string(&notes_file) {
        Ok(text) => {
            serde_json::from_str(&text).context("demo.json is damaged; remove the folder")?
        }
        Err(_) => {
            let empty = store.catalogue_text()?.is_none() && store.customers(None, 1)?.is_empty();
            ensure!(empty, "{} holds another shop: name an empty database", database.shown());
            let notes = set_up(store.as_ref(), now)?;
            write_private(&notes_file, &serde_json::to_string_pretty(&notes)?)?;
            notes
        }
    };
    let (place, words) = match database.file() {
        Some(file) => {
            let folder = options.data.display().to_string();
            (folder, format!("--database sqlite:{}", file.display()))
        }
        None => {
            let key = format!("--key-file {}", database.key_file().display());
            (database.shown(), format!("--database postgres://{} {key}", database.shown()))
        }
    };
    Ok((store, Keys { notes, place, words }))
}

/// The demo's customer and operator, and where its books are.
pub(crate) struct Keys {
    notes: Notes,
    place: String,
    /// How the command line finds them. A password is for the reader to add.
    words: String,
}

fn set_up(store: &dyn Store, now: Time) -> Result<Notes> {
    let sample = ports::free(CATALOGUE);
    // What is sold says which modems are needed.
    store.apply_catalogue(&sample, now)?;
    store.apply_catalogue(&(sample + &modems::described(&*store.catalogue()?)), now)?;
    add_stock(store, now)?;
    let new = NewCustomer {
        name: "Demo customer".into(),
        email: Some("demo@example.com".into()),
        currency: Currency::USD,
    };
    let customer = store.create_customer(&new, now)?;
    let amount = Money::from_minor(50_000, Currency::USD);
    let note = "Welcome".to_owned();
    let deposit = Command::plain(Wish::Deposit(Deposit { customer, amount, note }));
    store.transact(&[deposit], now)?;
    store.create_promo(&promo(now)?, now)?;
    let key = secret::new_api_key(seed()?);
    store.create_key(&api_key(customer, key.hash()), now)?;
    let token = secret::new_operator_token(seed()?);
    store.create_operator_token("demo", &token.hash(), now)?;
    Ok(Notes {
        customer_id: customer.0,
        api_key: key.reveal().to_owned(),
        operator_token: token.reveal().to_owned(),
    })
}

fn api_key(customer: CustomerId, hash: [u8; 32]) -> NewApiKey {
    NewApiKey {
        hash,
        customer,
        name: "demo".into(),
        allowed: vec![],
        read_only: false,
        repeat_window: Span::ZERO,
        requests_per_minute: None,
        expires_at: None,
    }
}

fn promo(now: Time) -> Result<NewPromo> {
    Ok(NewPromo {
        code: "WELCOME-10".into(),
        discount: Percent::parse("10").context("ten per cent is a share")?,
        starts_at: now,
        ends_at: None,
        max_uses: None,
        per_customer: Some(3),
        kinds: vec![],
        for_orders: true,
        for_extensions: true,
        customer: None,
        descriptions: vec![("en".into(), "Ten per cent off your first three purchases".into())],
    })
}

/// Stock for every product of the catalogue, on addresses that this machine has: loopback is
/// 127.0.0.0/8 and ::1. Further IPv6 exits are drawn from a private prefix, which carries traffic
/// only where it is routed.
fn add_stock(store: &dyn Store, now: Time) -> Result<()> {
    let mut addresses = Vec::new();
    for (number, pool) in modems::numbered(&*store.catalogue()?) {
        match pool.kind {
            ProxyKind::Ipv6 => add_prefixes(store, &pool, number, now)?,
            ProxyKind::Mobile => addresses.extend(modems::stock(&pool, number)),
            ProxyKind::Ipv4 | ProxyKind::Isp => {
                for (network, host) in (0..4).flat_map(|net| (1..=64).map(move |host| (net, host)))
                {
                    let ip = Ipv4Addr::new(127, 10 + number, network, host);
                    addresses.push(address(&pool, ip, 0));
                }
            }
        }
    }
    store.add_addresses(&addresses, now)?;
    Ok(())
}

fn address(pool: &ProductKey, ip: Ipv4Addr, slot: u32) -> NewAddress {
    NewAddress { pool: pool.clone(), ip: IpAddr::V4(ip), slot, gateway: "main".into(), modem: None }
}

fn add_prefixes(store: &dyn Store, pool: &ProductKey, number: u8, now: Time) -> Result<()> {
    let private = Ipv6Addr::new(0xfd53, 0x7562, 0x6c65, u16::from(number), 0, 0, 0, 0);
    for (base, length) in [(Ipv6Addr::LOCALHOST, 128), (private, 64)] {
        let new = NewPrefix { pool: pool.clone(), base, length, gateway: "main".into() };
        if length == 128 && pool.country.alpha3() != "DEU" {
            continue;
        }
        store.add_prefix(&new, now)?;
    }
    Ok(())
}

/// What to paste, for people.
pub(crate) fn for_people(ready: &Ready, echo: SocketAddr, keys: &Keys) -> String {
    let Keys { notes: Notes { customer_id, api_key, operator_token }, place, words } = keys;
    let http = &ready.http;
    let base = format!("{http}/client/api/v1/{api_key}");
    let json = "-H 'Content-Type: application/json'";
    let lines = format!("{http}/personal/api/v2/{api_key}/proxy/download/ipv4");
    let lines = format!("{lines}?ext=%25login%25:%25password%25@%25ip%25:%25port%25");
    let carried = carried(ready, &lines, &base, echo);
    format!(
        "A working proxy shop is open at {http} (its books are in {place}).

  customer   {customer_id} (Demo customer, 500.00 USD to spend)
  API key    {api_key}
  operator   {operator_token}
  guides     {http}/docs

Paste these into another terminal:

# What is in the wallet?
curl -s {base}/balance

# What would two addresses in the USA cost for 30 days, with a promo code?
curl -s {json} {base}/calculate/order -d '{{\"proxyType\":\"IPv4\",\"country\":\"USA\",\"quantity\":2,\"rentPeriodDays\":30,\"goal\":\"price monitoring\",\"promoCode\":\"WELCOME-10\"}}'

# Order them. The same key again gives the same answer, not a second charge.
curl -s {json} -H 'Idempotency-Key: first-order' {base}/order -d '{{\"proxyType\":\"IPv4\",\"authType\":\"LOGIN\",\"country\":\"USA\",\"quantity\":2,\"rentPeriodDays\":30,\"goal\":\"price monitoring\",\"promoCode\":\"WELCOME-10\"}}'

# What was delivered: addresses, ports, logins, ends.
curl -s '{base}/ipAddress?proxyType=IPv4'

# Extend them all by their order, then have them extended for ever.
ORDER=$(curl -s '{base}/ipAddress?proxyType=IPv4' | grep -o '\"orderId\":\"[0-9a-f]*\"' | head -1 | cut -d'\"' -f4)
curl -s {json} {base}/extend/order -d \"{{\\\"proxyType\\\":\\\"IPv4\\\",\\\"orderIds\\\":[\\\"$ORDER\\\"],\\\"rentPeriodDays\\\":30}}\"
curl -s {json} {base}/extend/order/auto -d \"{{\\\"proxyType\\\":\\\"IPv4\\\",\\\"orderIds\\\":[\\\"$ORDER\\\"],\\\"rentPeriodDays\\\":30,\\\"autoExtend\\\":true}}\"

# The same proxies over the Proxy-Seller API, as a file of lines.
curl -s '{lines}'

{carried}
# This is a sandbox: let 60 days pass and see the renewal in the receipts.
curl -s -X POST -H 'Authorization: Bearer {operator_token}' {json} {http}/sandbox/v1/clock -d '{{\"advance\":\"60d\"}}'
curl -s -H 'Authorization: Bearer {api_key}' {http}/api/v1/receipts

# Prove the books.
sublet {words} audit

Ctrl-C ends the demo; the next one goes on from here."
    )
}

/// What to paste to use a proxy.
fn carried(ready: &Ready, lines: &str, base: &str, echo: SocketAddr) -> String {
    if ready.gateway.as_ref().is_none_or(Vec::is_empty) {
        return "(The proxies cannot be used: their ports are taken. The log says more.)\n".into();
    }
    format!(
        "# Use one, as an HTTP proxy and as a SOCKS5 proxy: http://{echo} says who has asked.
PROXY=$(curl -s '{lines}' | head -n 1)
curl -s --noproxy '' -x \"http://$PROXY\" http://{echo}/
curl -s --noproxy '' -x \"socks5h://$PROXY\" http://{echo}/

{}",
        rotated(&ready.http, lines, base, echo)
    )
}

/// What to paste to rent a modem and give it another exit.
fn rotated(http: &str, lines: &str, base: &str, echo: SocketAddr) -> String {
    let lines = lines.replace("/ipv4", "/mobile");
    let json = "-H 'Content-Type: application/json'";
    format!(
        "# Rent a mobile proxy, whose exit changes when its link is called; here a modem is simulated.
curl -s {json} {base}/order -d '{{\"proxyType\":\"MOBILE\",\"authType\":\"LOGIN\",\"country\":\"USA\",\"mobileOperator\":\"verizon\",\"rotationTime\":0,\"quantity\":1,\"rentPeriodDays\":30,\"goal\":\"price monitoring\"}}'
MOBILE=$(curl -s '{lines}' | head -n 1)
curl -s --noproxy '' -x \"http://$MOBILE\" http://{echo}/
LINK=$(curl -s '{base}/ipAddress?proxyType=MOBILE' | grep -o '/api/proxy/reboot[^\"]*' | head -n 1)
curl -s \"{http}$LINK\" && sleep 2
curl -s --noproxy '' -x \"http://$MOBILE\" http://{echo}/
"
    )
}

/// The same for programs.
pub(crate) fn for_programs<'a>(ready: &'a Ready, echo: SocketAddr, keys: &'a Keys) -> DemoLine<'a> {
    DemoLine { ready: ready.for_programs(), notes: &keys.notes, echo: format!("http://{echo}") }
}

/// The line that tells a program that the demo takes requests, and its secrets.
#[derive(Serialize)]
pub(crate) struct DemoLine<'a> {
    #[serde(flatten)]
    ready: ReadyLine<'a>,
    #[serde(flatten)]
    notes: &'a Notes,
    /// A destination that says from which address it was asked.
    echo: String,
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let mut open = std::fs::OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

fn seed() -> Result<[u8; 32]> {
    random::bytes().map_err(|problem| anyhow!("{problem}"))
}
