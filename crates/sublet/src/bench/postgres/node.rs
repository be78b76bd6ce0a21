//! Servers of one shop, all in this process: each with a store, a batcher and a port of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::batcher::Bounds;
use engine::clock::SystemClock;
use engine::engine::Engine;
use store::Store;
use tokio::task::JoinHandle;

use crate::bench::data::Shop;
use crate::bench::http::serve_router;

/// One of the servers.
pub(super) struct Node {
    pub(super) engine: Engine,
    pub(super) address: SocketAddr,
    upkeep: JoinHandle<()>,
}

impl Node {
    /// Starts it. It keeps itself up as every server does; what is due is left alone.
    pub(super) async fn start(store: Arc<dyn Store>) -> Result<Node> {
        let engine = Engine::start(store, Arc::new(SystemClock), Bounds::default())?;
        let address = serve_router(crate::serve::bench_router(&engine)).await?;
        let upkeep = engine.run_upkeep();
        Ok(Node { engine, address, upkeep })
    }

    /// Has it get to know all keys, as a server does that has been there for a while.
    pub(super) fn meet_everybody(&self, shop: &Shop) -> Result<()> {
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for customer in &shop.customers {
            let known = self.engine.caller(&customer.key, home)?;
            known.map_err(|rejected| anyhow!("a key is not known: {rejected:?}"))?;
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        self.upkeep.abort();
        self.engine.close().await;
    }
}
