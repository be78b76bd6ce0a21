//! Tells the operator's own programs on its host how a gateway is.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use gateway::clock::Clock as _;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::following::Standing;
use super::load::Load;

/// Where it is told. When dropped, it answers what it was asked, and closes.
pub(super) struct Admin {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Its listener once more, for whoever follows.
    spare: Arc<OwnedFd>,
    /// Dropped when it is to close.
    _open: oneshot::Sender<()>,
}

impl Admin {
    /// Answers at `listener`.
    pub(super) fn open(listener: TcpListener, standing: Arc<Standing>) -> io::Result<Admin> {
        let address = listener.local_addr()?;
        let spare = Arc::new(listener.as_fd().try_clone_to_owned()?);
        let (open, closed) = oneshot::channel::<()>();
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(standing);
        tokio::spawn(async move {
            let server = ::serve::Server::new(::serve::Limits::default());
            server.run(listener, router, async { drop(closed.await) }).await;
        });
        Ok(Admin { address, spare, _open: open })
    }

    /// The listener, for whoever follows.
    pub(super) fn spare(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.spare)
    }
}

/// It is ready if it serves a table, and takes new connections.
async fn ready(
    State(standing): State<Arc<Standing>>,
) -> (StatusCode, axum::Json<serde_json::Value>) {
    let is_told = standing.is_told.load(Ordering::Relaxed);
    let is_stale = standing.is_stale.load(Ordering::Relaxed);
    let status =
        if is_told && !is_stale { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let told = serde_json::json!({
        "gateway": match () {
            () if !is_told => "untold",
            () if is_stale => "stale",
            () if !standing.counts.is_ready.load(Ordering::Relaxed) => "impaired",
            () => "ready",
        },
        "followed": standing.is_followed(),
        "refused": standing.refused(),
        "time": standing.clock.now().millis(),
    });
    (status, axum::Json(told))
}

async fn metrics(
    State(standing): State<Arc<Standing>>,
) -> ([(header::HeaderName, &'static str); 1], String) {
    let (counts, load) = (&standing.counts, Load::now());
    let read = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
    let (number, there) = (&standing.number, &standing.number_there);
    let lag = there.load(Ordering::Relaxed) - number.load(Ordering::Relaxed);
    let lag = u64::try_from(lag).unwrap_or_default();
    let numbers = [
        ("gateway_ready", "gauge", counts.is_ready.load(Ordering::Relaxed).into()),
        ("gateway_followed", "gauge", standing.is_followed().into()),
        ("gateway_table_refused", "gauge", standing.refused().is_some().into()),
        ("gateway_silent_seconds", "gauge", standing.silent_for().as_secs()),
        ("gateway_lag", "gauge", lag),
        ("gateway_leases", "gauge", read(&counts.leases)),
        ("gateway_connections", "gauge", read(&counts.connections)),
        ("gateway_ports_not_heard", "gauge", read(&counts.unheard)),
        ("gateway_leases_unfit_total", "counter", read(&counts.unfit)),
        ("gateway_flows_total", "counter", read(&counts.flows)),
        ("gateway_bytes_up_total", "counter", read(&counts.bytes_up)),
        ("gateway_bytes_down_total", "counter", read(&counts.bytes_down)),
        ("gateway_processor_milliseconds_total", "counter", load.processor_ms),
        ("gateway_memory_bytes", "gauge", load.memory_bytes),
        ("gateway_files", "gauge", load.files),
        ("gateway_files_max", "gauge", load.files_max),
    ];
    let mut text = String::new();
    for (name, kind, value) in numbers {
        let _ = writeln!(text, "# TYPE sublet_{name} {kind}\nsublet_{name} {value}");
    }
    let _ = writeln!(text, "# TYPE sublet_gateway_refusals_total counter");
    for (reason, count) in counts.refused() {
        let _ = writeln!(text, "sublet_gateway_refusals_total{{reason=\"{reason}\"}} {count}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
