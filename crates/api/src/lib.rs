//! HTTP for programs: each dialect in front of the one core.
//!
//! A handler translates: it reads what was asked into a command or question for the
//! [`Engine`], and prints what came of it in the words of its dialect. It decides nothing, and it
//! cannot reach the store.
//!
//! Every request passes [`front`], which takes a key out of the path before anything else can see
//! it, and sees to what all answers have in common. [`youproxy`] and [`proxyseller`] dispatch by
//! tables of their own, because there even a refusal by the router has a shape of its own, and
//! paths are read generously; everything else is in [`routes`].

mod answer;
mod app;
mod body;
mod caller;
mod catch;
mod front;
mod guides;
mod health;
mod home;
mod limits;
mod metrics;
mod native;
mod openapi;
mod pay;
mod pieces;
mod proxyseller;
mod query;
mod reboot;
mod routes;
mod sandbox;
mod spend;
mod target;
mod traffic;
mod youproxy;

use std::sync::Arc;

use axum::Router;
use engine::engine::Engine;
use serve::{RequestIdLayer, Stats};

use crate::app::App;
use crate::front::Front;
pub use crate::traffic::{Carried, CheckWish, Checked, NotChecked, Refusals, Refused, Traffic};

/// How the APIs are served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many requests an API key may make in a minute, unless it has a limit of its own.
    pub requests_per_minute: u32,
    /// How many requests with unknown keys a source (an IPv4 address or an IPv6 /64) may make in a
    /// minute before it is told to wait. Requests with good keys are never counted.
    pub failed_keys_per_minute: u32,
    /// Whether limits and faults in which nothing was done are answered with status 200 in the
    /// Youproxy and Proxy-Seller dialects, for clients that look at nothing else.
    pub always_200: bool,
    /// How the Proxy-Seller dialect is spoken.
    pub proxyseller: ProxySeller,
    /// The address under which customers reach this server, without a slash at its end; for the
    /// links that they are given.
    pub base_url: String,
    /// What the HTTP server has seen, for the metrics.
    pub stats: Option<Arc<Stats>>,
    /// What the gateway in this process does, if there is one.
    pub traffic: Option<Arc<Traffic>>,
    /// Who is asked about it.
    pub carried: Option<Arc<dyn Carried>>,
    /// Whether the customers' APIs are served.
    pub api: bool,
    /// Whether the guides and pages are served.
    pub web: bool,
}

/// How the Proxy-Seller dialect is spoken where the original leaves a choice.
#[derive(Clone, Debug)]
pub struct ProxySeller {
    /// How many requests an API key may make in a calendar minute, unless it has a limit of its
    /// own.
    pub requests_per_minute: u32,
    /// Whether a quote that the balance does not cover has its warning among the errors too. The
    /// original leaves them empty in v1, and clients of that time fall over it.
    pub explain_shortage: bool,
    /// Whether an order may leave open what it is for.
    pub target_optional: bool,
}

impl Default for ProxySeller {
    fn default() -> ProxySeller {
        ProxySeller { requests_per_minute: 1000, explain_shortage: false, target_optional: false }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            requests_per_minute: 60_000,
            failed_keys_per_minute: 6_000,
            always_200: false,
            proxyseller: ProxySeller::default(),
            base_url: "http://127.0.0.1:8080".to_owned(),
            stats: None,
            traffic: None,
            carried: None,
            api: true,
            web: true,
        }
    }
}

/// Everything that is served over HTTP.
///
/// Made for [`serve::Server`], whose [`serve::Peer`] tells who is calling and whose
/// [`serve::Delivery`] tells whether an answer arrived. Without the former a caller counts as one
/// from nowhere; without the latter every answer counts as delivered.
pub fn router(engine: Engine, settings: Settings) -> Router {
    let front = Front::new(App::new(engine, settings));
    Router::new().fallback(front::front).with_state(front).layer(RequestIdLayer::new())
}
