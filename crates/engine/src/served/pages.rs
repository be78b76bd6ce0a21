//! All that is served, read ahead of whoever takes it.

use domain::served::{Place, Served};
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many leases are read at a time. They are at addresses all over the stock, and the more are
/// looked for together, the more are found near each other.
const PAGE: u32 = 100_000;

/// How many pages are read before the first of them is taken: while one is taken, the next is read.
const AHEAD: usize = 1;

/// All that is served, page by page.
pub struct Pages(mpsc::Receiver<Result<Vec<Served>, Fault>>);

impl Pages {
    /// Begins to read.
    pub(super) fn read(engine: Engine) -> Pages {
        let (sender, pages) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let mut after = None;
            loop {
                let page = page(&engine, after).await;
                after = page.as_ref().ok().and_then(|page| page.last()).map(Served::place);
                // Who has gone needs no more.
                if sender.send(page).await.is_err() || after.is_none() {
                    return;
                }
            }
        });
        Pages(pages)
    }

    /// The next page. The last one is empty.
    pub async fn next(&mut self) -> Result<Vec<Served>, Fault> {
        self.0.recv().await.unwrap_or(Err(Fault::Broken))
    }
}

async fn page(engine: &Engine, after: Option<Place>) -> Result<Vec<Served>, Fault> {
    let page = engine.read_slow(move |store| store.served(after, PAGE)).await;
    page.map_err(|error| told(&error, "reading what is served"))
}
