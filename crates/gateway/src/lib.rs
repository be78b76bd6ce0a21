//! The data plane: accepts proxy traffic and leaves from the leased address, or not at all.

pub mod refusal;
