//! `Proxy-Authorization`: read or not, never a panic, never an empty part.

use gateway::http::{Presented, Room};

pub(crate) fn run(bytes: &[u8]) {
    let mut room = Room::default();
    if let Presented::Basic(known) = Presented::read(Some(bytes), &mut room) {
        assert!(!known.login.is_empty() && !known.password.is_empty());
        assert!(!known.login.contains(&b':'));
    }
}
