//! `Proxy-Authorization`: read or not, never a panic, never an empty part.
#![no_main]

use gateway::http::{Presented, Room};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut room = Room::default();
    if let Presented::Basic(known) = Presented::read(Some(bytes), &mut room) {
        assert!(!known.login.is_empty() && !known.password.is_empty());
        assert!(!known.login.contains(&b':'));
    }
});
