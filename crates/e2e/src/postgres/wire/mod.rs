//! A wire between a server and its clients that can be cut.
//!
//! It forwards what is said on each connection, and reads along just enough to know a commit. It can
//! go dead at the worst moment: between a commit and its answer, when the client cannot know whether
//! it was done. Other servers than PostgreSQL are reached over one that does not read along.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod link;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::url_at;

/// How many connections there may be at once; more are refused.
const CONNECTIONS_MAX: usize = 1_000;

/// The ends of a connection.
const CLIENT: usize = 0;
const SERVER: usize = 1;

/// What becomes of a connection on which a commit is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is cut before the server gets the commit, so nothing is done.
    Lost,
    /// It is cut for the client at once. The server gets the commit after this long, and nothing
    /// after it.
    Late(Duration),
    /// It is cut when the server has answered; the client does not get the answer.
    Unheard,
    /// It is not cut. The server gets the commit after this long, and answers it.
    Delayed(Duration),
}

/// What has happened on a wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were made.
    pub connections: u64,
    /// Commits that clients have sent.
    pub commits: u64,
    /// Connections that were cut, by whatever was asked for.
    pub cuts: u64,
}

/// A wire. It is gone, with all its connections, when this value is.
#[derive(Debug)]
pub struct Wire {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Option<JoinHandle<()>>,
}

/// What its threads share.
#[derive(Debug)]
struct Shared {
    control: Mutex<Control>,
    changed: Condvar,
}

/// What it is told to do.
#[derive(Debug)]
struct Control {
    target: SocketAddr,
    /// Nobody could read along.
    is_blind: bool,
    refuses: bool,
    holds: bool,
    ended: bool,
    /// So many bytes may still pass; the connection that goes beyond is cut.
    bytes_left: Option<usize>,
    at_commit: Option<Fate>,
    /// How much later the server gets each commit.
    commit_delay: Duration,
    counts: Counts,
    links: BTreeMap<u64, [TcpStream; 2]>,
}

impl Wire {
    /// A wire to the server at `target`.
    #[track_caller]
    pub fn to(target: SocketAddr) -> Wire {
        Wire::between(target, false)
    }

    /// The same to a server that speaks whatever it likes: commits are not known.
    #[track_caller]
    pub fn blind(target: SocketAddr) -> Wire {
        Wire::between(target, true)
    }

    #[track_caller]
    fn between(target: SocketAddr, is_blind: bool) -> Wire {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let control = Control {
            target,
            is_blind,
            refuses: false,
            holds: false,
            ended: false,
            bytes_left: None,
            at_commit: None,
            commit_delay: Duration::ZERO,
            counts: Counts::default(),
            links: BTreeMap::new(),
        };
        let shared = Arc::new(Shared { control: Mutex::new(control), changed: Condvar::new() });
        let listening = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        });
        Wire { shared, address, listening: Some(listening) }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the same database, reached through this wire.
    #[track_caller]
    pub fn url(&self, url: &str) -> String {
        url_at(url, self.address)
    }

    /// Cuts all connections at once.
    pub fn cut(&self) {
        self.shared.control().cut_all();
    }

    /// Lets so many more bytes pass, in both directions and on all connections together, and cuts the
    /// connection that would go beyond, also within a message.
    pub fn cut_after(&self, bytes: usize) {
        self.shared.control().bytes_left = Some(bytes);
    }

    /// Cuts the connection on which the next commit is sent.
    pub fn cut_at_commit(&self, fate: Fate) {
        self.shared.control().at_commit = Some(fate);
    }

    /// Has every commit take so much longer.
    pub fn delay_commits(&self, delay: Duration) {
        self.shared.control().commit_delay = delay;
    }

    /// Takes back what [`Wire::cut_after`] and [`Wire::cut_at_commit`] have asked for and what has not
    /// happened yet.
    pub fn spare(&self) {
        let mut control = self.shared.control();
        control.bytes_left = None;
        control.at_commit = None;
    }

    /// Holds everything back that is sent from now on, also the ends of connections.
    pub fn hold(&self) {
        self.shared.control().holds = true;
    }

    /// Lets everything pass again.
    pub fn release(&self) {
        self.shared.control().holds = false;
        self.shared.changed.notify_all();
    }

    /// Refuses new connections.
    pub fn refuse(&self) {
        self.shared.control().refuses = true;
    }

    /// Takes new connections again.
    pub fn admit(&self) {
        self.shared.control().refuses = false;
    }

    /// Leads new connections to another server, and cuts those that lead to the old one.
    pub fn lead_to(&self, target: SocketAddr) {
        let mut control = self.shared.control();
        control.target = target;
        control.cut_all();
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.shared.control().counts
    }

    /// Waits until so many connections were cut since the wire was made, and says whether they were.
    pub fn has_cut(&self, cuts: u64, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut control = self.shared.control();
        while control.counts.cuts < cuts {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            control = self.shared.changed.wait_timeout(control, left).unwrap().0;
        }
        true
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        {
            let mut control = self.shared.control();
            control.ended = true;
            control.cut_all();
        }
        self.shared.changed.notify_all();
        // Somebody who connects is what it waits for.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(listening) = self.listening.take().filter(|_| woken) {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap()
    }

    /// Waits until what was read may be passed on.
    fn pass(&self) -> MutexGuard<'_, Control> {
        let held = |control: &mut Control| control.holds && !control.ended;
        self.changed.wait_while(self.control(), held).unwrap()
    }

    /// Counts a commit and says what is its fate, if it has another than the usual.
    fn fate(&self) -> Option<Fate> {
        let mut control = self.control();
        control.counts.commits += 1;
        let delay = control.commit_delay;
        control.at_commit.take().or((!delay.is_zero()).then_some(Fate::Delayed(delay)))
    }

    /// Waits while a commit is on its way, and says whether there is still a wire.
    fn delay(&self, delay: Duration) -> bool {
        let going_on = |control: &mut Control| !control.ended;
        !self.changed.wait_timeout_while(self.control(), delay, going_on).unwrap().0.ended
    }

    fn cut(&self, link: u64) {
        self.control().cut(link, &[CLIENT, SERVER]);
        self.changed.notify_all();
    }

    fn cut_client(&self, link: u64) {
        self.control().cut(link, &[CLIENT]);
        self.changed.notify_all();
    }
}

impl Control {
    /// Cuts some ends of a connection, which is then no longer one that can be cut.
    fn cut(&mut self, link: u64, which: &[usize]) {
        let Some(ends) = self.links.remove(&link) else { return };
        for end in which {
            // It fails if the other side was first.
            let _ = ends[*end].shutdown(Shutdown::Both);
        }
        self.counts.cuts += 1;
    }

    fn cut_all(&mut self) {
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.cut(link, &[CLIENT, SERVER]);
        }
    }

    /// How many of so many bytes may pass.
    fn spend(&mut self, bytes: usize) -> usize {
        let Some(left) = self.bytes_left else { return bytes };
        self.bytes_left = left.checked_sub(bytes);
        left.min(bytes)
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        let number = {
            let mut control = shared.control();
            if control.ended {
                return;
            }
            if control.refuses || CONNECTIONS_MAX <= control.links.len() {
                let _ = rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO));
                continue;
            }
            control.counts.connections += 1;
            control.counts.connections
        };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || link::join(&shared, number, client));
    }
}
