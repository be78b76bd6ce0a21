//! The ways in to a lease.

use feed::lease::Source;

use super::keys::Verifier;

/// A way in to a lease.
#[derive(Debug)]
pub(super) enum Way {
    /// With a login and a password.
    Login { key: u64, verifier: Verifier },
    /// From an address.
    Source(Source),
}

/// The ways in to a lease. Nearly every lease has one, which takes no memory of its own.
#[derive(Debug)]
pub(super) enum Ways {
    One(Way),
    Several(Box<[Way]>),
}

impl Ways {
    /// Up to `most` ways, if there are any and all of them are well.
    pub(super) fn gather<E>(
        most: usize,
        mut ways: impl Iterator<Item = Result<Way, E>>,
    ) -> Result<Option<Ways>, E> {
        let Some(first) = ways.next().transpose()? else {
            return Ok(None);
        };
        if most == 1 {
            return Ok(Some(Ways::One(first)));
        }
        // There may be a million leases: each is given the memory that it needs, and no more first.
        let mut all = Vec::with_capacity(most);
        all.push(first);
        for way in ways {
            all.push(way?);
        }
        Ok(Some(Ways::Several(all.into_boxed_slice())))
    }

    pub(super) fn as_slice(&self) -> &[Way] {
        match self {
            Ways::One(way) => std::slice::from_ref(way),
            Ways::Several(ways) => ways,
        }
    }
}
