//! Signals by which a process is asked to end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Those by which a process is asked to end.
pub(crate) struct Signals {
    asked: watch::Receiver<u32>,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Signals> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (ask, asked) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                ask.send_modify(|count| *count += 1);
            }
        });
        Ok(Signals { asked })
    }

    /// Ready when it was asked, at whatever time.
    pub(crate) async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|count| *count > 0).await.is_err() {
            std::future::pending().await
        }
    }
}
