use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::limits::Limits;

/// Who may have how many connections.
#[derive(Debug)]
pub(crate) struct Places {
    limits: Arc<Limits>,
    taken: AtomicUsize,
    by_source: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    source: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(limits: Arc<Limits>) -> Places {
        Places { limits, taken: AtomicUsize::new(0), by_source: Mutex::default() }
    }

    /// A place for a connection from `address`. `None` if all are taken, or all of its source.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        // From here on the place gives itself back, whatever is found out next.
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let mut place = Place { places: Arc::clone(self), source: None };
        if taken >= self.limits.connections {
            return None;
        }
        if self.limits.trusted_sources.iter().any(|trusted| trusted.contains(address)) {
            return Some(place);
        }

        let source = source(address);
        let mut by_source = self.by_source();
        let taken = by_source.entry(source).or_default();
        if *taken >= self.limits.per_source {
            if *taken == 0 {
                by_source.remove(&source);
            }
            return None;
        }
        *taken += 1;
        place.source = Some(source);
        Some(place)
    }

    fn by_source(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(source) = self.source else { return };

        let mut by_source = self.places.by_source();
        if let Some(taken) = by_source.get_mut(&source) {
            *taken -= 1;
            if *taken == 0 {
                by_source.remove(&source);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 /64.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_no_more_than_its_places() {
        let places = places(100, 2);

        let first = take(&places, "203.0.113.9");
        let _second = take(&places, "::ffff:203.0.113.9");
        assert!(take(&places, "203.0.113.9").is_none());
        assert!(take(&places, "203.0.113.8").is_some());

        drop(first);
        assert!(take(&places, "203.0.113.9").is_some());
    }

    #[test]
    fn an_ipv6_source_is_a_64() {
        let places = places(100, 1);

        let _first = take(&places, "2001:db8:0:1::1");
        assert!(take(&places, "2001:db8:0:1:ffff::2").is_none());
        assert!(take(&places, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn the_total_holds_for_trusted_sources_too() {
        let places = places(3, 1);

        let first = take(&places, "127.0.0.1");
        let _second = take(&places, "::1");
        let _third = take(&places, "127.0.0.2");
        assert!(take(&places, "127.0.0.1").is_none());
        assert!(take(&places, "203.0.113.9").is_none());

        drop(first);
        assert!(take(&places, "203.0.113.9").is_some());
    }

    #[test]
    fn nothing_is_kept_of_a_source_that_has_left() {
        let places = places(100, 1);
        drop(take(&places, "203.0.113.9"));
        assert!(places.by_source().is_empty());
        assert_eq!(places.taken.load(Ordering::Relaxed), 0);
    }

    fn places(connections: usize, per_source: usize) -> Arc<Places> {
        let limits = Limits { connections, per_source, ..Limits::default() };
        Arc::new(Places::new(Arc::new(limits)))
    }

    fn take(places: &Arc<Places>, address: &str) -> Option<Place> {
        places.take(address.parse().unwrap())
    }
}
