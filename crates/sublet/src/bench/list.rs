//! Lists and files of a customer with ten thousand leases.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use engine::batcher::Bounds;
use engine::engine::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Options;
use super::data;
use super::http::{SinceSetUp, serve_router};
use super::report::{Against, Bound, Figure, Report};
use super::sweep::{forget_peak_memory, memory_now, peak_memory};

/// How many leases the customer has.
const LEASES: u32 = 10_000;

/// How many clients read a list at the same time.
const READERS: usize = 16;

/// By how much their lists may let memory grow, in MiB. Whole, they would take more than this.
const GROWTH_MAX: f64 = 48.0;

/// How many megabytes a second of one processor should send, the reading of them included.
const MEGABYTES_LEAST: f64 = 50.0;

/// How fast lists and files are sent, and how much memory they take.
pub(super) fn lists(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    report.say("Setting up one customer with 10 000 leases …");
    let shop = data::shop(&folder.join("list.db"), 1, LEASES)?;
    let key = &shop.customers[0].key;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::start(shop.store.clone(), SinceSetUp::start(), Bounds::default())?;
        let served = serve_router(crate::serve::bench_router(&engine)).await?;
        for (name, path, leases) in [
            ("list of IPv4 (Proxy-Seller v2)", "v2/KEY/proxy/list/ipv4", "\"ip_only\":"),
            ("list of everything (Proxy-Seller v1)", "v1/KEY/proxy/list", "\"ip_only\":"),
            ("file of lines (Proxy-Seller v2)", "v2/KEY/proxy/download/ipv4", "@127."),
        ] {
            let path = format!("/personal/api/{}", path.replace("KEY", key));
            let whole = String::from_utf8(got(served, &path).await?)?;
            let found = whole.matches(leases).count();
            ensure!(found == LEASES as usize, "{found} leases in {name}");
            let (started, worked) = (Instant::now(), processor_seconds());
            let (mut bytes, mut times) = (0, 0_u32);
            while started.elapsed() < options.time() {
                let answer = got(served, &path).await?;
                ensure!(answer.len() == whole.len(), "{name} has changed");
                (bytes, times) = (bytes + answer.len(), times + 1);
            }
            let seconds = started.elapsed().as_secs_f64();
            let megabytes = bytes as f64 / 1e6 / (processor_seconds() - worked);
            report.figure(&Figure {
                name: &format!("{name}, for a second of a processor"),
                value: megabytes,
                unit: "MB",
                against: Some(Against {
                    name: "50 MB",
                    ratio: megabytes / MEGABYTES_LEAST,
                    bound: Bound::AtLeast(1.0),
                }),
            });
            report.figure(&Figure {
                name: &format!("{name} of {LEASES} leases, each"),
                value: seconds * 1e3 / f64::from(times),
                unit: "ms",
                against: None,
            });
        }
        bounded(served, key, report).await?;
        engine.close().await;
        Ok(())
    })
}

/// Many lists at once, which are held up half way: what has not gone must not be in memory.
async fn bounded(served: SocketAddr, key: &str, report: &mut Report) -> Result<()> {
    let path = format!("/personal/api/v2/{key}/proxy/list/ipv4");
    let before = memory_now().context("the kernel tells the memory")?;
    forget_peak_memory();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut stream = asked(served, &path).await?;
        let mut some = vec![0; 64 * 1024];
        stream.read_exact(&mut some).await?;
        readers.push((stream, some));
    }
    for (mut stream, some) in readers {
        let mut rest = some;
        stream.read_to_end(&mut rest).await?;
        ensure!(rest.ends_with(b"\"errors\":[]}\r\n0\r\n\r\n"), "a list is not whole");
    }
    let growth = peak_memory().context("the kernel tells the peak memory")? - before;
    report.figure(&Figure {
        name: &format!("memory for {READERS} lists of {LEASES} leases at once"),
        value: growth,
        unit: "MiB",
        against: Some(Against {
            name: "48 MiB",
            ratio: growth / GROWTH_MAX,
            bound: Bound::Below(1.0),
        }),
    });
    Ok(())
}

/// How long this process, which is server and client, has kept processors busy.
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Sends a request for `path` that ends the connection.
async fn asked(to: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(to).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// A whole answer, which must be a success.
async fn got(to: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut answer = Vec::with_capacity(8 << 20);
    asked(to, path).await?.read_to_end(&mut answer).await?;
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Ok(answer)
}
