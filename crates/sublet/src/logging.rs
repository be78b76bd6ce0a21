//! Logs: one line an event on standard error, for people on a terminal and as JSON elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts writing logs. `SUBLET_LOG` says how much (`info` if it says nothing).
pub(crate) fn start() {
    start_at("info");
}

/// The same, but only what is wrong, unless `SUBLET_LOG` says more.
pub(crate) fn start_quietly() {
    start_at("warn");
}

fn start_at(level: &str) {
    let filter = EnvFilter::try_from_env("SUBLET_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that cannot be written, to a full disk or a closed terminal, is lost. To say so
        // would be one more line that cannot be written, and a panic of whoever had something to
        // log.
        .log_internal_errors(false);
    let started = if std::io::stderr().is_terminal() {
        logs.try_init()
    } else {
        logs.json().flatten_event(true).with_ansi(false).try_init()
    };
    // A second start, in a test, changes nothing.
    drop(started);
}
