//! The gateway in this process: it carries the traffic of leases that the engine tells of, and
//! drives the modems that are on its machine.

mod drivers;
mod keeper;
mod lease;
mod listeners;
mod rotator;
mod rules;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use domain::time::Time;
use engine::engine::Engine;
use gateway::clock::Clock;
use gateway::policy::Policy;
use gateway::resolve::Dns;
use gateway::{Binding, Gateway, Settings, Table};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use keeper::Keeper;
use rotator::Rotator;

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
    /// Where traffic may go although it is not on the public internet, such as 10.1.0.0/16
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) allow_destinations: Vec<gateway::ranges::Prefix>,
    /// Where traffic may not go
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) deny_destinations: Vec<gateway::ranges::Prefix>,
    /// The folder with the secrets of modems, each in a file of its name
    #[arg(long, value_name = "DIR")]
    pub(crate) modem_secrets: Option<PathBuf>,
}

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
    rotator: JoinHandle<()>,
    /// Has the rotator take no more jobs.
    rests: watch::Sender<bool>,
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
        let rules = rules::rules(engine, options, http)?;
        let table = Arc::new(Table::new().map_err(anyhow::Error::from)?);
        let dns = Dns::of_system().context("the gateway knows no DNS servers to ask")?;
        let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
        let clock = Arc::new(ShopTime(engine.clone()));
        let policy = Arc::new(Policy::new(rules));
        let gateway = Gateway::start(settings, Arc::clone(&table), policy, dns, clock)?;
        let gateway = Arc::new(gateway);
        let counts = Arc::<api::Traffic>::default();
        let mut keeper = Keeper::new(
            engine.clone(),
            Arc::clone(&gateway),
            table,
            options.gateways.iter().cloned().collect(),
            Arc::clone(&counts),
        );
        let listening = keeper.begin().await;
        let names = options.gateways.iter().cloned().collect();
        let (rests, rest) = watch::channel(false);
        let rotator = Rotator::new(engine, names, options.modem_secrets.clone(), rest);
        let (keeper, rotator) = (tokio::spawn(keeper.keep()), tokio::spawn(rotator.keep()));
        Ok(Carrier { gateway, keeper, rotator, rests, listening, counts })
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let gateway = Arc::clone(&self.gateway);
        move || gateway.drain()
    }

    /// Waits a while for those who are being served, and ends.
    pub(crate) async fn end(self) {
        let Carrier { gateway, keeper, mut rotator, rests, .. } = self;
        gateway.drain();
        rests.send_replace(true);
        let since = Instant::now();
        while gateway.connections() > 0 && since.elapsed() < DRAIN {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
        // A modem that dials for longer is left to it; its job is found abandoned.
        let patience = DRAIN.saturating_sub(since.elapsed());
        if tokio::time::timeout(patience, &mut rotator).await.is_err() {
            rotator.abort();
        }
        let cut = gateway.connections();
        if cut > 0 {
            tracing::info!(cut, "Cut {cut} connections through the gateway");
        }
        keeper.abort();
        // It gives its part of the gateway back, so that what follows ends it.
        let _ = keeper.await;
        // Its threads are waited for.
        let _ = tokio::task::spawn_blocking(move || drop(gateway)).await;
    }
}

/// The shop's clock, as the gateway asks for it.
struct ShopTime(Engine);

impl Clock for ShopTime {
    fn now(&self) -> Time {
        self.0.now()
    }
}
