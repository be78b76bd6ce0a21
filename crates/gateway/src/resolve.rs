//! From a target to the addresses that may be connected to.
//!
//! An address is never asked of DNS, and neither is a name or a port that the policy closes. Only
//! addresses of the exit's family are asked for, each is judged, and what comes out is what is
//! connected to: nobody looks the name up again.

mod cache;
mod dns;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

pub use self::cache::Cache;
pub use self::dns::{Dns, DnsError};
use crate::policy::{LeasePorts, Policy, Transport};
use crate::refusal::Refusal;
use crate::target::{Host, Name, Target};

/// The family of addresses that an exit can connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// What is known of a name: its addresses of one family, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The addresses, in the order in which they are to be tried; none if the name has none of the
    /// family that was asked for.
    pub addresses: Vec<IpAddr>,
    /// For how long that may be believed.
    pub valid: Duration,
}

/// Whoever knows the addresses of names.
pub trait Lookup {
    /// The addresses of a name in one family. A name that does not exist or has no such address is
    /// [`Refusal::NameUnknown`]; no answer is [`Refusal::NameTimeout`].
    fn lookup(&self, name: &Name, family: Family) -> impl Future<Output = Result<Found, Refusal>>;
}

/// How many addresses of one target are tried.
const CANDIDATES_MAX: usize = 4;

/// Addresses that may be connected to, at least one, in the order in which they are to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Candidates {
    addresses: [SocketAddr; CANDIDATES_MAX],
    count: usize,
}

impl Candidates {
    fn one(address: SocketAddr) -> Candidates {
        Candidates { addresses: [address; CANDIDATES_MAX], count: 1 }
    }

    fn add(&mut self, address: SocketAddr) {
        if let Some(place) = self.addresses.get_mut(self.count) {
            *place = address;
            self.count += 1;
        }
    }

    /// The addresses.
    pub fn iter(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.into_iter().take(self.count)
    }

    /// The address to try first.
    pub fn first(&self) -> SocketAddr {
        let [first, ..] = self.addresses;
        first
    }
}

/// By what addresses are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The policy of the gateway.
    pub policy: &'a Policy,
    /// How bytes are to be carried there.
    pub transport: Transport,
    /// What the lease says of ports, if it says anything.
    pub ports: Option<&'a LeasePorts>,
}

/// Turns targets into addresses, for one thread.
#[derive(Debug)]
pub struct Resolver<L> {
    cache: Cache<L>,
}

impl<L: Lookup> Resolver<L> {
    /// A resolver that asks `lookup` and remembers what it said.
    pub fn new(lookup: L) -> Resolver<L> {
        Resolver { cache: Cache::new(lookup) }
    }

    /// The addresses of a target that the policy allows, for an exit of this family.
    pub async fn resolve(
        &self,
        target: &Target,
        family: Family,
        judge: Judge<'_>,
    ) -> Result<Candidates, Refusal> {
        let Judge { policy, transport, ports } = judge;
        let port = target.port();
        policy.judge_port(port, transport, ports)?;
        let name = match target.host() {
            Host::Address(address) => {
                let judged = policy.judge(SocketAddr::new(*address, port), transport, ports)?;
                return if Family::of(judged.ip()) == family {
                    Ok(Candidates::one(judged))
                } else {
                    Err(Refusal::FamilyUnavailable)
                };
            }
            Host::Name(name) => name,
        };
        policy.judge_name(name)?;
        let addresses: Rc<[IpAddr]> = self.cache.lookup(name, family).await?;
        let mut candidates: Option<Candidates> = None;
        let mut refusal = Refusal::NameUnknown;
        for address in addresses.iter() {
            match policy.judge(SocketAddr::new(*address, port), transport, ports) {
                // A mapped address in an AAAA record is one of the other family.
                Ok(judged) if Family::of(judged.ip()) != family => {
                    refusal = Refusal::FamilyUnavailable;
                }
                Ok(judged) => match &mut candidates {
                    Some(candidates) => candidates.add(judged),
                    None => candidates = Some(Candidates::one(judged)),
                },
                Err(closed) => refusal = closed,
            }
        }
        candidates.ok_or(refusal)
    }
}
