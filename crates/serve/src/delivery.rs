use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use tokio::sync::Notify;

use crate::link::Link;

/// Whether the answer to a request reaches its client; found in the request's extensions.
///
/// A client that saw its connection die cannot know what became of its request, and will send it
/// again. A handler that has spent the client's money asks here whether that is to be expected.
///
/// Handles are cheap to clone and may outlive the handler. What they tell is driven by the
/// connection, so it is told even when the handler has long been dropped.
#[derive(Clone, Debug)]
pub struct Delivery {
    slot: Arc<Slot>,
    /// The connection that the answer goes to; `None` if its fate was known from the start.
    link: Option<Arc<Link>>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The operating system took every byte of the answer, and had not been told before the last
    /// of them that the client had closed or reset the connection.
    ///
    /// Whether the client's machine has received them is more than a server can know.
    Delivered,
    /// The client was not sent the whole answer: it closed, half-closed or reset the connection
    /// first, did not read for too long, or was cut off by the end of the server; or the handler
    /// or its body failed.
    Gone,
}

impl Delivery {
    /// The delivery of an answer whose fate is known, for calling a handler without a connection.
    pub fn settled(outcome: Outcome) -> Delivery {
        let slot = Slot::new();
        slot.settle(outcome);
        Delivery { slot, link: None }
    }

    pub(crate) fn new(slot: Arc<Slot>, link: Arc<Link>) -> Delivery {
        Delivery { slot, link: Some(link) }
    }

    /// Whether the client is already known not to get the whole answer.
    pub fn is_gone(&self) -> bool {
        self.slot.outcome() == Some(Outcome::Gone)
    }

    /// Whether the client has left without the whole answer, by what the operating system knows at
    /// this moment: it may not have told the connection yet.
    ///
    /// May be called from any task and costs a system call while the answer is open.
    pub fn is_gone_now(&self) -> bool {
        match (self.slot.outcome(), &self.link) {
            (Some(outcome), _) => outcome == Outcome::Gone,
            (None, Some(link)) => link.has_client_left(),
            (None, None) => false,
        }
    }

    /// Waits until it is known whether the answer was delivered.
    ///
    /// To be called before the handler returns its answer, by whomever it concerns: from the call
    /// on, not only from the first poll, the connection asks the operating system right before each
    /// write whether the client is still there, and closes instead of writing if it is not. Without
    /// that, a close that arrives in the same moment as the answer may be noticed too late.
    ///
    /// The future may be moved to another task; dropping it is harmless.
    pub fn outcome(&self) -> impl Future<Output = Outcome> + Send + 'static + use<> {
        self.slot.watched.store(true, Ordering::Release);
        let slot = Arc::clone(&self.slot);
        async move {
            let mut settled = pin!(slot.settled.notified());
            // Enabled before the look at the state, lest it be settled in between.
            settled.as_mut().enable();
            if let Some(outcome) = slot.outcome() {
                return outcome;
            }
            settled.await;
            slot.outcome().expect("a slot is settled before its waiters are notified")
        }
    }
}

/// The state of one answer, shared by its connection and its handles.
#[derive(Debug)]
pub(crate) struct Slot {
    state: AtomicU8,
    watched: AtomicBool,
    settled: Notify,
}

const OPEN: u8 = 0;
const DELIVERED: u8 = 1;
const GONE: u8 = 2;

impl Slot {
    pub(crate) fn new() -> Arc<Slot> {
        Arc::new(Slot {
            state: AtomicU8::new(OPEN),
            watched: AtomicBool::new(false),
            settled: Notify::new(),
        })
    }

    /// Says what became of the answer. Only the first word counts; returns whether this was it.
    pub(crate) fn settle(&self, outcome: Outcome) -> bool {
        let state = match outcome {
            Outcome::Delivered => DELIVERED,
            Outcome::Gone => GONE,
        };
        let first =
            self.state.compare_exchange(OPEN, state, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if first {
            self.settled.notify_waiters();
        }
        first
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.state.load(Ordering::Acquire) {
            DELIVERED => Some(Outcome::Delivered),
            GONE => Some(Outcome::Gone),
            _ => None,
        }
    }

    /// Whether somebody waits for the outcome.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_first_word_counts() {
        let slot = Slot::new();
        let delivery = Delivery { slot: Arc::clone(&slot), link: None };
        let outcome = delivery.outcome();

        assert!(slot.settle(Outcome::Delivered));
        assert!(!slot.settle(Outcome::Gone));

        assert_eq!(outcome.await, Outcome::Delivered);
        assert!(!delivery.is_gone());
    }

    #[tokio::test]
    async fn everybody_who_waits_is_told() {
        let slot = Slot::new();
        let waiting: Vec<_> = (0..3)
            .map(|_| tokio::spawn(Delivery { slot: Arc::clone(&slot), link: None }.outcome()))
            .collect();
        tokio::task::yield_now().await;

        slot.settle(Outcome::Gone);

        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Outcome::Gone);
        }
    }

    #[tokio::test]
    async fn a_delivery_can_be_known_from_the_start() {
        assert_eq!(Delivery::settled(Outcome::Delivered).outcome().await, Outcome::Delivered);
        assert!(Delivery::settled(Outcome::Gone).is_gone());
    }
}
