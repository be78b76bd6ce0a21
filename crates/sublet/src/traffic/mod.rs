//! The gateway in this process: it carries the traffic of leases that the engine tells of, and
//! drives the modems that are on its machine.

mod books;
mod drivers;
mod face;
mod files;
mod keeper;
mod lease;
mod listeners;
mod metering;
mod options;
mod rotator;
mod rules;
mod upkeep;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use domain::time::Time;
use engine::engine::Engine;
use gateway::clock::Clock;
use gateway::resolve::Dns;
use gateway::{Binding, Gateway, Settings, Table};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::check::Echoes;

use books::Own;
use face::{Asked, Face};
use keeper::{Keeper, Stand};
use metering::Metering;
pub(crate) use options::Options;
use rotator::Rotator;
use upkeep::Upkeep;

/// How long the end waits for modems that are dialing.
const DIALING: Duration = Duration::from_secs(5);

/// How often is looked whether they have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    stand: Arc<Stand>,
    metering: Metering<Own>,
    rotator: JoinHandle<()>,
    /// Has the rotator take no more jobs.
    rests: watch::Sender<bool>,
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
        inherited: Vec<TcpListener>,
    ) -> anyhow::Result<Carrier> {
        let (upkeep, certificate) = Upkeep::begin(engine, options, http)?;
        let table = Arc::new(Table::new().map_err(anyhow::Error::from)?);
        let dns = Dns::of_system().context("the gateway knows no DNS servers to ask")?;
        let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
        let clock: Arc<dyn Clock> = Arc::new(ShopTime(engine.clone()));
        let policy = Arc::new(upkeep.policy());
        let gateway =
            Gateway::start(settings, Arc::clone(&table), policy, dns, Arc::clone(&clock))?;
        let gateway = Arc::new(gateway);
        let secure = certificate.is_some();
        gateway.set_certificate(certificate);
        gateway.inherit(inherited)?;
        let counts = Arc::<api::Traffic>::default();
        let asked = asked(engine, options, base_url).await;
        let face = Arc::new(Face::new(Arc::clone(&gateway), asked));
        let metering = start_metering(engine, options, &gateway, clock, &counts)?;
        let mut keeper = Keeper::new(
            engine.clone(),
            Arc::clone(&gateway),
            table,
            options.gateways.iter().cloned().collect(),
            Arc::clone(&counts),
            secure,
        );
        let listening = keeper.begin().await;
        let unused = gateway.disinherit();
        if unused > 0 {
            tracing::info!("Nobody is served any more at {unused} ports that were taken over");
        }
        let stand = keeper.stand();
        let names = options.gateways.iter().cloned().collect();
        let (rests, rest) = watch::channel(false);
        let rotator = Rotator::new(engine, names, options.modem_secrets.clone(), rest);
        let (keeper, rotator) = (tokio::spawn(keeper.keep()), tokio::spawn(rotator.keep()));
        let upkeep = tokio::spawn(upkeep.keep(Arc::clone(&gateway)));
        Ok(Carrier {
            gateway,
            keeper,
            upkeep,
            rotator,
            rests,
            metering,
            stand,
            listening,
            counts,
            face,
        })
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let gateway = Arc::clone(&self.gateway);
        move || gateway.drain()
    }

    /// Whether it knows all leases.
    pub(crate) fn knows_all(&self) -> bool {
        self.stand.is_told.load(Ordering::Acquire)
    }

    /// What gives its listeners out once more, for another process, and has it open and close none
    /// any more; or, told `false`, has it go on as before.
    pub(crate) fn lender(&self) -> impl Fn(bool) -> io::Result<Vec<OwnedFd>> + Clone + use<> {
        let (gateway, stand) = (Arc::clone(&self.gateway), Arc::clone(&self.stand));
        move |lend| {
            stand.is_leaving.store(lend, Ordering::Release);
            if lend { gateway.lend() } else { Ok(Vec::new()) }
        }
    }

    /// Waits so long for those who are being served, or until it is `hurried`, and ends.
    pub(crate) async fn end(self, patience: Duration, hurried: impl Future<Output = ()>) {
        let Carrier { gateway, keeper, upkeep, mut rotator, rests, mut metering, .. } = self;
        gateway.drain();
        rests.send_replace(true);
        let served = async {
            while gateway.connections() > 0 {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(patience, served) => {}
            () = hurried => {}
        }
        // A modem that dials for longer is left to it; its job is found abandoned.
        if tokio::time::timeout(DIALING, &mut rotator).await.is_err() {
            rotator.abort();
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
        metering.stop().await;
        // Its threads are waited for.
        let last = tokio::task::spawn_blocking(move || gateway.end()).await;
        metering.end(last.unwrap_or_default()).await;
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
