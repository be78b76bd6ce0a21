//! The shapes of each wire dialect, generous in reading and exact in writing.
//!
//! A server reads requests and writes answers with these types; a client does the reverse.
//! They decide nothing: a value that means nothing is handed on as such, for the server to refuse
//! in the dialect's words and in the dialect's order.
//!
//! The examples under `fixtures/` are the contract; a test reads and rewrites each of them.

pub mod body;
mod decimal;
pub mod lenient;
pub mod number;
pub mod proxyseller;
pub mod youproxy;
