//! HTTP for programs: each dialect in front of the one core.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use engine::engine::Engine;

/// How the APIs are served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many requests an API key may make in a minute, unless it has a limit of its own.
    pub requests_per_minute: u32,
    /// Answers limits and faults in which nothing was done with HTTP 200.
    pub always_200: bool,
    /// The address under which customers reach this server.
    pub base_url: String,
    /// What the server loop counts.
    pub stats: Option<Arc<serve::Stats>>,
    /// Whether the customers' APIs are served.
    pub api: bool,
    /// Whether the guides are served.
    pub web: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            requests_per_minute: 60_000,
            always_200: false,
            base_url: "http://127.0.0.1:8080".into(),
            stats: None,
            api: true,
            web: true,
        }
    }
}

/// Everything that is served.
pub fn router(engine: Engine, settings: Settings) -> Router {
    drop((engine, settings));
    Router::new().route("/healthz", get(|| async { "ok" }))
}
