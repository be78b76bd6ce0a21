//! The whole way of a request: sockets, HTTP, JSON, key, batch, commit, answer.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use domain::time::{Span, Time};
use engine::batcher::Bounds;
use engine::clock::Clock;
use engine::engine::Engine;

use super::Options;
use super::data::{self, LEASES, SET_UP_AT, Shop};
use super::load::{self, MakeRequest};
use super::report::{Against, Bound, Figure, Report};
use crate::traffic::{self, Carrier};

/// How many clients ask at the same time.
const CLIENTS: usize = 64;

/// How often two things are measured in turn.
const TURNS: u32 = 4;

/// A clock that starts when the shop was set up.
pub(super) struct SinceSetUp(Instant);

impl SinceSetUp {
    pub(super) fn start() -> Arc<SinceSetUp> {
        Arc::new(SinceSetUp(Instant::now()))
    }
}

impl Clock for SinceSetUp {
    fn now(&self) -> Time {
        let elapsed = i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX);
        SET_UP_AT + Span::from_millis(elapsed)
    }
}

/// Extensions over HTTP.
pub(super) fn requests(
    options: &Options,
    folder: &Path,
    bare: f64,
    report: &mut Report,
) -> Result<()> {
    report.say("Setting up a shop for HTTP …");
    let shop = Arc::new(data::shop(&folder.join("http.db"), options.customers, LEASES)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::start(shop.store.clone(), SinceSetUp::start(), Bounds::default())?;
        let served = serve_router(crate::serve::bench_router(&engine)).await?;
        let make = one_lease(&shop, Call::EXTEND, Repeats::None);
        let extended =
            load::run(&[served], CLIENTS, options.time(), "\"success\":true", make.clone()).await?;
        report.figure(&Figure {
            name: "extensions over HTTP, 64 clients",
            value: extended.per_second,
            unit: "/s",
            against: Some(Against {
                name: "bare loop",
                ratio: extended.per_second / bare,
                bound: Bound::AtLeast(0.4),
            }),
        });
        for share in [0.5, 0.99] {
            report.figure(&Figure {
                name: &format!("extensions over HTTP, {:.0} % within", share * 100.0),
                value: extended.within(share),
                unit: "ms",
                against: None,
            });
        }
        // A gateway in the same process, which is told of each of them.
        let traffic = traffic::Options {
            gateway_data: Some(folder.join("gateway")),
            ..traffic::Options::default()
        };
        let carrier = Carrier::start(&engine, &traffic, served, Vec::new()).await?;
        let beside =
            load::run(&[served], CLIENTS, options.time(), "\"success\":true", make).await?;
        carrier.end(Duration::ZERO, std::future::ready(())).await;
        report.figure(&Figure {
            name: "extensions over HTTP, beside a gateway",
            value: beside.per_second,
            unit: "/s",
            against: Some(Against {
                name: "without one",
                ratio: beside.per_second / extended.per_second,
                bound: Bound::AtLeast(0.85),
            }),
        });
        engine.close().await;
        Ok(())
    })
}

/// Prices over HTTP, against a handler that does nothing.
pub(super) fn prices(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    report.say("Setting up a shop for prices …");
    let shop = Arc::new(data::shop(&folder.join("price.db"), options.customers, LEASES)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::start(shop.store.clone(), SinceSetUp::start(), Bounds::default())?;
        let served = serve_router(crate::serve::bench_router(&engine)).await?;
        let empty = serve_router(empty_router()).await?;
        let make = one_lease(&shop, Call::PRICE, Repeats::None);
        // In turn, so that a machine that slows down slows both.
        let (mut priced, mut nothing) = (0.0, 0.0);
        for _ in 0..TURNS {
            let time = options.time() / TURNS;
            let load =
                load::run(&[served], CLIENTS, time, "\"success\":true", make.clone()).await?;
            priced += load.per_second / f64::from(TURNS);
            let load = load::run(&[empty], CLIENTS, time, "true", make.clone()).await?;
            nothing += load.per_second / f64::from(TURNS);
        }
        report.figure(&Figure {
            name: "empty handler, 64 clients",
            value: nothing,
            unit: "/s",
            against: None,
        });
        report.figure(&Figure {
            name: "calculate/extend over HTTP, 64 clients",
            value: priced,
            unit: "/s",
            against: Some(Against {
                name: "empty handler",
                ratio: priced / nothing,
                bound: Bound::AtLeast(0.5),
            }),
        });
        engine.close().await;
        Ok(())
    })
}

/// Serves `router` on a port of its own for the rest of the run.
pub(super) async fn serve_router(router: Router) -> Result<SocketAddr> {
    let listener = ::serve::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let server = ::serve::Server::new(::serve::Limits::default());
        server.run(listener, router, std::future::pending::<()>()).await;
    });
    Ok(address)
}

/// The same stack with nothing behind it: reads the body, answers as many bytes.
fn empty_router() -> Router {
    const ANSWER: &str = "{\"success\":true,\"proxyType\":\"IPv4\",\"balance\":9999999.5,\"price\":1.5,\
        \"currency\":\"USD\",\"discount\":0,\"promoCodeStatus\":null,\"error\":null,\"warnings\":null}";
    let answer = |_: axum::body::Bytes| async { ([(CONTENT_TYPE, "application/json")], ANSWER) };
    Router::new().route("/client/api/v1/{key}/{*call}", post(answer))
}

/// By what a repetition of a request is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// By nothing but the request.
    None,
    /// By a key of its own, so that its answer is kept in the books.
    Keyed,
}

/// A call, in the pieces between which the key and the lease stand.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) path: [&'static str; 2],
    pub(super) body: [&'static str; 2],
}

impl Call {
    pub(super) const EXTEND: Call = Call::youproxy("/extend");
    pub(super) const PRICE: Call = Call::youproxy("/calculate/extend");

    const fn youproxy(call: &'static str) -> Call {
        let body = ["{\"proxyType\":\"IPv4\",\"ipAddressIds\":[\"", "\"],\"rentPeriodDays\":30}"];
        Call { path: ["/client/api/v1/", call], body }
    }
}

/// A call of a random customer for one of his leases.
pub(super) fn one_lease(shop: &Arc<Shop>, call: Call, repeats: Repeats) -> MakeRequest {
    let shop = shop.clone();
    let ids: Vec<Vec<String>> = {
        let installation = shop.store.installation().expect("the shop was just set up");
        let public = domain::public_id::PublicIds::new(installation.id_key);
        let shown = |customer: &data::Customer| {
            customer.leases.iter().map(|lease| public.lease(*lease)).collect()
        };
        shop.customers.iter().map(shown).collect()
    };
    Arc::new(move |dice, request| {
        let index = dice.below(shop.customers.len());
        let id = &ids[index][dice.below(ids[index].len())];
        let key = &shop.customers[index].key;
        let repeats = match repeats {
            Repeats::None => String::new(),
            Repeats::Keyed => format!("Idempotency-Key: {:016x}\r\n", dice.next()),
        };
        let Call { path: [before_key, after_key], body: [before_id, after_id] } = call;
        let written = write!(
            request,
            "POST {before_key}{key}{after_key} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
             {repeats}Content-Length: {}\r\n\r\n{before_id}{id}{after_id}",
            before_id.len() + id.len() + after_id.len()
        );
        written.expect("memory can be written to");
    })
}
