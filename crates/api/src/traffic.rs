//! What the gateway in this process does, as numbers.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};

/// What the gateway in this process does. It is told; nothing here measures.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Whether it knows all leases and listens wherever the catalogue says.
    pub is_ready: AtomicBool,
    /// Leases that it serves.
    pub leases: AtomicU64,
    /// How often there was a lease that it cannot serve.
    pub unfit: AtomicU64,
    /// Ports that it should listen on, and cannot.
    pub unheard: AtomicU64,
    /// Connections of clients that are open.
    pub connections: AtomicU64,
    /// Flows that were opened.
    pub flows: AtomicU64,
    /// Bytes from clients to destinations.
    pub bytes_up: AtomicU64,
    /// Bytes from destinations to clients.
    pub bytes_down: AtomicU64,
    /// How often something was refused, by reason.
    refused: Mutex<Vec<(&'static str, u64)>>,
}

impl Traffic {
    /// Notes how often something was refused so far, by reason.
    pub fn set_refused(&self, refused: Vec<(&'static str, u64)>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    pub(crate) fn refused(&self) -> Vec<(&'static str, u64)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
