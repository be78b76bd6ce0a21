//! The gateway in this process: it carries the traffic of leases that the engine tells of.

mod face;
mod files;
mod keeper;
mod lease;
mod listeners;
mod options;
mod rules;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use domain::time::Time;
use engine::engine::Engine;
use gateway::clock::Clock;
use gateway::resolve::Dns;
use gateway::{Binding, Gateway, Settings, Table};
use tokio::task::JoinHandle;

use crate::check::Echoes;

use face::{Asked, Face};
use keeper::Keeper;
pub(crate) use options::Options;
use upkeep::Upkeep;

/// How long tunnels that are open may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(5);

/// How often is looked whether they have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    /// Where customers can connect to, as far as that is the same for many.
    pub(crate) listening: Vec<SocketAddr>,
    /// What it does.
    pub(crate) counts: Arc<api::Traffic>,
    /// Who is asked about it.
    pub(crate) face: Arc<dyn api::Carried>,
}

impl Carrier {
    /// Starts a gateway beside the server that listens at `http`, and has it serve what there is.
    pub(crate) async fn start(
        engine: &Engine,
        options: &Options,
        http: SocketAddr,
        base_url: Option<&str>,
    ) -> anyhow::Result<Carrier> {
        let (upkeep, certificate) = Upkeep::begin(engine, options, http)?;
        let table = Arc::new(Table::new().map_err(anyhow::Error::from)?);
        let dns = Dns::of_system().context("the gateway knows no DNS servers to ask")?;
        let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
        let clock = Arc::new(ShopTime(engine.clone()));
        let policy = Arc::new(upkeep.policy());
        let gateway = Gateway::start(settings, Arc::clone(&table), policy, dns, clock)?;
        let gateway = Arc::new(gateway);
        let secure = certificate.is_some();
        gateway.set_certificate(certificate);
        let counts = Arc::<api::Traffic>::default();
        let asked = asked(engine, options, base_url).await;
        let face = Arc::new(Face::new(Arc::clone(&gateway), asked));
        let mut keeper = Keeper::new(
            engine.clone(),
            Arc::clone(&gateway),
            table,
            options.gateways.iter().cloned().collect(),
            Arc::clone(&counts),
            secure,
        );
        let listening = keeper.begin().await;
        let keeper = tokio::spawn(keeper.keep());
        let upkeep = tokio::spawn(upkeep.keep(Arc::clone(&gateway)));
        Ok(Carrier { gateway, keeper, upkeep, listening, counts, face })
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let gateway = Arc::clone(&self.gateway);
        move || gateway.drain()
    }

    /// Waits a while for those who are being served, and ends.
    pub(crate) async fn end(self) {
        let Carrier { gateway, keeper, upkeep, .. } = self;
        gateway.drain();
        let since = Instant::now();
        while gateway.connections() > 0 && since.elapsed() < DRAIN {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
        let cut = gateway.connections();
        if cut > 0 {
            tracing::info!(cut, "Cut {cut} connections through the gateway");
        }
        keeper.abort();
        // It gives its part of the gateway back, so that what follows ends it.
        let _ = keeper.await;
        upkeep.abort();
        let _ = upkeep.await;
        // Its threads are waited for.
        let _ = tokio::task::spawn_blocking(move || drop(gateway)).await;
    }
}

/// Who is asked which address he sees when a proxy is checked.
async fn asked(engine: &Engine, options: &Options, base_url: Option<&str>) -> Asked {
    if let Some(target) = &options.check_url {
        return Asked::Somebody(target.clone());
    }
    if engine.is_sandbox()
        && let Ok(echoes) = Echoes::start().await
    {
        return Asked::Us(echoes);
    }
    let own = base_url.and_then(|url| format!("{url}/api/ip").parse().ok());
    own.map_or(Asked::Nobody, Asked::Somebody)
}

/// The shop's clock, as the gateway asks for it.
struct ShopTime(Engine);

impl Clock for ShopTime {
    fn now(&self) -> Time {
        self.0.now()
    }
}
