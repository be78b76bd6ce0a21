//! What all handlers share.

use std::sync::Arc;

use engine::engine::Engine;

use crate::Settings;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::spend::Spends;

/// What all handlers share.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) spends: Arc<Spends>,
}

impl App {
    pub(crate) fn new(engine: Engine, settings: Settings) -> App {
        App {
            limits: Limits::new(&settings),
            metrics: Metrics::new(&engine, settings.stats.clone(), settings.traffic.clone()),
            spends: Arc::default(),
            engine,
            settings,
        }
    }
}
