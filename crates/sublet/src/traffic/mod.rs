//! The gateway in this process: it carries the traffic of leases that the engine tells of.

mod keeper;
mod lease;
mod listeners;
mod rules;
pub(crate) mod serving;
pub(crate) mod slice;

use std::net::{Ipv4Addr, SocketAddr};
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

use keeper::Keeper;
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

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
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
        let serving = start(rules, Arc::new(ShopTime(engine.clone())), Arc::default())?;
        let (gateway, counts) = (Arc::clone(&serving.gateway), Arc::clone(&serving.counts));
        let names = options.gateways.iter().cloned().collect();
        let mut keeper = Keeper::new(engine.clone(), serving, names);
        let listening = keeper.begin().await;
        let keeper = tokio::spawn(keeper.keep());
        Ok(Carrier { gateway, keeper, listening, counts })
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let gateway = Arc::clone(&self.gateway);
        move || gateway.drain()
    }

    /// Waits a while for those who are being served, and ends.
    pub(crate) async fn end(self) {
        let Carrier { gateway, keeper, .. } = self;
        drain(&gateway, DRAIN).await;
        keeper.abort();
        // It gives its part of the gateway back, so that what follows ends it.
        let _ = keeper.await;
        // Its threads are waited for.
        let _ = tokio::task::spawn_blocking(move || drop(gateway)).await;
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

/// The shop's clock, as the gateway asks for it.
struct ShopTime(Engine);

impl Clock for ShopTime {
    fn now(&self) -> Time {
        self.0.now()
    }
}
