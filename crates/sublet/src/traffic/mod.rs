//! The gateway in this process: it carries the traffic of leases that the engine tells of.

pub(crate) mod books;
mod keeper;
mod lease;
mod listeners;
pub(crate) mod metering;
mod rules;
pub(crate) mod serving;
pub(crate) mod slice;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use domain::time::Time;
use engine::engine::Engine;
use gateway::clock::Clock;
use gateway::policy::{Policy, Rules};
use gateway::resolve::Dns;
use gateway::{Binding, Gateway, Settings, Table};
use tokio::task::JoinHandle;

use books::Own;
use keeper::Keeper;
use metering::Metering;
pub(crate) use rules::rules;
use serving::Serving;

/// How long tunnels that are open may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(5);

/// How often is looked whether they have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// Which of the catalogue's gateways this process is, and where it lets traffic go.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "traffic")]
#[command(next_help_heading = "Options of the gateway")]
pub(crate) struct Options {
    /// Which gateways of the catalogue are on this machine [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) gateways: Vec<String>,
    /// Where is kept what leases have used until it is in the books [default: gateway beside the
    /// database, or beside the key file if a server has it]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) gateway_data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) destinations: Destinations,
}

/// Where traffic may go.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "destinations")]
pub(crate) struct Destinations {
    /// Where traffic may go although it is not on the public internet, such as 10.1.0.0/16
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) allow_destinations: Vec<gateway::ranges::Prefix>,
    /// Where traffic may not go
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) deny_destinations: Vec<gateway::ranges::Prefix>,
}

impl Options {
    /// The same, with `folder` for what the gateway keeps, unless another is named.
    pub(crate) fn kept_in(mut self, folder: PathBuf) -> Options {
        self.gateway_data.get_or_insert(folder);
        self
    }
}

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
    metering: Metering<Own>,
    /// Where customers can connect to, as far as that is the same for many.
    pub(crate) listening: Vec<SocketAddr>,
    /// What it does.
    pub(crate) counts: Arc<api::Traffic>,
}

impl Carrier {
    /// Starts a gateway beside the server that listens at `http`, and has it serve what there is.
    pub(crate) async fn start(
        engine: &Engine,
        options: &Options,
        http: SocketAddr,
    ) -> anyhow::Result<Carrier> {
        let gateways = engine.catalogue();
        let ports = gateways.gateways.values().flat_map(|it| [it.http_port, it.socks_port]);
        let own = ports.map(everywhere).chain([http]).collect();
        let rules = rules(engine.is_sandbox(), &options.destinations, own)?;
        let clock: Arc<dyn Clock> = Arc::new(ShopTime(engine.clone()));
        let serving = start(rules, Arc::clone(&clock), Arc::default())?;
        let (gateway, counts) = (Arc::clone(&serving.gateway), Arc::clone(&serving.counts));
        let metering = start_metering(engine, options, &gateway, clock, &counts)?;
        let names = options.gateways.iter().cloned().collect();
        let mut keeper = Keeper::new(engine.clone(), serving, names);
        let listening = keeper.begin().await;
        let keeper = tokio::spawn(keeper.keep());
        Ok(Carrier { gateway, keeper, metering, listening, counts })
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let gateway = Arc::clone(&self.gateway);
        move || gateway.drain()
    }

    /// Waits a while for those who are being served, and ends.
    pub(crate) async fn end(self) {
        let Carrier { gateway, keeper, mut metering, .. } = self;
        drain(&gateway, DRAIN).await;
        keeper.abort();
        // It gives its part of the gateway back, so that what follows ends it.
        let _ = keeper.await;
        metering.stop().await;
        // Its threads are waited for.
        let ended = tokio::task::spawn_blocking(|| Arc::into_inner(gateway).map(Gateway::end));
        let last = ended.await.ok().flatten();
        metering.end(last.unwrap_or_default()).await;
    }
}

/// A gateway that serves nothing so far.
pub(crate) fn start(
    rules: Rules,
    clock: Arc<dyn Clock>,
    counts: Arc<api::Traffic>,
) -> anyhow::Result<Serving> {
    let table = Arc::new(Table::new().map_err(anyhow::Error::from)?);
    let dns = Dns::of_system().context("the gateway knows no DNS servers to ask")?;
    let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
    let policy = Arc::new(Policy::new(rules));
    let gateway = Gateway::start(settings, Arc::clone(&table), policy, dns, clock)?;
    Ok(Serving::new(Arc::new(gateway), table, counts))
}

/// Has a gateway accept nothing more, and waits at most so long for those who are being served.
pub(crate) async fn drain(gateway: &Gateway, at_most: Duration) {
    gateway.drain();
    let since = Instant::now();
    while gateway.connections() > 0 && since.elapsed() < at_most {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
    let cut = gateway.connections();
    if cut > 0 {
        tracing::info!(cut, "Cut {cut} connections through the gateway");
    }
}

/// A port at every address of this machine.
pub(crate) fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// Counts for a gateway, in a folder that belongs to these books alone.
fn start_metering(
    engine: &Engine,
    options: &Options,
    gateway: &Arc<Gateway>,
    clock: Arc<dyn Clock>,
    counts: &Arc<api::Traffic>,
) -> anyhow::Result<Metering<Own>> {
    let folder = options.gateway_data.clone().unwrap_or_else(|| PathBuf::from("gateway"));
    let folder = folder.join("usage").join(engine.installation_name());
    let name = match options.gateways.as_slice() {
        [] => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        names => names.join(","),
    };
    let books = Own { engine: engine.clone(), gateway: name };
    let counts = Arc::clone(counts);
    Metering::start(Arc::clone(gateway), &folder, clock, books, counts)
        .with_context(|| format!("nothing can be kept in {}", folder.display()))
}

/// The shop's clock, as the gateway asks for it.
struct ShopTime(Engine);

impl Clock for ShopTime {
    fn now(&self) -> Time {
        self.0.now()
    }
}
