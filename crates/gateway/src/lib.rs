//! The data plane: accepts proxy traffic and leaves from the leased address, or not at all.

pub mod http;
pub mod policy;
pub mod ranges;
pub mod refusal;
pub mod resolve;
pub mod target;
