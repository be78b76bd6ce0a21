//! `sublet serve`: everything that runs while the shop is open, composed in one place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use domain::auto_top_up::Caps;
use engine::batcher::Bounds;
use engine::clock::SystemClock;
use engine::engine::Engine;
use engine::payment::Providers;
use serde::Serialize;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};

use crate::database::Database;
use crate::nodes::Desk;
use crate::problem::Problem;
use crate::traffic::{self, Carrier};

/// What runs, and where.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// What this process does: api, web, scheduler, gateway. All of it by default.
    #[arg(long, value_delimiter = ',', default_value = "api,web,scheduler,gateway")]
    pub(crate) roles: Vec<Role>,
    /// What this server is called among those that share a database: the same each time it starts,
    /// and another than theirs [default: its host and port]
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Does not migrate the database; refuses to start on an older one.
    #[arg(long)]
    pub(crate) no_migrate: bool,
    /// How many requests an API key may make in a minute, unless it has a limit of its own.
    #[arg(long, default_value_t = 60_000, value_name = "N")]
    pub(crate) requests_per_minute: u32,
    /// Answers limits and faults in which nothing was done with HTTP 200 in the Youproxy and
    /// Proxy-Seller APIs, for clients that look at nothing else.
    #[arg(long)]
    pub(crate) always_200: bool,
    /// How many requests an API key may make in a calendar minute of the Proxy-Seller API, unless it
    /// has a limit of its own.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) proxyseller_requests_per_minute: u32,
    /// Tells in the first version of the Proxy-Seller API among the errors too that a balance is
    /// short, for clients that fall over an empty list of errors.
    #[arg(long)]
    pub(crate) proxyseller_explain_shortage: bool,
    /// Takes orders of the Proxy-Seller API that do not say what they are for.
    #[arg(long)]
    pub(crate) proxyseller_target_optional: bool,
    /// The address under which customers reach this server, for the links that it gives them.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// How often a day a wallet may be topped up automatically [default: without limit]
    #[arg(long, value_name = "N")]
    pub(crate) top_ups_per_day: Option<u32>,
    /// How much a month a wallet may be topped up automatically, in whole units of its currency
    /// [default: without limit]
    #[arg(long, value_name = "AMOUNT", value_parser = clap::value_parser!(i64).range(1..1_000_000_000))]
    pub(crate) top_up_per_month: Option<i64>,
    /// For how many days it is kept what leases have used on them.
    #[arg(long, default_value_t = Engine::USAGE_DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=4000))]
    pub(crate) usage_days: u32,
    /// Where gateways on other hosts come to learn what to serve [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub(crate) gateway_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) traffic: traffic::Options,
}

impl Options {
    /// Everything, at this address.
    pub(crate) fn on(listen: SocketAddr) -> Options {
        Options {
            listen,
            roles: vec![Role::Api, Role::Web, Role::Scheduler, Role::Gateway],
            node: None,
            no_migrate: false,
            requests_per_minute: 60_000,
            always_200: false,
            proxyseller_requests_per_minute: 1000,
            proxyseller_explain_shortage: false,
            proxyseller_target_optional: false,
            base_url: None,
            top_ups_per_day: None,
            top_up_per_month: None,
            usage_days: Engine::USAGE_DAYS,
            gateway_listen: None,
            traffic: traffic::Options::default(),
        }
    }

    /// The same, keeping what belongs beside the books of `database` there.
    pub(crate) fn beside(mut self, database: &Database) -> Options {
        self.traffic = self.traffic.kept_in(database.gateway_folder());
        self
    }

    /// What the server is called.
    pub(crate) fn name(&self) -> String {
        self.node.clone().unwrap_or_else(|| {
            let system = rustix::system::uname();
            format!("{}:{}", system.nodename().to_string_lossy(), self.listen.port())
        })
    }

    /// Refuses what clap cannot know to be wrong.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let sound = |url: &String| {
            let known = url.starts_with("http://") || url.starts_with("https://");
            known && !url.ends_with('/')
        };
        match self.base_url.as_ref().is_none_or(sound) {
            true => Ok(()),
            false => Err(Problem::usage("--base-url is not one that customers can be sent to")
                .hint("write it like https://proxies.example.com, without a slash at the end")),
        }
    }
}

