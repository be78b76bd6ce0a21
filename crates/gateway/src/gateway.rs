//! The gateway as its owner sees it.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustix::process::{Resource, getrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::listen::{self, ListenerId, Speaks};
use crate::meter::{Accounts, Used};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::refusals::Refusals;
use crate::resolve::Dns;
use crate::settings::Settings;
use crate::table::{Change, Fresh, Table, Unfit};
use crate::throng::Throng;
use crate::tls::Certificate;
use crate::worker::{Order, Shared, Worker};

/// A gateway that runs. Dropping it closes everything.
pub struct Gateway {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    next_listener: AtomicU64,
    /// Listeners of a process before this one, until they are listened at.
    inherited: Mutex<HashMap<SocketAddr, Vec<TcpListener>>>,
}

struct Thread {
    orders: mpsc::UnboundedSender<Order>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Gateway {
    /// Starts the threads. They serve nobody until something listens.
    pub fn start(
        settings: Settings,
        table: Arc<Table>,
        policy: Arc<Policy>,
        dns: Dns,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Gateway> {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let settings = settings.within(descriptors);
        let shared = Arc::new(Shared {
            spare: settings.spare(descriptors),
            settings,
            table,
            policy: ArcSwap::from(policy),
            policies: AtomicU64::new(0),
            refusals: Refusals::new(),
            dns,
            certificate: ArcSwapOption::empty(),
            clock,
            accounts: Accounts::new(),
            throng: Arc::new(Throng::new().map_err(io::Error::other)?),
            connections: AtomicU32::new(0),
            associations: AtomicU32::new(0),
            listeners: AtomicU32::new(0),
            began: Instant::now(),
        });
        let threads = (0..shared.settings.threads.max(1))
            .map(|number| Thread::start(number, Arc::clone(&shared)))
            .collect::<io::Result<_>>()?;
        Ok(Gateway {
            shared,
            threads,
            next_listener: AtomicU64::new(0),
            inherited: Mutex::default(),
        })
    }

    /// Listens on `address` too, and says where that is: a port 0 has become another.
    pub fn listen(
        &self,
        address: SocketAddr,
        speaks: Speaks,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        let id = ListenerId(self.next_listener.fetch_add(1, Ordering::Relaxed));
        let count = self.threads.len();
        let mut listeners = self.heritage(address);
        if listeners.is_empty() {
            listeners = listen::bind(address, count)?;
        } else if let Some(missing) = count.checked_sub(listeners.len()) {
            listeners.extend(listen::join(address, missing)?);
        }
        let mut address = address;
        // There may be more than threads, and none may be lost: clients wait at each.
        for (thread, listener) in self.threads.iter().cycle().zip(listeners) {
            address = listener.local_addr()?;
            thread.tell(Order::Listen(id, listener, speaks));
        }
        Ok((id, address))
    }

    /// The same for an address with little traffic, of which there may be very many: one thread
    /// serves it, so that it takes one descriptor.
    pub fn listen_on_one_thread(
        &self,
        address: SocketAddr,
        speaks: Speaks,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        let number = self.next_listener.fetch_add(1, Ordering::Relaxed);
        let mut listeners = self.heritage(address);
        if listeners.is_empty() {
            listeners = listen::bind(address, 1)?;
        }
        // Listeners that come one after another are spread over the threads.
        let threads = u64::try_from(self.threads.len()).unwrap_or(1);
        let thread = usize::try_from(number % threads).unwrap_or_default();
        let mut address = address;
        for listener in listeners {
            address = listener.local_addr()?;
            self.threads[thread].tell(Order::Listen(ListenerId(number), listener, speaks));
        }
        Ok((ListenerId(number), address))
    }

    /// Takes listeners over from a process before this one. Whenever it is to be listened at one of
    /// their addresses, they are it, with all clients that wait there already.
    pub fn inherit(&self, listeners: impl IntoIterator<Item = TcpListener>) -> io::Result<()> {
        let mut inherited = self.inherited();
        for listener in listeners {
            inherited.entry(listener.local_addr()?).or_default().push(listener);
        }
        Ok(())
    }

    /// Closes the listeners that were taken over and at which it is not listened; says how many
    /// addresses those are.
    pub fn disinherit(&self) -> usize {
        std::mem::take(&mut *self.inherited()).len()
    }

    fn heritage(&self, address: SocketAddr) -> Vec<TcpListener> {
        self.inherited().remove(&address).unwrap_or_default()
    }

    fn inherited(&self) -> MutexGuard<'_, HashMap<SocketAddr, Vec<TcpListener>>> {
        self.inherited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All listeners once more, for a process that is to go on after this one. Both accept clients
    /// then, until one is [drained](Gateway::drain). Waits for the threads, for a moment.
    pub fn lend(&self) -> io::Result<Vec<OwnedFd>> {
        let (lend, lent) = std::sync::mpsc::channel();
        self.tell(|| Order::Lend(lend.clone()));
        drop(lend);
        let each: Vec<io::Result<Vec<OwnedFd>>> = lent.into_iter().collect();
        if each.len() != self.threads.len() {
            return Err(io::Error::other("a thread does not answer"));
        }
        let all = each.into_iter().collect::<io::Result<Vec<_>>>()?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Shows this certificate to clients that connect inside TLS from now on; those that are
    /// connected feel nothing of it. Before the first one, and after none, nobody can.
    pub fn set_certificate(&self, certificate: Option<Certificate>) {
        self.shared.certificate.store(certificate.map(Certificate::config));
    }

    /// Judges by this policy from now on. Tunnels that are open go on, wherever they lead to.
    pub fn set_policy(&self, policy: Policy) {
        self.shared.policy.store(Arc::new(policy));
        self.shared.policies.fetch_add(1, Ordering::Release);
    }

    /// How often each reason was one to refuse something, since the gateway was started.
    pub fn refusal_counts(&self) -> Vec<(Refusal, u64)> {
        self.shared.refusals.counts()
    }

    /// What was refused to clients of a lease lately.
    pub fn refusals(&self, lease: u64) -> feed::refusal::Refusals {
        self.shared.refusals.of(lease)
    }

    /// What was refused lately to leases to which something was refused after what was noted as
    /// number `after`, at most so many leases; and the number from which to go on. It begins with 0.
    pub fn refusals_after(&self, after: u64, most: usize) -> (Vec<feed::refusal::OfLease>, u64) {
        self.shared.refusals.after(after, most)
    }

    /// Accepts nothing more there. Connections that are open stay so.
    pub fn close(&self, listener: ListenerId) {
        self.tell(|| Order::Close(listener));
    }

    /// Accepts nothing more anywhere, and lets clients go who wait for nothing. Tunnels and requests
    /// that are under way go on: the gateway can be dropped when it [is drained](Gateway::is_drained),
    /// or when that has taken too long.
    pub fn drain(&self) {
        self.tell(|| Order::Drain);
    }

    /// Makes changes in the lease table and lets flows that are open feel them. Leases that cannot
    /// be kept are told; they are not served.
    pub fn apply<'a>(&self, changes: impl IntoIterator<Item = Change<'a>>) -> Vec<Unfit> {
        let (changed, unfit) = self.shared.table.apply(changes);
        let changed: Arc<[_]> = changed.iter().map(|one| one.id).collect();
        self.tell(|| Order::Changed(Arc::clone(&changed)));
        unfit
    }

    /// Begins to replace the whole lease table.
    pub fn fresh(&self) -> Fresh {
        Fresh::of(Arc::clone(&self.shared.table))
    }

    /// Puts a whole lease table in force and lets flows that are open feel it. Leases that cannot be
    /// kept are told; they are not served.
    pub fn replace(&self, fresh: Fresh) -> Vec<Unfit> {
        let unfit = fresh.put_in_force();
        self.tell(|| Order::Replaced);
        unfit
    }

    /// To be told after the clock was set or turned: what has ended by it, ends.
    pub fn clock_turned(&self) {
        self.tell(|| Order::ClockTurned);
    }

    /// What each lease has used since the last call, but for what has passed in the last quarter of
    /// a second. To be called every now and then, once a second at least.
    pub fn usage(&self) -> Vec<(u64, Used)> {
        self.shared.accounts.collect()
    }

    /// Closes everything, and says what each lease has used since [`Gateway::usage`] was last asked.
    pub fn end(&self) -> Vec<(u64, Used)> {
        self.close_everything();
        self.shared.accounts.collect()
    }

    /// How many connections of clients are open.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Whether nobody is connected, and nobody will be any more. To be asked after
    /// [`Gateway::drain`]: whoever had connected before is accepted first.
    pub fn is_drained(&self) -> bool {
        self.shared.listeners.load(Ordering::Acquire) == 0 && self.connections() == 0
    }

    fn tell(&self, order: impl Fn() -> Order) {
        self.threads.iter().for_each(|thread| thread.tell(order()));
    }

    fn close_everything(&self) {
        self.tell(|| Order::End);
        for thread in &self.threads {
            let handle = thread.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(handle) = handle {
                // A thread that has failed has ended too.
                let _ = handle.join();
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.close_everything();
    }
}

impl Thread {
    fn start(number: usize, shared: Arc<Shared>) -> io::Result<Thread> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (tell, told) = std::sync::mpsc::channel();
        let name = format!("gateway-{number}");
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            // The runtime has to be made on the thread that runs it.
            let runtime =
                Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
            match runtime {
                Ok(runtime) => {
                    let worker = Worker::new(shared);
                    // Who has started it waits for this.
                    let _ = tell.send(Ok(()));
                    runtime.block_on(worker.keep(inbox));
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        told.recv().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
        Ok(Thread { orders, handle: Mutex::new(Some(handle)) })
    }

    fn tell(&self, order: Order) {
        // A thread that has ended needs to be told nothing.
        let _ = self.orders.send(order);
    }
}
