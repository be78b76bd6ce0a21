//! Who is let in: what a client says about itself becomes a grant, or a refusal.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::bucket::Rate;
use crate::flows::{Seat, Tenant};
use crate::meter::Way;
use crate::policy::LeasePorts;
use crate::refusal::Refusal;
use crate::table::{Entry, Exit, Lease, Proof};
use crate::worker::Worker;

/// What a client says about who it is.
#[derive(Clone, Copy)]
pub(crate) enum Claim<'a> {
    /// Nothing: the address that it comes from may be enough.
    Nobody,
    /// Something that cannot be right, whoever it is.
    Nonsense,
    /// A login and its password.
    Login {
        /// The login.
        login: &'a [u8],
        /// The password.
        password: &'a [u8],
    },
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Claim::Nobody => "Nobody",
            Claim::Nonsense => "Nonsense",
            Claim::Login { .. } => "Login(***)",
        })
    }
}

/// The right to leave from the exit of a lease. Only this module makes one, and nothing connects
/// without.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    tenant: Rc<Tenant>,
    lease: Arc<Lease>,
}

impl Grant {
    /// The only place that its traffic may leave from.
    pub(crate) fn exit(&self) -> &Exit {
        self.lease.exit()
    }

    /// Whether what it connects leaves from the same place, for the same lease, to the same ports.
    pub(crate) fn leaves_like(&self, other: &Grant) -> bool {
        let ports = || self.lease.ports() == other.lease.ports();
        Rc::ptr_eq(&self.tenant, &other.tenant) && self.exit() == other.exit() && ports()
    }

    /// Uses up one of the connections that the lease may make in a second. To be let in is one, and
    /// each to another destination on the same connection of a client is one more.
    pub(crate) fn take_turn(&self, nanos: u64) -> Result<(), Refusal> {
        let per_second = u64::from(self.lease.limits().flows_per_second);
        let rate = Rate { per_second, burst: per_second };
        if per_second > 0 && !self.tenant.account.opened.take(1, rate, nanos) {
            return Err(Refusal::TooFast);
        }
        Ok(())
    }

    /// What the lease, as it is now, says of ports, if it says anything.
    pub(crate) fn ports(&self) -> Option<Arc<LeasePorts>> {
        self.tenant.ports()
    }

    /// Whether the lease, as it is now, lets datagrams pass.
    pub(crate) fn has_udp(&self) -> bool {
        self.tenant.has_udp()
    }

    /// Counts bytes that have been passed on.
    pub(crate) fn count(&self, way: Way, bytes: usize) {
        self.tenant.tally.bytes(way, bytes);
    }

    /// How fast bytes may pass now, each way; nothing if that has no limit.
    pub(crate) fn byte_rate(&self) -> Option<Rate> {
        let per_second = self.tenant.byte_limit();
        // A tenth of a second's worth goes at once, or a packet or two.
        (per_second > 0).then(|| Rate { per_second, burst: (per_second / 10).max(4096) })
    }

    /// How many bytes may pass now.
    pub(crate) fn room(&self, way: Way, rate: Rate, nanos: u64) -> usize {
        let room = self.tenant.account.passed(way).room(rate, nanos);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Uses up what may pass.
    pub(crate) fn fill(&self, way: Way, bytes: usize, rate: Rate, nanos: u64) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.tenant.account.passed(way).fill(bytes, rate, nanos);
    }
}

/// Somebody is not let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Denied {
    /// Why.
    pub(crate) refusal: Refusal,
    /// Whose client it is, if that is known.
    pub(crate) lease: Option<u64>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Denied {
        Denied { refusal, lease: None }
    }
}

/// Lets a connection from `source`, that came in at `entry`, open a flow of the lease that it
/// claims, and lists it at `seat`.
pub(crate) fn admit(
    worker: &Worker,
    seat: &mut Seat,
    source: IpAddr,
    entry: Option<Entry>,
    claim: Claim<'_>,
) -> Result<Grant, Denied> {
    let shared = &worker.shared;
    let nanos = worker.nanos();
    let (lease, proof) = match claim {
        Claim::Nobody => {
            let found = shared.table.by_source(source, entry);
            (found.ok_or(Refusal::CredentialsNeeded)?, Proof::Source)
        }
        Claim::Nonsense => return Err(Refusal::CredentialsWrong.into()),
        Claim::Login { login, password } => {
            if !shared.throng.may_try(source, login, nanos) {
                return Err(Refusal::TooManyFailures.into());
            }
            let found = shared.table.by_login(login, password, entry);
            found.inspect_err(|_| shared.throng.failed(source, login, nanos))?
        }
    };
    let id = lease.id();
    let denied = |refusal| Err(Denied { refusal, lease: Some(id) });
    if lease.is_suspended() {
        return denied(Refusal::LeaseSuspended);
    }
    let now = shared.clock.now();
    if lease.ends_at() <= now {
        return denied(Refusal::LeaseEnded);
    }
    if lease.is_dialing() {
        return denied(Refusal::ExitDialing);
    }
    if shared.connections.load(Ordering::Relaxed) > shared.settings.flows_max {
        return denied(Refusal::GatewayFull);
    }
    worker.ends_in(lease.ends_at().since(now));
    let tenant = worker.flows.tenant(&lease, &shared.accounts);
    // Another request on the same connection is no other flow.
    if seat.is_of(&tenant) {
        seat.prove(proof);
        return Ok(Grant { tenant, lease });
    }
    seat.part();
    let grant = Grant { tenant, lease };
    if let Err(refusal) = grant.take_turn(nanos) {
        return denied(refusal);
    }
    if !grant.tenant.account.open(grant.lease.limits().flows) {
        return denied(Refusal::TooManyFlows);
    }
    seat.join(Rc::clone(&grant.tenant), proof);
    Ok(grant)
}
