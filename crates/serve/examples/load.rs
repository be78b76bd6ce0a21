//! Requests per second of an empty handler, through this crate and through bare hyper.
//!
//! ```text
//! cargo run --release -p serve --example load -- [connections] [seconds]
//! ```
//!
//! Clients and servers share one runtime, so the numbers are only good to be compared.

#![expect(clippy::unwrap_used, reason = "a measurement may fail loudly")]

use std::{
    convert::Infallible,
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serve::{Limits, Server, bind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse().unwrap());
    let connections = arguments.next().unwrap_or(64);
    let time = Duration::from_secs(arguments.next().unwrap_or(3));

    let bare = listen();
    let ours = listen();
    let addresses =
        [("bare hyper", bare.local_addr().unwrap()), ("serve", ours.local_addr().unwrap())];
    tokio::spawn(serve_bare(bare));
    tokio::spawn(async move {
        let service = tower::service_fn(async |_| Ok::<_, Infallible>(empty()));
        Server::new(Limits::default()).run(ours, service, std::future::pending()).await
    });

    // By turns, because the machine is not equally busy all the time.
    for _ in 0..3 {
        for (name, address) in addresses {
            let rate = measure(address, connections, time).await;
            println!("{name:>12}: {rate:>8} requests/s");
        }
    }
}

fn listen() -> TcpListener {
    bind(([127, 0, 0, 1], 0).into()).unwrap()
}

fn empty() -> Response<Full<Bytes>> {
    Response::new(Full::default())
}

async fn serve_bare(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let service = service_fn(async |_| Ok::<_, Infallible>(empty()));
            let _ = http1::Builder::new()
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn measure(address: SocketAddr, connections: u64, time: Duration) -> u128 {
    let answers = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(ask(address, Arc::clone(&answers), Arc::clone(&stop))))
        .collect();
    sleep(time).await;
    let rate = u128::from(answers.load(Ordering::Relaxed)) * 1000 / start.elapsed().as_millis();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    rate
}

async fn ask(address: SocketAddr, answers: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = [0; 1024];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut read = 0;
        while !bytes[..read].ends_with(b"\r\n\r\n") {
            read += stream.read(&mut bytes[read..]).await.unwrap();
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}
