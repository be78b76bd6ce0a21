//! A server and its clients, over real sockets.
//!
//! Deadlines are tiny where they are meant to pass and large where they are not; nothing is
//! asserted of how long anything takes, but that it ends within [`app::PATIENCE`].

mod app;
mod delivery;
mod limits;
mod refusals;
mod shutdown;
