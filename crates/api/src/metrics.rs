//! Numbers about the server, in the form that Prometheus reads.
//!
//! Labels come from fixed sets: nothing that a client makes up, and no secret, can become one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::engine::Engine;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serve::Stats;

use crate::front::About;
use crate::traffic::Traffic;

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    dialect: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Taken {
    route: &'static str,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Taken, Histogram, fn() -> Histogram>,
    panics: Counter,
}

impl Metrics {
    pub(crate) fn new(
        engine: &Engine,
        stats: Option<Arc<Stats>>,
        traffic: Option<Arc<Traffic>>,
    ) -> Metrics {
        let mut registry = Registry::with_prefix("sublet");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let panics = Counter::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            seconds.clone(),
        );
        registry.register("http_handler_panics", "Handlers that panicked", panics.clone());
        registry.register_collector(Box::new(Inner { engine: engine.clone(), stats, traffic }));
        Metrics { registry, requests, seconds, panics }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, about: &About, status: axum::http::StatusCode, took: Duration) {
        let About { dialect, route, .. } = *about;
        let status = status.as_u16();
        self.requests.get_or_create(&Answered { dialect, route, status }).inc();
        self.seconds.get_or_create(&Taken { route }).observe(took.as_secs_f64());
    }

    /// Counts a handler that panicked.
    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    /// All numbers as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("texts can be written into memory");
        text
    }
}

/// Numbers that others keep, read when they are asked for.
struct Inner {
    engine: Engine,
    stats: Option<Arc<Stats>>,
    traffic: Option<Arc<Traffic>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

impl Collector for Inner {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (counts, waiting) = self.engine.load();
        count(&mut to, "batcher_batches", "Transactions", &counts.batches)?;
        count(&mut to, "batcher_commands", "Commands that were decided", &counts.commands)?;
        count(&mut to, "batcher_shed", "Commands refused a place or given up", &counts.shed)?;
        let help = "Time spent in transactions";
        count(&mut to, "batcher_busy_microseconds", help, &counts.busy_micros)?;
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        gauge(&mut to, "batcher_waiting", "Commands that wait", waiting)?;

        let totals = self.engine.totals();
        count(&mut to, "orders", "Orders", &totals.orders)?;
        count(&mut to, "extensions", "Extensions that were asked for", &totals.extensions)?;
        count(&mut to, "renewals", "Leases extended automatically", &totals.renewed)?;
        let help = "Tries to extend a lease automatically that failed";
        count(&mut to, "renewals_failed", help, &totals.failed)?;
        count(&mut to, "leases_ended", "Leases that ended", &totals.ended)?;
        count(&mut to, "addresses_released", "Addresses back in stock", &totals.released)?;
        count(&mut to, "refusals", "Commands that were refused", &totals.refused)?;

        if let Some(traffic) = &self.traffic {
            carried(&mut to, traffic)?;
        }

        let Some(stats) = &self.stats else { return Ok(()) };
        let open = i64::try_from(stats.open.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        gauge(&mut to, "http_connections_open", "Connections open now", open)?;
        for (name, help, value) in [
            ("http_connections_accepted", "Connections served", &stats.accepted),
            ("http_connections_refused", "Connections for which was no place", &stats.refused),
            ("http_accept_errors", "Times that accepting failed", &stats.accept_errors),
            ("http_answers_gone", "Answers whose client was gone", &stats.gone),
            ("http_head_timeouts", "Heads that took too long", &stats.head_timeouts),
            ("http_body_timeouts", "Bodies that took too long", &stats.body_timeouts),
            ("http_idle_timeouts", "Connections that were idle too long", &stats.idle_timeouts),
            ("http_write_timeouts", "Answers that were not read", &stats.write_timeouts),
            ("http_connection_panics", "Panics that cost a connection", &stats.panics),
        ] {
            count(&mut to, name, help, value)?;
        }
        Ok(())
    }
}

fn carried(to: &mut DescriptorEncoder<'_>, traffic: &Traffic) -> Result<(), fmt::Error> {
    gauge(
        to,
        "gateway_ready",
        "Whether everything is served",
        traffic.is_ready.load(Ordering::Relaxed).into(),
    )?;
    for (name, help, value) in [
        ("gateway_leases", "Leases that are served", &traffic.leases),
        ("gateway_ports_unheard", "Ports that cannot be listened on", &traffic.unheard),
        ("gateway_connections_open", "Connections of clients", &traffic.connections),
    ] {
        let value = i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        gauge(to, name, help, value)?;
    }
    count(to, "gateway_leases_unfit", "Times that a lease could not be served", &traffic.unfit)?;
    count(to, "gateway_flows", "Tunnels and requests that were let through", &traffic.flows)?;
    let help = "Bytes from clients to destinations";
    count(to, "gateway_bytes_up", help, &traffic.bytes_up)?;
    let help = "Bytes from destinations to clients";
    count(to, "gateway_bytes_down", help, &traffic.bytes_down)?;
    let help = "What clients were refused";
    let mut refused = to.encode_descriptor("gateway_refusals", help, None, MetricType::Counter)?;
    for (reason, count) in traffic.refused() {
        let counter = ConstCounter::new(count);
        counter.encode(refused.encode_family(&[("reason", reason)])?)?;
    }
    Ok(())
}

fn count(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &AtomicU64,
) -> Result<(), fmt::Error> {
    let counter = ConstCounter::new(value.load(Ordering::Relaxed));
    counter.encode(to.encode_descriptor(name, help, None, counter.metric_type())?)
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: i64,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(to.encode_descriptor(name, help, None, gauge.metric_type())?)
}