/// A part of the program that can run apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// The customers' APIs.
    Api,
    /// Guides and pages.
    Web,
    /// Renewals, ends and reserves.
    Scheduler,
    /// The rented proxies.
    Gateway,
}

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    options: &Options,
    ready: impl FnOnce(&Ready) -> Result<(), Problem>,
) -> Result<(), Problem> {
    raise_descriptor_limit();
    let mut providers = Providers::usual(store.installation()?.sandbox);
    providers.caps = Caps { per_day: options.top_ups_per_day, per_month: options.top_up_per_month };
    let clock = Arc::new(SystemClock);
    let engine = Engine::start_with(store, clock, Bounds::default(), providers)?;
    engine.keep_usage_for(options.usage_days);
    let listener = ::serve::bind(options.listen).map_err(anyhow::Error::from)?;
    let address = listener.local_addr()?;
    let server = ::serve::Server::new(::serve::Limits::default());
    let carrier = match options.roles.contains(&Role::Gateway) {
        true => start_carrier(&engine, options, address).await,
        false => None,
    };
    let desk = match options.gateway_listen {
        Some(address) => Some(Desk::open(&engine, address).await?),
        None => None,
    };
    let counts = carrier.as_ref().map(|carrier| Arc::clone(&carrier.counts));
    let router = router(&engine, options, &server, counts, address);
    let upkeep = engine.run_upkeep();
    let scheduler = options.roles.contains(&Role::Scheduler).then(|| engine.run_scheduler());
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let drain = carrier.as_ref().map(Carrier::drainer);
    let asked_to_end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("Asked to end: draining");
        if let Some(drain) = drain {
            drain();
        }
    };
    let gateway = carrier.as_ref().map(|carrier| carrier.listening.clone());
    let control = desk.as_ref().map(|desk| format!("https://{}", desk.address));
    ready(&Ready { http: format!("http://{address}"), gateway, control })?;
    let summary = server.run(listener, router, asked_to_end).await;
    if let Some(scheduler) = scheduler {
        scheduler.abort();
    }
    if let Some(carrier) = carrier {
        carrier.end().await;
    }
    if let Some(desk) = desk {
        desk.close();
    }
    upkeep.abort();
    engine.close().await;
    let requests = server.stats().requests.load(Ordering::Relaxed);
    tracing::info!(requests, cut = summary.cut, "Ended after {requests} requests");
    if summary.cut > 0 {
        tracing::warn!(
            cut = summary.cut,
            "Cut {} connections that did not end in time",
            summary.cut
        );
    }
    Ok(())
}

/// The gateway, unless it cannot be started: then everything else is served all the same.
async fn start_carrier(engine: &Engine, options: &Options, http: SocketAddr) -> Option<Carrier> {
    match Carrier::start(engine, &options.traffic, http).await {
        Ok(carrier) => Some(carrier),
        Err(error) => {
            tracing::error!("The gateway did not start: {error:#}");
            None
        }
    }
}

/// The line that tells a program that a server takes requests.
#[derive(Serialize)]
pub(crate) struct ReadyLine<'a> {
    event: &'static str,
    http: &'a str,
    gateway: Option<&'a [SocketAddr]>,
    /// Where gateways on other hosts come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'a str>,
}

/// What a server says once it takes requests.
pub(crate) struct Ready {
    /// Its address.
    pub(crate) http: String,
    /// Where its gateway listens for leases whose addresses are endpoints themselves; nothing if it
    /// has none.
    pub(crate) gateway: Option<Vec<SocketAddr>>,
    /// Where gateways on other hosts come to, if anywhere.
    pub(crate) control: Option<String>,
}

impl Ready {
    /// The line for programs.
    pub(crate) fn for_programs(&self) -> ReadyLine<'_> {
        ReadyLine {
            event: "ready",
            http: &self.http,
            gateway: self.gateway.as_deref(),
            control: self.control.as_deref(),
        }
    }

    /// What is served and where, in a sentence or two.
    pub(crate) fn for_people(&self) -> String {
        let proxies = match self.gateway.as_deref() {
            None => String::new(),
            Some([]) => " Proxies are served nowhere yet.".to_owned(),
            Some(places) => {
                let places: Vec<String> = places.iter().map(SocketAddr::to_string).collect();
                format!(" Proxies are served at {}.", places.join(" and "))
            }
        };
        let control = self.control.as_ref();
        let control = control.map_or_else(String::new, |at| format!(" Gateways follow at {at}."));
        format!("Serving at {}.{proxies}{control}", self.http)
    }
}

fn router(
    engine: &Engine,
    options: &Options,
    server: &::serve::Server,
    traffic: Option<Arc<api::Traffic>>,
    at: SocketAddr,
) -> Router {
    let has = |role| options.roles.contains(&role);
    let base_url = options.base_url.clone().unwrap_or_else(|| format!("http://{at}"));
    let settings = api::Settings {
        requests_per_minute: options.requests_per_minute,
        always_200: options.always_200,
        proxyseller: api::ProxySeller {
            requests_per_minute: options.proxyseller_requests_per_minute,
            explain_shortage: options.proxyseller_explain_shortage,
            target_optional: options.proxyseller_target_optional,
        },
        base_url,
        stats: Some(server.stats()),
        traffic,
        api: has(Role::Api),
        web: has(Role::Web),
        ..api::Settings::default()
    };
    api::router(engine.clone(), settings)
}

/// The router as it is served, for the benchmarks.
pub(crate) fn bench_router(engine: &Engine) -> Router {
    api::router(
        engine.clone(),
        api::Settings { requests_per_minute: u32::MAX, ..Default::default() },
    )
}

/// Lets the process have as many connections as the system allows it.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(?current, ?maximum, "Could not raise the limit of descriptors: {error}");
    }
}
