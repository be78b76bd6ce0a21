//! What goes on on one thread: every connection has a seat, with a deadline, and every flow is
//! listed under its lease, so that the end of a lease finds all of them and no others.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use domain::time::Time;
use foldhash::fast::RandomState;

use crate::meter::{Account, Accounts, Tally};
use crate::policy::LeasePorts;
use crate::refusal::Refusal;
use crate::table::{Changed, Lease, Proof};
use crate::wheel::Wheel;

/// Why a connection is closed from within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its deadline has passed, whatever that was for.
    Deadline,
    /// Its lease has ended.
    LeaseEnded,
    /// Its lease has been suspended, withdrawn or given another exit, or its client is not one
    /// whom the lease lets in any longer.
    LeaseChanged,
    /// The gateway closes.
    Closing,
}

/// A lease as one thread has it while it serves it.
#[derive(Debug)]
pub(crate) struct Tenant {
    lease: RefCell<Arc<Lease>>,
    pub(crate) account: Arc<Account>,
    pub(crate) tally: Tally,
    /// The first of its flows.
    first: Cell<u32>,
    flows: Cell<u32>,
}

impl Tenant {
    /// The lease as it is now.
    pub(crate) fn lease(&self) -> Arc<Lease> {
        Arc::clone(&self.lease.borrow())
    }

    /// Whether its datagrams are passed on.
    pub(crate) fn has_udp(&self) -> bool {
        self.lease.borrow().limits().udp
    }

    /// What it says of ports, if it says anything.
    pub(crate) fn ports(&self) -> Option<Arc<LeasePorts>> {
        self.lease.borrow().ports().map(Arc::clone)
    }

    /// How many bytes may pass in a second, each way; zero is no limit.
    pub(crate) fn byte_limit(&self) -> u64 {
        self.lease.borrow().limits().bytes_per_second
    }
}

/// All seats of a thread.
#[derive(Debug)]
pub(crate) struct Flows {
    seats: RefCell<Seats>,
    tenants: RefCell<HashMap<u64, Rc<Tenant>, RandomState>>,
    /// When the leases of tenants end, the soonest first.
    ends: RefCell<BTreeSet<(Time, u64)>>,
}

#[derive(Debug)]
struct Seats {
    seats: Vec<SeatState>,
    free: Vec<u32>,
    wheel: Wheel,
}

#[derive(Debug)]
struct SeatState {
    waker: Option<Waker>,
    end: Option<End>,
    /// When it has to be over, in milliseconds.
    deadline: u64,
    /// Its neighbours among the flows of its lease.
    before: u32,
    after: u32,
    source: IpAddr,
    /// By what its lease lets it in.
    proof: Proof,
}

const NONE: u32 = u32::MAX;

impl Flows {
    pub(crate) fn new() -> Flows {
        let seats = Seats { seats: Vec::new(), free: Vec::new(), wheel: Wheel::new() };
        Flows { seats: RefCell::new(seats), tenants: RefCell::default(), ends: RefCell::default() }
    }

    /// A seat for a connection from `source` that has to be over at `deadline`.
    pub(crate) fn sit(self: &Rc<Flows>, source: IpAddr, deadline: u64) -> Seat {
        let state = SeatState {
            waker: None,
            end: None,
            deadline,
            before: NONE,
            after: NONE,
            source,
            proof: Proof::Source,
        };
        let mut seats = self.seats.borrow_mut();
        let number = match seats.free.pop() {
            Some(number) => {
                seats.seats[index(number)] = state;
                number
            }
            None => {
                let number = u32::try_from(seats.seats.len()).expect("fewer than four billion");
                seats.seats.push(state);
                number
            }
        };
        seats.wheel.set(number, deadline);
        drop(seats);
        Seat { flows: Rc::clone(self), number, tenant: None }
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        let seats = self.seats.borrow();
        seats.seats.len() - seats.free.len()
    }

    /// The tenant with this lease; it comes with what other threads know of it.
    pub(crate) fn tenant(&self, lease: &Arc<Lease>, accounts: &Accounts) -> Rc<Tenant> {
        let mut tenants = self.tenants.borrow_mut();
        if let Some(tenant) = tenants.get(&lease.id()).map(Rc::clone) {
            drop(tenants);
            // What the table says now may not have been told yet.
            self.change(&Changed { id: lease.id(), now: Some(Arc::clone(lease)) });
            return tenant;
        }
        let tenant = tenants.entry(lease.id()).or_insert_with(|| {
            self.ends.borrow_mut().insert((lease.ends_at(), lease.id()));
            Rc::new(Tenant {
                lease: RefCell::new(Arc::clone(lease)),
                account: accounts.get(lease.id()),
                tally: Tally::default(),
                first: Cell::new(NONE),
                flows: Cell::new(0),
            })
        });
        Rc::clone(tenant)
    }

