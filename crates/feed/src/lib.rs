//! The lease table as it travels to gateways, and usage on its way back.

pub mod checked;
pub mod lease;
pub mod refusal;
pub mod report;
pub mod stream;
pub mod usage;
