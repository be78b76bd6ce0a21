//! A stream that a gateway follows, as this server knows it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::served::{Seen, Taken};

/// Commits that a gateway has not taken yet are waited for up to so many.
const PENDING_MAX: usize = 4_096;

/// So many streams may be open to one node: the two processes of a gateway follow one each, and those
/// of which nobody has noticed yet that they are cut come beside.
const STREAMS_MAX: usize = 8;

/// A gateway that says nothing for so long is not there: it says how it is each second.
const SILENCE: Duration = Duration::from_secs(15);

/// What a gateway says is noted in the books so often.
const NOTED_EVERY: Duration = Duration::from_secs(5);

/// The streams that are followed.
#[derive(Default)]
pub(super) struct Sessions {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Session>>>,
    /// When what each node says was last noted.
    noted: Mutex<HashMap<i64, Instant>>,
}

/// A stream that is followed.
pub(super) struct Session {
    /// Its number.
    pub(super) number: u64,
    /// The node that follows it.
    node: i64,
    taken: Taken,
    /// Commits that were told, by number, with what had happened by then.
    pending: Mutex<VecDeque<(u64, Seen)>>,
    /// When the gateway was last heard of, since the first commit.
    heard: Mutex<Option<Instant>>,
}

/// Ends with the stream.
pub(super) struct Open {
    sessions: Arc<Sessions>,
    pub(super) session: Arc<Session>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sessions.open().remove(&self.session.number);
    }
}

impl Sessions {
    /// A stream begins; nothing if the node has too many of them.
    pub(super) fn begin(self: &Arc<Sessions>, node: i64, taken: Taken) -> Option<Open> {
        let mut open = self.open();
        if open.values().filter(|session| session.node == node).count() >= STREAMS_MAX {
            return None;
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (pending, heard) = (Mutex::default(), Mutex::default());
        let session = Arc::new(Session { number, node, taken, pending, heard });
        open.insert(number, Arc::clone(&session));
        Some(Open { sessions: Arc::clone(self), session })
    }

    /// The stream of this number, if this node follows it.
    pub(super) fn of(&self, node: i64, number: u64) -> Option<Arc<Session>> {
        self.open().get(&number).filter(|session| session.node == node).cloned()
    }

    /// Whether it is time to note what a node says.
    pub(super) fn is_to_be_noted(&self, node: i64) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = noted.get(&node).is_none_or(|at| at.elapsed() >= NOTED_EVERY);
        if is_due {
            noted.insert(node, Instant::now());
        }
        is_due
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// A commit was told. Says whether the gateway keeps up.
    pub(super) fn told(&self, commit: u64, seen: Seen) -> bool {
        self.heard().get_or_insert_with(Instant::now);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.push_back((commit, seen));
        pending.len() <= PENDING_MAX
    }

    /// Whether the gateway has said nothing for so long that it cannot be there.
    pub(super) fn is_silent(&self) -> bool {
        self.heard().is_some_and(|heard| heard.elapsed() > SILENCE)
    }

    /// The gateway has taken everything up to a commit.
    pub(super) fn took(&self, commit: u64) {
        *self.heard() = Some(Instant::now());
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((number, seen)) = pending.front()
            && *number <= commit
        {
            self.taken.note(*seen);
            pending.pop_front();
        }
    }

    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_so_many_streams_at_a_time_and_no_more() {
        let sessions = Arc::<Sessions>::default();
        let begin = |node| sessions.begin(node, Taken::default());
        let mut open: Vec<Open> = (0..STREAMS_MAX).map(|_| begin(1).unwrap()).collect();
        assert!(begin(1).is_none() && begin(1).is_none());
        assert!(begin(2).is_some(), "another node is not to blame");
        open.pop();
        assert!(begin(1).is_some());
        assert_eq!(open.len() + 1, STREAMS_MAX);
        drop(open);
        assert!(sessions.open().is_empty());
    }
}
