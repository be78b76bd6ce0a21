//! The gateway as its owner sees it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Resource, getrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::listen::{self, ListenerId, Speaks};
use crate::meter::{Accounts, Used};
use crate::policy::Policy;
use crate::resolve::Dns;
use crate::settings::Settings;
use crate::table::{Change, Table, Unfit};
use crate::throng::Throng;
use crate::worker::{Order, Shared, Worker};

/// A gateway that runs. Dropping it closes everything.
pub struct Gateway {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    next_listener: AtomicU64,
}

struct Thread {
    orders: mpsc::UnboundedSender<Order>,
    handle: Option<JoinHandle<()>>,
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
        let shared = Arc::new(Shared {
            settings: settings.within(descriptors),
            table,
            policy,
            dns,
            clock,
            accounts: Accounts::new(),
            throng: Arc::new(Throng::new().map_err(io::Error::other)?),
            connections: AtomicU32::new(0),
            associations: AtomicU32::new(0),
            began: Instant::now(),
        });
        let threads = (0..shared.settings.threads.max(1))
            .map(|number| Thread::start(number, Arc::clone(&shared)))
            .collect::<io::Result<_>>()?;
        Ok(Gateway { shared, threads, next_listener: AtomicU64::new(0) })
    }

    /// Listens on `address` too, and says where that is: a port 0 has become another.
    pub fn listen(
        &self,
        address: SocketAddr,
        speaks: Speaks,
    ) -> io::Result<(ListenerId, SocketAddr)> {
        let id = ListenerId(self.next_listener.fetch_add(1, Ordering::Relaxed));
        let listeners = listen::bind(address, self.threads.len())?;
        let mut address = address;
        for (thread, listener) in self.threads.iter().zip(listeners) {
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
        let listener = listen::bind(address, 1)?.pop().ok_or(io::ErrorKind::Other)?;
        let address = listener.local_addr()?;
        // Listeners that come one after another are spread over the threads.
        let threads = u64::try_from(self.threads.len()).unwrap_or(1);
        let thread = usize::try_from(number % threads).unwrap_or_default();
        self.threads[thread].tell(Order::Listen(ListenerId(number), listener, speaks));
        Ok((ListenerId(number), address))
    }

    /// Accepts nothing more there. Connections that are open stay so.
    pub fn close(&self, listener: ListenerId) {
        self.tell(|| Order::Close(listener));
    }

    /// Accepts nothing more anywhere, and lets clients go who wait for nothing. Tunnels and requests
    /// that are under way go on: the gateway can be dropped when [`Gateway::connections`] says that
    /// there are none any more, or when that has taken too long.
    pub fn drain(&self) {
        self.tell(|| Order::Drain);
    }

    /// Makes changes in the lease table and lets flows that are open feel them. Leases that cannot
    /// be kept are told; they are not served.
    pub fn apply<'a>(&self, changes: impl IntoIterator<Item = Change<'a>>) -> Vec<Unfit> {
        let (changed, unfit) = self.shared.table.apply(changes);
        let changed: Arc<[_]> = changed.into();
        self.tell(|| Order::Changed(Arc::clone(&changed)));
        unfit
    }

    /// Replaces the whole lease table.
    pub fn replace<'a>(
        &self,
        leases: impl IntoIterator<Item = &'a feed::lease::Lease>,
    ) -> Vec<Unfit> {
        let unfit = self.shared.table.replace(leases);
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
    pub fn end(mut self) -> Vec<(u64, Used)> {
        self.close_everything();
        self.shared.accounts.collect()
    }

    /// How many connections of clients are open.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    fn tell(&self, order: impl Fn() -> Order) {
        self.threads.iter().for_each(|thread| thread.tell(order()));
    }

    fn close_everything(&mut self) {
        self.tell(|| Order::End);
        for thread in &mut self.threads {
            if let Some(handle) = thread.handle.take() {
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
        Ok(Thread { orders, handle: Some(handle) })
    }

    fn tell(&self, order: Order) {
        // A thread that has ended needs to be told nothing.
        let _ = self.orders.send(order);
    }
}