    /// Ends what has to be over at `now_millis`, and the flows of leases that have ended by `now`.
    pub(crate) fn advance(&self, now_millis: u64, now: Time) {
        let mut due = Vec::new();
        self.seats.borrow_mut().wheel.advance(now_millis, &mut due);
        for number in due {
            let mut seats = self.seats.borrow_mut();
            let deadline = seats.seats[index(number)].deadline;
            if deadline > now_millis {
                // It was put off; to note that here alone makes putting it off cost nothing.
                seats.wheel.set(number, deadline);
            } else {
                drop(seats);
                self.end(number, End::Deadline);
            }
        }
        loop {
            let first = self.ends.borrow().first().copied();
            let Some((ends_at, id)) = first.filter(|(ends_at, _)| *ends_at <= now) else { break };
            self.ends.borrow_mut().remove(&(ends_at, id));
            let tenant = self.tenants.borrow_mut().remove(&id);
            if let Some(tenant) = tenant {
                self.end_all(&tenant, |_, _| Some(End::LeaseEnded));
                self.leave(&tenant);
            }
        }
    }

    /// When to look for deadlines again: milliseconds for those of connections, a time for those
    /// of leases.
    pub(crate) fn next(&self) -> (Option<u64>, Option<Time>) {
        let lease = self.ends.borrow().first().map(|(ends_at, _)| *ends_at);
        (self.seats.borrow().wheel.next(), lease)
    }

    /// Lets the flows of a lease feel that it has changed.
    pub(crate) fn change(&self, changed: &Changed) {
        let Some(tenant) = self.tenants.borrow().get(&changed.id).map(Rc::clone) else { return };
        let Some(now) = &changed.now else {
            self.end_all(&tenant, |_, _| Some(End::LeaseChanged));
            self.forget(&tenant);
            return;
        };
        if Arc::ptr_eq(now, &tenant.lease.borrow()) {
            return;
        }
        let old = tenant.lease.replace(Arc::clone(now));
        let mut ends = self.ends.borrow_mut();
        ends.remove(&(old.ends_at(), changed.id));
        ends.insert((now.ends_at(), changed.id));
        drop(ends);
        self.end_all(&tenant, |source, proof| {
            (!old.still_admits(now, source, proof)).then_some(End::LeaseChanged)
        });
    }

    /// The leases that have been served lately.
    pub(crate) fn leases(&self) -> Vec<u64> {
        self.tenants.borrow().keys().copied().collect()
    }

    /// Whether a lease has been served lately.
    pub(crate) fn serves(&self, lease: u64) -> bool {
        self.tenants.borrow().contains_key(&lease)
    }

    /// Brings what was counted to the accounts, and forgets leases that have no flows.
    pub(crate) fn fold(&self) {
        let unused: Vec<_> = {
            let tenants = self.tenants.borrow();
            tenants.values().for_each(|tenant| tenant.tally.fold(&tenant.account));
            tenants.values().filter(|tenant| tenant.flows.get() == 0).map(Rc::clone).collect()
        };
        unused.iter().for_each(|tenant| self.forget(tenant));
    }

    /// Lets every connection look again at what it waits for.
    pub(crate) fn wake_everything(&self) {
        let mut seats = self.seats.borrow_mut();
        let wakers: Vec<_> = seats.seats.iter_mut().filter_map(|seat| seat.waker.take()).collect();
        drop(seats);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends everything.
    pub(crate) fn end_everything(&self) {
        let count = self.seats.borrow().seats.len();
        let numbers = 0..u32::try_from(count).expect("fewer than four billion");
        numbers.for_each(|number| self.end(number, End::Closing));
    }

    /// Whether there is anything that has to be brought to accounts or looked after.
    pub(crate) fn is_quiet(&self) -> bool {
        self.count() == 0 && self.tenants.borrow().is_empty()
    }

    fn forget(&self, tenant: &Rc<Tenant>) {
        let lease = tenant.lease();
        self.ends.borrow_mut().remove(&(lease.ends_at(), lease.id()));
        self.tenants.borrow_mut().remove(&lease.id());
        self.leave(tenant);
    }

    /// What is left of a tenant that is no longer listed brings its counts to the account.
    fn leave(&self, tenant: &Tenant) {
        tenant.tally.fold(&tenant.account);
    }

    fn end(&self, number: u32, end: End) {
        let mut seats = self.seats.borrow_mut();
        let seat = &mut seats.seats[index(number)];
        seat.end.get_or_insert(end);
        let waker = seat.waker.take();
        drop(seats);
        // A seat that is free has no waker.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn end_all(&self, tenant: &Tenant, why: impl Fn(IpAddr, Proof) -> Option<End>) {
        let mut number = tenant.first.get();
        while number != NONE {
            let (after, source, proof) = {
                let seats = self.seats.borrow();
                let seat = &seats.seats[index(number)];
                (seat.after, seat.source, seat.proof)
            };
            if let Some(end) = why(source, proof) {
                self.end(number, end);
            }
            number = after;
        }
    }
}

impl Seats {
    /// Lists a seat first among the flows of a tenant.
    fn link(&mut self, number: u32, tenant: &Tenant) {
        let first = tenant.first.replace(number);
        self.seats[index(number)].after = first;
        if first != NONE {
            self.seats[index(first)].before = number;
        }
    }

