//! Traffic through rented proxies, from outside: what is rented works at once and leaves from the
//! rented address; what is taken away stops.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod controls;
mod crowd;
mod cuts;
mod hand_over;
mod limits;
mod metering;
mod running;
mod town;
mod works;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
