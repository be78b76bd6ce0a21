//! The APIs as clients see them: real sockets, the real router, a real engine.
#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod access;
mod auto_extend;
mod calculate_extend;
mod client;
mod extend;
mod faults;
mod forms;
mod guides;
mod lists;
mod lost_answers;
mod metrics;
mod native;
mod order;
mod ownership;
mod packages;
mod payments;
mod proxyseller;
mod sandbox;
mod secrets;
mod shop;
mod transport;
mod trouble;
