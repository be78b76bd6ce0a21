//! `sublet serve`: everything that runs while the shop is open, composed in one place.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use domain::auto_top_up::Caps;
use engine::batcher::Bounds;
use engine::clock::SteadyClock;
use engine::engine::Engine;
use engine::payment::Providers;
use serde::Serialize;
use store::Store;
use tokio::sync::oneshot;

use crate::database::Database;
use crate::handover::{Giver, Taken, Waiting, asked, listen};
use crate::nodes::Desk;
use crate::problem::Problem;
use crate::signals::Signals;
use crate::traffic::face::Face;
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
    /// Takes over from the server that runs here, which then ends: nobody who connects notices.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Where a server that takes over asks for it [default: hand-over.sock beside the books, if
    /// they are in a file]
    #[arg(long, value_name = "SOCKET")]
    pub(crate) hand_over: Option<PathBuf>,
    /// How long tunnels may go on after the server was asked to end, in seconds [default: 5, or 600
    /// when another server has taken over]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) drain: Option<u32>,
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
            take_over: false,
            hand_over: None,
            drain: None,
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
        self.traffic.manners.check()?;
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

/// How often is looked whether the system's clock was set.
const CLOCK_LOOK: Duration = Duration::from_secs(10);

/// How long tunnels that are open may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(5);
/// The same where another server has taken over.
const DRAIN_HANDED_OVER: Duration = Duration::from_secs(600);

/// What a server has to do with those before and after it.
#[derive(Debug, Default)]
pub(crate) struct Succession {
    /// What was taken over.
    pub(crate) taken: Option<Taken>,
    /// Where whoever follows asks.
    pub(crate) socket: Option<PathBuf>,
}

