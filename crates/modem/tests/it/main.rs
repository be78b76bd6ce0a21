//! Modems that dial, as far as there can be some in a test.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod hook;
mod managed;
