//! The gateway in this process: it carries the traffic of leases that the engine tells of, and
//! drives the modems that are on its machine.

pub(crate) mod books;
mod drivers;
pub(crate) mod face;
mod files;
pub(crate) mod jobs;
mod keeper;
mod lease;
mod listeners;
pub(crate) mod metering;
mod options;
pub(crate) mod rotator;
mod rules;
pub(crate) mod serving;
pub(crate) mod slice;
mod upkeep;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use domain::time::Time;
use engine::engine::Engine;
use gateway::clock::Clock;
use gateway::policy::Policy;
use gateway::resolve::Dns;
use gateway::{Binding, Certificate, Gateway, Settings, Table};
use tokio::task::JoinHandle;

use books::{Own, OwnDesk};
use keeper::Keeper;
use metering::Metering;
pub(crate) use options::{Manners, Options};
use rotator::Driving;
pub(crate) use rules::Site;
use serving::{Serving, Stand, close_unused};
pub(crate) use upkeep::Upkeep;

/// How often is looked whether they have ended.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A gateway that runs.
pub(crate) struct Carrier {
    gateway: Arc<Gateway>,
    keeper: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    stand: Arc<Stand>,
    metering: Metering<Own>,
    driving: Driving,
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
        inherited: Vec<TcpListener>,
    ) -> anyhow::Result<Carrier> {
        let site = {
            let engine = engine.clone();
            move || site(&engine, http)
        };
        let (upkeep, certificate) = Upkeep::begin(&options.manners, site)?;
        let clock: Arc<dyn Clock> = Arc::new(ShopTime(engine.clone()));
        let serving = start(upkeep.policy(), certificate, Arc::clone(&clock), Arc::default())?;
        let (gateway, counts) = (Arc::clone(&serving.gateway), Arc::clone(&serving.counts));
        gateway.inherit(inherited)?;
        let metering = start_metering(engine, options, &gateway, clock, &counts)?;
        let stand = serving.stand();
        let names = options.gateways.iter().cloned().collect();
        let mut keeper = Keeper::new(engine.clone(), serving, names);
        let listening = keeper.begin().await;
        close_unused(&gateway);
        let names = options.gateways.iter().cloned().collect();
        let secrets = options.manners.modem_secrets.clone();
        let driving = Driving::start(OwnDesk::new(engine, names), secrets);
        let keeper = tokio::spawn(keeper.keep());
        let upkeep = tokio::spawn(upkeep.keep(Arc::clone(&gateway)));
        Ok(Carrier { gateway, keeper, upkeep, driving, metering, stand, listening, counts })
    }

    /// The gateway itself.
    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// What has it accept nothing more.
    pub(crate) fn drainer(&self) -> impl FnOnce() + Send + use<> {
        let (gateway, stand) = (Arc::clone(&self.gateway), Arc::clone(&self.stand));
        move || {
            stand.be_still(true);
            gateway.drain();
        }
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
            stand.be_still(lend);
            if lend { gateway.lend() } else { Ok(Vec::new()) }
        }
    }

    /// Waits so long for those who are being served, or until it is `hurried`, and ends.
    pub(crate) async fn end(self, patience: Duration, hurried: impl Future<Output = ()>) {
        let Carrier { gateway, keeper, upkeep, driving, mut metering, stand, .. } = self;
        stand.be_still(true);
        gateway.drain();
        driving.rest();
        tokio::select! {
            () = drained(&gateway, patience) => {}
            () = hurried => {}
        }
        driving.end().await;
        tell_cut(&gateway);
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

/// Where the gateway of a server is.
fn site(engine: &Engine, http: SocketAddr) -> Site {
    let catalogue = engine.catalogue();
    let ports = catalogue.gateways.values().flat_map(|gateway| {
        let both = [gateway.http_port, gateway.socks_port];
        both.into_iter().chain(gateway.https_port)
    });
    let own_listeners = ports.map(everywhere).chain([http]).collect();
    Site { sandbox: engine.is_sandbox(), own_listeners }
}

/// A gateway that serves nothing so far.
pub(crate) fn start(
    policy: Policy,
    certificate: Option<Certificate>,
    clock: Arc<dyn Clock>,
    counts: Arc<api::Traffic>,
) -> anyhow::Result<Serving> {
    let table = Arc::new(Table::new().map_err(anyhow::Error::from)?);
    let dns = Dns::of_system().context("the gateway knows no DNS servers to ask")?;
    let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
    let gateway = Gateway::start(settings, Arc::clone(&table), Arc::new(policy), dns, clock)?;
    let secure = certificate.is_some();
    gateway.set_certificate(certificate);
    Ok(Serving::new(Arc::new(gateway), table, counts, secure))
}

/// Waits at most so long for those who are being served.
pub(crate) async fn drained(gateway: &Gateway, at_most: Duration) {
    let served = async {
        while !gateway.is_drained() {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    };
    // Who is still there then is cut.
    let _ = tokio::time::timeout(at_most, served).await;
}

/// Says how many are cut if the gateway ends now.
pub(crate) fn tell_cut(gateway: &Gateway) {
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
