#![no_main]

#[allow(dead_code)]
#[path = "../../crates/gateway/tests/pure/plain.rs"]
mod plain;
#[allow(dead_code)]
#[path = "../../crates/gateway/tests/pure/support.rs"]
mod support;
#[path = "../../crates/gateway/tests/fuzz/targets/conversation.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
