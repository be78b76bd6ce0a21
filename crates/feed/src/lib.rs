//! The lease table as it travels to gateways, jobs for their modems, and what they tell in return.

pub mod checked;
pub mod lease;
pub mod refusal;
pub mod report;
pub mod rotation;
pub mod stream;
pub mod usage;
