#![no_main]

#[path = "../../crates/gateway/tests/fuzz/targets/spool.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
