//! A listing that is sent while it is read.

use std::sync::Arc;

use engine::reads::Walk;

use super::CHUNK;
use super::shown::Orders;
use crate::app::App;
use crate::pieces::{Pieces, Step};

/// The rest of a long listing.
pub(super) struct Listing {
    pub(super) app: Arc<App>,
    pub(super) orders: Orders,
    pub(super) walk: Walk,
}

impl Pieces for Listing {
    fn step(self) -> Step<Listing> {
        let Listing { app, mut orders, walk } = self;
        Box::pin(async move {
            let (proxies, rest) = app.engine.step(walk, CHUNK).await?;
            let mut out = Vec::with_capacity(64 + proxies.len() * 512);
            orders.add(proxies, &mut out);
            let Some(walk) = rest else {
                orders.end(None, &mut out);
                return Ok((out, None));
            };
            Ok((out, Some(Listing { app, orders, walk })))
        })
    }
}
