//! Payments by card: whatever dies between any two steps, what was bought is paid for once and what
//! was not bought is paid for by nobody.
#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod bank;
mod crashes;
mod shop;
mod standing;
