//! Which sizes of networks occur among the sources of leases.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use feed::lease::Source;

/// The sizes of networks that have occurred. Each costs a look-up, so those that never have are
/// not tried.
#[derive(Debug)]
pub(super) struct BitsInUse {
    v4: [AtomicBool; 33],
    v6: [AtomicBool; 129],
}

impl Default for BitsInUse {
    fn default() -> BitsInUse {
        BitsInUse {
            v4: [const { AtomicBool::new(false) }; 33],
            v6: [const { AtomicBool::new(false) }; 129],
        }
    }
}

impl BitsInUse {
    pub(super) fn note(&self, source: Source) {
        if let Some(bits) = self.family(source.ip).get(usize::from(source.bits)) {
            bits.store(true, Ordering::Release);
        }
    }

    /// The sizes that networks around `ip` may have, the smallest networks first.
    pub(super) fn of(&self, ip: IpAddr) -> impl Iterator<Item = u8> {
        let family = self.family(ip).iter().enumerate().rev();
        family
            .filter(|(_, used)| used.load(Ordering::Acquire))
            .filter_map(|(bits, _)| bits.try_into().ok())
    }

    fn family(&self, ip: IpAddr) -> &[AtomicBool] {
        match ip {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => &self.v6,
        }
    }
}