    fn unlink(&mut self, number: u32, tenant: &Tenant) {
        let SeatState { before, after, .. } = self.seats[index(number)];
        match before {
            NONE => tenant.first.set(after),
            before => self.seats[index(before)].after = after,
        }
        if after != NONE {
            self.seats[index(after)].before = before;
        }
    }
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    flows: Rc<Flows>,
    number: u32,
    tenant: Option<Rc<Tenant>>,
}

impl Seat {
    /// Lists the connection as a flow of `tenant`, which its account must have counted, and which
    /// has let it in by `proof`.
    pub(crate) fn join(&mut self, tenant: Rc<Tenant>, proof: Proof) {
        debug_assert!(self.tenant.is_none(), "a flow belongs to one lease");
        self.prove(proof);
        self.flows.seats.borrow_mut().link(self.number, &tenant);
        tenant.flows.set(tenant.flows.get() + 1);
        tenant.tally.flow();
        self.tenant = Some(tenant);
    }

    /// Notes by what the connection was let in last.
    pub(crate) fn prove(&self, proof: Proof) {
        self.flows.seats.borrow_mut().seats[index(self.number)].proof = proof;
    }

    /// The lease that the connection is a flow of.
    pub(crate) fn lease(&self) -> Option<u64> {
        self.tenant.as_ref().map(|tenant| tenant.lease.borrow().id())
    }

    /// Whether the connection is a flow of this tenant.
    pub(crate) fn is_of(&self, tenant: &Rc<Tenant>) -> bool {
        self.tenant.as_ref().is_some_and(|own| Rc::ptr_eq(own, tenant))
    }

    /// Whether the connection has to end because of its lease.
    pub(crate) fn is_of_ended_lease(&self) -> bool {
        let end = self.flows.seats.borrow().seats[index(self.number)].end;
        matches!(end, Some(End::LeaseEnded | End::LeaseChanged))
    }

    /// Takes the flow out of its lease, so that the connection may begin another.
    pub(crate) fn part(&mut self) {
        let Some(tenant) = self.tenant.take() else { return };
        let mut seats = self.flows.seats.borrow_mut();
        seats.unlink(self.number, &tenant);
        let seat = &mut seats.seats[index(self.number)];
        (seat.before, seat.after) = (NONE, NONE);
        drop(seats);
        tenant.flows.set(tenant.flows.get() - 1);
        tenant.account.close();
        // A tenant that is no longer listed has nobody else to bring this to its account.
        let id = tenant.lease().id();
        let is_listed =
            self.flows.tenants.borrow().get(&id).is_some_and(|own| Rc::ptr_eq(own, &tenant));
        if !is_listed {
            self.flows.leave(&tenant);
        }
    }

    /// Moves the deadline. A later one costs nothing; a sooner one is held too. One that has passed
    /// is forgotten: who sets another goes on.
    pub(crate) fn due(&self, deadline: u64) {
        let mut seats = self.flows.seats.borrow_mut();
        let seat = &mut seats.seats[index(self.number)];
        let before = std::mem::replace(&mut seat.deadline, deadline);
        let has_passed = seat.end == Some(End::Deadline);
        if has_passed {
            seat.end = None;
        }
        if has_passed || deadline < before {
            seats.wheel.set(self.number, deadline);
        }
    }

    /// Whether the connection has to end; if not, the task is woken when it has to.
    pub(crate) fn poll_end(&self, context: &Context<'_>) -> Option<End> {
        let mut seats = self.flows.seats.borrow_mut();
        let seat = &mut seats.seats[index(self.number)];
        if seat.end.is_none()
            && !seat.waker.as_ref().is_some_and(|own| own.will_wake(context.waker()))
        {
            seat.waker = Some(context.waker().clone());
        }
        seat.end
    }

    /// Lets the connection go on until `deadline`, although it had to end: for last words.
    pub(crate) fn linger(&self, deadline: u64) {
        let mut seats = self.flows.seats.borrow_mut();
        let seat = &mut seats.seats[index(self.number)];
        seat.end = None;
        seat.deadline = deadline;
        seats.wheel.set(self.number, deadline);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.part();
        let mut seats = self.flows.seats.borrow_mut();
        seats.wheel.clear(self.number);
        let waker = seats.seats[index(self.number)].waker.take();
        seats.free.push(self.number);
        drop(seats);
        drop(waker);
    }
}

impl From<End> for Refusal {
    fn from(end: End) -> Refusal {
        match end {
            End::Deadline => Refusal::RequestTimeout,
            End::LeaseEnded => Refusal::LeaseEnded,
            End::LeaseChanged => Refusal::LeaseSuspended,
            End::Closing => Refusal::GatewayFull,
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("32 bits fit")
}
