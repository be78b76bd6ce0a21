//! `sublet key`: the API keys of customers.

use clap::{Args, Subcommand};
use domain::api_key::ApiKey;
use domain::ids::{CustomerId, KeyId};
use domain::network::Network;
use domain::time::{Span, Time};
use engine::secret;
use serde::Serialize;
use store::records::NewApiKey;

use crate::console::Row;
use crate::problem::Problem;
use crate::random;
use crate::reading::{self, Moment};
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make an API key; it is shown this once only
    Create(Create),
    /// The keys of a customer, or of all
    List(List),
    /// Revoke a key for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet key create --customer 1 --allow-ip 198.51.100.0/24")]
pub(super) struct Create {
    /// Whose key it is
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: CustomerId,
    /// What it is called
    #[arg(long, value_parser = reading::name, default_value = "default")]
    name: String,
    /// From where it may be used; may be repeated [default: from everywhere]
    #[arg(long, value_name = "CIDR", value_parser = reading::network)]
    allow_ip: Vec<Network>,
    /// Let it look only
    #[arg(long)]
    read_only: bool,
    /// Take an identical spend within so many seconds for a repetition [default: never]
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(0..=86_400))]
    repeat_window: u32,
    /// How many requests a minute it may make [default: as the server says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
    /// When it ends by itself: 2026-12-01, 2026-12-01T12:00:00Z or 30d
    #[arg(long, value_name = "TIME", value_parser = reading::moment)]
    expires: Option<Moment>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only the keys of this customer
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: Option<CustomerId>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The number of the key, as `key list` shows it
    #[arg(value_name = "ID")]
    id: i64,
}

/// A key that was just made.
#[derive(Serialize)]
struct Made<'a> {
    api_key: &'a str,
    key_id: i64,
    customer_id: i64,
    name: &'a str,
}

/// A key as it is shown later.
#[derive(Debug, Serialize)]
struct Shown {
    key_id: i64,
    customer_id: i64,
    name: String,
    state: &'static str,
    allowed: Vec<String>,
    read_only: bool,
    repeat_window_seconds: i64,
    requests_per_minute: Option<u32>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

impl Shown {
    fn new(key: &ApiKey, now: Time) -> Shown {
        let state = match key.revoked_at {
            Some(_) => "revoked",
            None if key.is_valid(now) => "valid",
            None => "expired",
        };
        Shown {
            key_id: key.id.0,
            customer_id: key.customer.0,
            name: key.name.clone(),
            state,
            allowed: key.allowed.iter().map(Network::to_string).collect(),
            read_only: key.read_only,
            repeat_window_seconds: key.repeat_window.millis() / 1_000,
            requests_per_minute: key.requests_per_minute,
            created_at: reading::shown(key.created_at),
            expires_at: key.expires_at.map(reading::shown),
            revoked_at: key.revoked_at.map(reading::shown),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["ID", "CUSTOMER", "NAME", "STATE", "MAY", "FROM", "MADE", "EXPIRES"];

    fn cells(&self) -> Vec<String> {
        let from = match self.allowed.as_slice() {
            [] => "everywhere".to_owned(),
            allowed => allowed.join(", "),
        };
        vec![
            self.key_id.to_string(),
            self.customer_id.to_string(),
            self.name.clone(),
            self.state.to_owned(),
            if self.read_only { "look" } else { "spend" }.to_owned(),
            from,
            self.created_at[..10].to_owned(),
            self.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    }
}

impl Key {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        match self {
            Key::Create(create) => create.run(shop),
            Key::List(list) => list.run(shop),
            Key::Revoke(revoke) => revoke.run(shop),
        }
    }
}

impl Create {
    fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        shop.customer(self.customer)?;
        let expires_at = self.expires.map(|moment| moment.at(shop.now));
        if expires_at.is_some_and(|end| end <= shop.now) {
            return Err(Problem::usage("--expires lies in the past: the key would open nothing"));
        }
        let secret = secret::new_api_key(random::bytes()?);
        let new = NewApiKey {
            hash: secret.hash(),
            customer: self.customer,
            name: self.name,
            allowed: self.allow_ip,
            read_only: self.read_only,
            repeat_window: Span::from_seconds(self.repeat_window),
            requests_per_minute: self.requests_per_minute,
            expires_at,
        };
        let id = shop.store.create_key(&new, shop.now)?;
        let made = Made {
            api_key: secret.reveal(),
            key_id: id.0,
            customer_id: self.customer.0,
            name: &new.name,
        };
        let people = [
            ("API key", made.api_key.to_owned()),
            ("key", made.key_id.to_string()),
            ("customer", made.customer_id.to_string()),
        ];
        shop.console.result(&made, &people)?;
        shop.console.note("The API key is shown this once only.");
        Ok(())
    }
}

impl List {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if let Some(id) = self.customer {
            shop.customer(id)?;
        }
        let keys = shop.store.keys(self.customer)?;
        let shown: Vec<Shown> = keys.iter().map(|key| Shown::new(key, shop.now)).collect();
        shop.console.list(&shown, "There are no keys yet.")
    }
}

impl Revoke {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if !shop.store.revoke_key(KeyId(self.id), shop.now)? {
            let hint = "`sublet key list` shows them all";
            return Err(Problem::failed(format!("there is no key {}", self.id)).hint(hint));
        }
        let revoked = serde_json::json!({ "key_id": self.id, "revoked": true });
        shop.console.result(&revoked, &[("revoked key", self.id.to_string())])
    }
}
