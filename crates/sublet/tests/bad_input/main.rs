//! Bad input, row by row, against the real program: what it answers, and that nothing has changed.
//!
//! The rows have names, which the assertions repeat: `TR` is the transport, `EX` extending, `CA`
//! its price, `AU` auto-extend, `OR` ordering.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod auto_extend;
mod calculate;
mod extend;
mod fixture;
mod forms;
mod order;
mod transport;
