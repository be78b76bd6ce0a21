//! How much a lease may use at its gateway.

use std::collections::BTreeMap;

use crate::ids::{CustomerId, LeaseId};
use crate::lease::LeaseState;

/// How much a lease may use. A number that is zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: u32,
    /// New connections in a second.
    pub new_connections_per_second: u32,
    /// Bytes in a second, each way.
    pub bytes_per_second: u64,
    /// Whether datagrams are passed on too, not only connections.
    pub udp: bool,
}

impl Limits {
    /// The slowest a lease can be made: less would not carry a single large packet in a second.
    pub const BYTES_PER_SECOND_MIN: u64 = 4096;

    /// The highest rate that can be said: more than any network carries, and far from overflow.
    pub const BYTES_PER_SECOND_MAX: u64 = 1 << 50;

    /// These limits where `exception` says nothing else.
    #[must_use]
    pub fn except(self, exception: Exception) -> Limits {
        let Exception { connections, new_connections_per_second, bytes_per_second } = exception;
        Limits {
            connections: connections.unwrap_or(self.connections),
            new_connections_per_second: new_connections_per_second
                .unwrap_or(self.new_connections_per_second),
            bytes_per_second: bytes_per_second.unwrap_or(self.bytes_per_second),
            udp: self.udp,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 500, new_connections_per_second: 50, bytes_per_second: 0, udp: false }
    }
}

/// What an operator has said for one lease, or for all of one customer. Where it says nothing, the
/// catalogue does. A number that is zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exception {
    /// Connections at a time.
    pub connections: Option<u32>,
    /// New connections in a second.
    pub new_connections_per_second: Option<u32>,
    /// Bytes in a second, each way.
    pub bytes_per_second: Option<u64>,
}

impl Exception {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Exception::default()
    }

    /// This one where it says something, and otherwise `wider`.
    #[must_use]
    pub fn or(self, wider: Exception) -> Exception {
        Exception {
            connections: self.connections.or(wider.connections),
            new_connections_per_second: self
                .new_connections_per_second
                .or(wider.new_connections_per_second),
            bytes_per_second: self.bytes_per_second.or(wider.bytes_per_second),
        }
    }

    /// This one as it is after `change`.
    #[must_use]
    pub fn changed(self, change: ExceptionChange) -> Exception {
        Exception {
            connections: change.connections.unwrap_or(self.connections),
            new_connections_per_second: change
                .new_connections_per_second
                .unwrap_or(self.new_connections_per_second),
            bytes_per_second: change.bytes_per_second.unwrap_or(self.bytes_per_second),
        }
    }
}

/// What is to be said from now on; nothing where it stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExceptionChange {
    /// Connections at a time.
    pub connections: Option<Option<u32>>,
    /// New connections in a second.
    pub new_connections_per_second: Option<Option<u32>>,
    /// Bytes in a second, each way.
    pub bytes_per_second: Option<Option<u64>>,
}

impl ExceptionChange {
    /// Takes away whatever is said.
    pub const CLEAR: ExceptionChange = ExceptionChange {
        connections: Some(None),
        new_connections_per_second: Some(None),
        bytes_per_second: Some(None),
    };

    /// Whether it can be made for a lease in this state. When it is over, what was said of it can
    /// only be taken away.
    pub fn fits(self, state: LeaseState) -> bool {
        state != LeaseState::Over || self == ExceptionChange::CLEAR
    }
}

/// For whom an exception is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExceptionFor {
    /// All leases of a customer, those that he has yet to buy among them.
    Customer(CustomerId),
    /// One lease.
    Lease(LeaseId),
}

/// All exceptions that are made for one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// For all of his leases.
    pub customer: Exception,
    /// For one of them each.
    pub leases: BTreeMap<LeaseId, Exception>,
}

impl Exceptions {
    /// What holds for a lease of the customer: what is said of it alone goes before what is said of
    /// all.
    pub fn of(&self, lease: LeaseId) -> Exception {
        self.leases.get(&lease).copied().unwrap_or_default().or(self.customer)
    }

    /// The same, as [`crate::served::Served`] has it.
    pub fn told_of(&self, lease: LeaseId) -> Option<Box<Exception>> {
        Some(self.of(lease)).filter(|said| !said.is_empty()).map(Box::new)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.customer.is_empty() && self.leases.values().all(Exception::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_goes_before_its_customer_and_he_before_the_catalogue() {
        let customer = Exception { connections: Some(10), bytes_per_second: Some(0), ..none() };
        let lease = Exception { connections: Some(0), ..none() };
        let exceptions = Exceptions { customer, leases: [(LeaseId(7), lease)].into() };
        let usual = Limits { bytes_per_second: 9_000, udp: true, ..Limits::default() };
        let check = |lease, connections| {
            let limits = usual.except(exceptions.of(LeaseId(lease)));
            assert_eq!(limits, Limits { connections, bytes_per_second: 0, ..usual });
        };
        check(7, 0);
        check(8, 10);
        assert_eq!(usual.except(Exceptions::default().of(LeaseId(7))), usual);
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let said = Exception { connections: Some(10), bytes_per_second: Some(5_000), ..none() };
        let faster = ExceptionChange {
            new_connections_per_second: Some(Some(3)),
            bytes_per_second: Some(None),
            ..ExceptionChange::default()
        };
        let expected = Exception { new_connections_per_second: Some(3), ..said };
        assert_eq!(said.changed(faster), Exception { bytes_per_second: None, ..expected });
        assert_eq!(said.changed(ExceptionChange::default()), said);
        assert!(said.changed(ExceptionChange::CLEAR).is_empty() && !said.is_empty());
    }

    fn none() -> Exception {
        Exception::default()
    }
}
