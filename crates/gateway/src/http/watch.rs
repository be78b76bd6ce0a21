//! One timer for a connection, moved forward without touching the runtime's timers.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A deadline that is put off often and hardly ever passes.
///
/// The timer itself is left where it was when the deadline moves away from it; when it goes off
/// too early it is set anew. So a busy connection costs one timer a minute.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    /// A deadline this far from now.
    pub(super) fn new(after: Duration) -> Watch {
        let deadline = Instant::now() + after;
        Watch { deadline, timer: Box::pin(tokio::time::sleep_until(deadline)) }
    }

    /// Moves the deadline.
    pub(super) fn set(&mut self, after: Duration) {
        self.deadline = Instant::now() + after;
        if self.deadline < self.timer.deadline() {
            self.timer.as_mut().reset(self.deadline);
        }
    }

    /// Ready when the deadline has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_holds_wherever_it_is_moved() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(10));
        watch.set(Duration::from_secs(60));
        poll_fn(|cx| watch.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 60);
        watch.set(Duration::from_secs(60));
        watch.set(Duration::from_secs(5));
        poll_fn(|cx| watch.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 65);
    }
}
