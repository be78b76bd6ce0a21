//! Panics, caught where one request is worked on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The handler panicked. The panic hook has told the log where.
pub(crate) struct Panicked;

/// Runs `future` to its end, or until it panics.
///
/// Nothing that a handler shares with others is left half changed: what it changes is changed by
/// the engine, or behind locks that are held over plain assignments only.
pub(crate) async fn panics<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_future_only() {
        assert!(matches!(panics(async { 7 }).await, Ok(7)));
        let broken = panics(async {
            tokio::task::yield_now().await;
            panic!("as the test wants it");
        });
        assert!(matches!(broken.await, Err::<(), _>(Panicked)));
    }
}
