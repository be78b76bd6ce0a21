//! Says to the shop how the gateway is, and what it has taken.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use feed::report::{Heard, Report};
use rustls::ClientConfig;
use tokio::sync::watch;

use super::control::{Connection, Control};
use super::following::Standing;
use super::load::Load;
use crate::nodes::http::REPORT;

/// How often it says so, and how long is waited before it is tried again.
const EVERY: Duration = Duration::from_secs(1);

/// What of a stream is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Which stream.
    pub(super) session: u64,
    /// The number of its last commit that is.
    pub(super) commit: u64,
}

/// Says so each second, and at once when something was taken: somebody may wait for it.
pub(super) async fn report(
    control: Control,
    config: Arc<ClientConfig>,
    standing: Arc<Standing>,
    mut taken: watch::Receiver<Taken>,
) {
    let mut connection: Option<Connection> = None;
    loop {
        let now = *taken.borrow_and_update();
        let said = say(&mut connection, &control, &config, &report_of(&standing, now)).await;
        let next = async {
            match said {
                Ok(_) => drop(tokio::time::timeout(EVERY, taken.changed()).await),
                Err(error) => {
                    connection = None;
                    tracing::debug!("A report was not taken: {error:#}");
                    tokio::time::sleep(EVERY).await;
                }
            }
        };
        next.await;
        if taken.has_changed().is_err() {
            return;
        }
    }
}

async fn say(
    connection: &mut Option<Connection>,
    control: &Control,
    config: &Arc<ClientConfig>,
    report: &Report,
) -> anyhow::Result<Heard> {
    let open = match connection.take().filter(|connection| !connection.is_closed()) {
        Some(open) => open,
        None => Connection::open(control, config).await?,
    };
    connection.insert(open).ask(REPORT, report).await
}

fn report_of(standing: &Standing, taken: Taken) -> Report {
    let (counts, load) = (&standing.counts, Load::now());
    Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        session: taken.session,
        taken: taken.commit,
        number: standing.number.load(Ordering::Relaxed),
        refused: standing.refused(),
        leases: counts.leases.load(Ordering::Relaxed),
        unfit: counts.unfit.load(Ordering::Relaxed),
        unheard: counts.unheard.load(Ordering::Relaxed),
        connections: counts.connections.load(Ordering::Relaxed),
        flows: counts.flows.load(Ordering::Relaxed),
        bytes_up: counts.bytes_up.load(Ordering::Relaxed),
        bytes_down: counts.bytes_down.load(Ordering::Relaxed),
        processor_ms: load.processor_ms,
        memory_bytes: load.memory_bytes,
        files: load.files,
        files_max: load.files_max,
        leaving: standing.is_leaving.load(Ordering::Relaxed),
        up_ms: u64::try_from(standing.started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}