/// Serves until SIGTERM or SIGINT, or until another server has taken over; then drains.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    options: &Options,
    succession: Succession,
    ready: impl FnOnce(&Ready) -> Result<(), Problem>,
) -> Result<(), Problem> {
    raise_descriptor_limit();
    let mut providers = Providers::usual(store.installation()?.sandbox);
    providers.caps = Caps { per_day: options.top_ups_per_day, per_month: options.top_up_per_month };
    let clock = Arc::new(SteadyClock::start());
    let clock_watch = tokio::spawn(watch_clock(Arc::clone(&clock)));
    let engine = Engine::start_with(store, clock, Bounds::default(), providers)?;
    engine.keep_usage_for(options.usage_days);
    let Succession { taken, socket } = succession;
    let mut heritage = Heritage::from(taken);
    let listener = listen(options.listen, heritage.http.take())?;
    let address = listener.local_addr()?;
    // Given to whoever follows, and closed before the server ends otherwise.
    let spare = Arc::new(Mutex::new(Some(listener.as_fd().try_clone_to_owned()?)));
    let server = ::serve::Server::new(::serve::Limits::default());
    let carrier = match options.roles.contains(&Role::Gateway) {
        true => start_carrier(&engine, options, address, &mut heritage).await?,
        false => None,
    };
    let desk = match options.gateway_listen {
        Some(address) => Some(Desk::open(&engine, address).await?),
        None => None,
    };
    let counts = carrier.as_ref().map(|carrier| Arc::clone(&carrier.counts));
    let face = Face::new(
        &engine,
        &options.traffic,
        options.base_url.as_deref(),
        carrier.as_ref().map(Carrier::gateway),
        desk.as_ref().map(|desk| Arc::clone(&desk.refusals)),
    );
    let router = router(&engine, options, &server, (counts, Arc::new(face.await)), address);
    let upkeep = engine.run_upkeep();
    let scheduler = options.roles.contains(&Role::Scheduler).then(|| engine.run_scheduler());
    let signals = Signals::new()?;
    let gateway = carrier.as_ref().map(|carrier| carrier.listening.clone());
    let follows = heritage.is_served().await;
    let mut giver = socket.and_then(|path| Giver::open(&path, follows));
    let control = desk.as_ref().map(|desk| format!("https://{}", desk.address));
    ready(&Ready { http: format!("http://{address}"), gateway, control })?;

    let lend = lender(carrier.as_ref(), &spare);
    let drain = carrier.as_ref().map(Carrier::drainer);
    let (tell, heir) = oneshot::channel();
    let asked_to_end = {
        let (lend, spare) = (lend.clone(), Arc::clone(&spare));
        let (giver, signals) = (giver.as_ref(), &signals);
        async move {
            tokio::select! {
                () = signals.asked() => {
                    tracing::info!("Asked to end: draining");
                    spare.lock().unwrap_or_else(PoisonError::into_inner).take();
                    if let Some(drain) = drain {
                        drain();
                    }
                }
                heir = asked(giver, lend) => {
                    tracing::info!("Asked to hand over");
                    // It waits for it below.
                    let _ = tell.send(heir);
                }
            }
        }
    };
    let summary = server.run(listener, router, asked_to_end).await;
    if let Some(scheduler) = scheduler {
        scheduler.abort();
    }
    // Whoever follows listens where this one has, as soon as it is given the books.
    if let Some(desk) = desk {
        desk.close().await;
    }
    let mut heir = heir.await.ok();
    let is_followed = heir.is_some();
    if is_followed {
        upkeep.abort();
        engine.close().await;
    }
    while let Some(given) = heir.take() {
        match given.follow(|| false).await {
            Ok(()) => {
                tracing::info!("Handed over");
                giver.take().into_iter().for_each(Giver::leave);
            }
            Err(error) => {
                tracing::error!(
                    "The server that was to take over did not: {error}. The gateway goes on; \
                     nothing else is served until a server takes over"
                );
                heir = tokio::select! {
                    () = signals.asked() => None,
                    heir = asked(giver.as_ref(), lend.clone()) => Some(heir),
                };
            }
        }
    }
    spare.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop((giver, lend));
    if let Some(carrier) = carrier {
        let usual = if is_followed { DRAIN_HANDED_OVER } else { DRAIN };
        let patience = options.drain.map_or(usual, |it| Duration::from_secs(it.into()));
        let hurried = async {
            match is_followed {
                true => {
                    signals.asked().await;
                    tokio::time::sleep(DRAIN).await;
                }
                false => std::future::pending().await,
            }
        };
        carrier.end(patience, hurried).await;
    }
    if !is_followed {
        upkeep.abort();
        engine.close().await;
    }
    clock_watch.abort();
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

/// Says when the system's clock was set: the server goes on by its own.
async fn watch_clock(clock: Arc<SteadyClock>) {
    let mut known = 0;
    loop {
        let ahead = clock.system_ahead().millis() / 1000;
        if ahead.abs_diff(known) > 1 {
            tracing::warn!(
                seconds = ahead,
                "The system's clock was set: it is {ahead} seconds ahead of the one that this server \
                 goes by; if it is right now, restart the server"
            );
            known = ahead;
        }
        tokio::time::sleep(CLOCK_LOOK).await;
    }
}

/// What was taken over from another server, until it is used.
struct Heritage {
    http: Option<TcpListener>,
    gateway: Vec<TcpListener>,
    before: Option<Waiting>,
}

impl From<Option<Taken>> for Heritage {
    fn from(taken: Option<Taken>) -> Heritage {
        match taken {
            Some(Taken { http, gateway, waiting }) => {
                Heritage { http, gateway, before: Some(waiting) }
            }
            None => Heritage { http: None, gateway: Vec::new(), before: None },
        }
    }
}

impl Heritage {
    /// Says to whom it comes from that everything is served here now; whether there is somebody.
    async fn is_served(&mut self) -> bool {
        let Some(before) = self.before.take() else { return false };
        let told = tokio::task::spawn_blocking(move || before.go_on(false)).await;
        if let Err(error) = told.map_err(io::Error::other).and_then(|told| told) {
            // It has gone by itself; what it gave is here.
            tracing::warn!("The server before this one did not say that it leaves: {error}");
        }
        true
    }
}

/// What gives the listeners out: that of HTTP first.
fn lender(
    carrier: Option<&Carrier>,
    http: &Arc<Mutex<Option<OwnedFd>>>,
) -> impl Fn(bool) -> io::Result<(bool, Vec<OwnedFd>)> + Clone + Send + 'static {
    let (of_gateway, http) = (carrier.map(Carrier::lender), Arc::clone(http));
    move |lend| {
        let gateway = of_gateway.as_ref().map(|lender| lender(lend)).transpose()?;
        let http = http.lock().unwrap_or_else(PoisonError::into_inner);
        let http = http.as_ref().map(OwnedFd::try_clone).transpose()?;
        let with_http = http.is_some();
        Ok((with_http, http.into_iter().chain(gateway.unwrap_or_default()).collect()))
    }
}

/// The gateway, unless it cannot be started: then everything else is served all the same, but not
/// in the place of a server that has one.
async fn start_carrier(
    engine: &Engine,
    options: &Options,
    http: SocketAddr,
    heritage: &mut Heritage,
) -> Result<Option<Carrier>, Problem> {
    let inherited = std::mem::take(&mut heritage.gateway);
    match Carrier::start(engine, &options.traffic, http, inherited).await {
        Ok(carrier) if heritage.before.is_some() && !carrier.knows_all() => {
            Err(Problem::failed("the gateway did not learn what it is to serve"))
        }
        Ok(carrier) => Ok(Some(carrier)),
        Err(error) if heritage.before.is_some() => {
            Err(Problem::failed(format!("the gateway did not start: {error:#}")))
        }
        Err(error) => {
            tracing::error!("The gateway did not start: {error:#}");
            Ok(None)
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
    (traffic, carried): (Option<Arc<api::Traffic>>, Arc<dyn api::Carried>),
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
        carried: Some(carried),
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
