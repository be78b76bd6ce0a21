//! What the second dialect costs beside the first, which does the same for the same leases.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use engine::batcher::Bounds;
use engine::engine::Engine;

use super::Options;
use super::data::{self, LEASES};
use super::http::{Call, Repeats, SinceSetUp, one_lease, serve_router};
use super::load;
use super::report::{Against, Bound, Figure, Report};

/// How many clients ask at the same time.
const CLIENTS: usize = 64;

/// How often each call has its turn.
const TURNS: u32 = 4;

/// How much more than the same call of the first dialect a call may cost.
const MOST: f64 = 1.15;

/// What is asked for, and how: in the first dialect, and in both versions of the second.
const CALLS: [(&str, [Call; 3]); 2] = [
    (
        "a price",
        [
            Call::PRICE,
            prolong(["/personal/api/v1/", "/prolong/calc/ipv4"]),
            prolong(["/personal/api/v2/", "/prolong/calc/ipv4"]),
        ],
    ),
    (
        "an extension",
        [
            Call::EXTEND,
            prolong(["/personal/api/v1/", "/prolong/make/ipv4"]),
            prolong(["/personal/api/v2/", "/prolong/make/ipv4"]),
        ],
    ),
];

/// The dialects, with what is in their answers where something was done.
const DIALECTS: [(&str, &str); 3] = [
    ("Youproxy", "\"success\":true"),
    ("Proxy-Seller v1", "\"status\":\"success\""),
    ("Proxy-Seller v2", "\"status\":\"success\""),
];

const fn prolong(path: [&'static str; 2]) -> Call {
    Call { path, body: ["{\"ids\":[\"", "\"],\"periodId\":\"1m\"}"] }
}

/// Prices and extensions in both dialects, in turn.
pub(super) fn prolongations(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    report.say("Setting up a shop for both dialects …");
    let shop = Arc::new(data::shop(&folder.join("dialects.db"), options.customers, LEASES)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::start(shop.store.clone(), SinceSetUp::start(), Bounds::default())?;
        let served = serve_router(crate::serve::bench_router(&engine)).await?;
        for (what, calls) in CALLS {
            let calls = calls.map(|call| one_lease(&shop, call, Repeats::None));
            let mut rates = [0.0; 3];
            for _ in 0..TURNS {
                for ((rate, make), (_, done)) in rates.iter_mut().zip(&calls).zip(DIALECTS) {
                    let time = options.time() / TURNS;
                    let load = load::run(&[served], CLIENTS, time, done, make.clone()).await?;
                    *rate += load.per_second / f64::from(TURNS);
                }
            }
            for (at, ((dialect, _), rate)) in DIALECTS.iter().zip(rates).enumerate() {
                let against = (at > 0).then(|| Against {
                    name: "the cost of the Youproxy call",
                    ratio: rates[0] / rate,
                    bound: Bound::Below(MOST),
                });
                report.figure(&Figure {
                    name: &format!("{what} over HTTP, 64 clients, {dialect}"),
                    value: rate,
                    unit: "/s",
                    against,
                });
            }
        }
        engine.close().await;
        Ok(())
    })
}
