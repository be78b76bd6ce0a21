//! The log, on standard error: results alone go to standard output.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts the log with what `RUST_LOG` asks for, and otherwise with what is `usual`. Colours are for
/// terminals whose owner has not said `NO_COLOR`.
pub(crate) fn start(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !no_colour);
    // A second start is of no harm: the log is there.
    let _ = log.try_init();
}
