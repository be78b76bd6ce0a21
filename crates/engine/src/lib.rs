//! Where commands meet time and the database.
//!
//! [`Engine`] is what the edges (dialects, pages, command line) talk to. A command goes into the
//! [`batcher`], which hands whatever has gathered to the store as one transaction; the
//! [`scheduler`] issues ordinary commands when something is due; reads go around both.
//! Nothing here knows of a wire format.

pub mod batcher;
pub mod browse;
pub mod cards;
pub mod clock;
pub mod engine;
pub mod fault;
pub mod keys;
pub mod payment;
pub mod prospect;
pub mod purchases;
pub mod reads;
mod reboot;
pub mod scheduler;
pub mod secret;
pub mod served;
mod tokens;
pub mod totals;
pub mod upkeep;
pub mod usage;
pub mod wallet;
