use std::{
    convert::Infallible,
    error::Error,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    edge::{Edge, Peer},
    limits::Limits,
    link::{Link, Phase},
    request_body::RequestBody,
    server::{Control, Stage},
    socket::Socket,
    stats::count,
};

/// How long and how much we listen to a client after our last word. A close while bytes of the
/// client's are on their way makes the kernel send a reset, which may overtake the answer. Enough
/// for a body somewhat above the largest that handlers take.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 2 * 1024 * 1024;

/// hyper's buffers, in each direction; its own default is six times as much.
const BUFFER_BYTES: usize = 64 * 1024;

const TOO_SLOW: &str = "408 Request Timeout";
const TARGET_TOO_LONG: &str = "414 URI Too Long";
const HEAD_TOO_LARGE: &str = "431 Request Header Fields Too Large";

/// Why a connection is no longer served.
enum End {
    /// hyper is done with it.
    Closed,
    /// The client has not done something in time.
    Late(Phase),
    /// The server has no more patience.
    Cut,
}

/// Serves a client until one of the two has had enough.
pub(crate) async fn serve<S, B>(
    stream: TcpStream,
    peer: Peer,
    service: S,
    link: Arc<Link>,
    control: &Control,
) where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&link)));
    let edge = Edge { service, peer, link: Arc::clone(&link) };
    let mut connection = http(&link.limits).serve_connection(socket, edge);

    let end = drive(&mut connection, &link, control).await;

    let sending = link.may_be_sending();
    // Whatever hyper has not written by now, it never will.
    link.ended();
    let answer = match end {
        End::Cut => return,
        End::Late(Phase::Head) => {
            count(&link.stats.head_timeouts);
            Some(TOO_SLOW)
        }
        End::Late(_) => {
            let served = link.has_served();
            count(if served { &link.stats.idle_timeouts } else { &link.stats.head_timeouts });
            return;
        }
        End::Closed => None,
    };
    if !sending {
        return;
    }

    let parts = connection.into_parts();
    let socket = parts.io.into_inner();
    let answer = match socket.head_is_too_large() {
        true => Some(why_too_large(&parts.read_buf, &link.limits)),
        false => answer,
    };
    let Some(mut stream) = socket.into_stream() else { return };
    // A client that makes trouble here has had its answer, or does not want it.
    let _ = timeout(LINGER, part(&mut stream, answer)).await;
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_header_size(limits.head_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.head_bytes))
        // hyper would count the idle time in with the head.
        .header_read_timeout(None);
    http
}

/// Runs hyper, and the clock beside it.
async fn drive<S, B>(
    connection: &mut http1::Connection<TokioIo<Socket>, Edge<S>>,
    link: &Link,
    control: &Control,
) -> End
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut drains = false;
    let mut drained = pin!(control.drained());
    let mut cut = pin!(control.cut());
    let mut listening = false;

    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut alarm_at = None;
    let mut grace = pin!(sleep_until(Instant::now()));
    let mut grace_until = None;
    let mut is_newcomer = |cx: &mut Context<'_>| {
        link.newcomer_until().is_some_and(|until| {
            if grace_until.replace(until) != Some(until) {
                grace.as_mut().reset(until);
            }
            grace.as_mut().poll(cx).is_pending()
        })
    };

    poll_fn(|cx| {
        // Both are polled once, to be woken by them, and then not again, which would have all
        // connections queue for their locks once for each request. What they say is in the stage.
        if !listening {
            let _ = drained.as_mut().poll(cx);
            let _ = cut.as_mut().poll(cx);
            listening = true;
        }
        // hyper would take a connection for idle of which it has not read the whole head. It is told
        // of the end once it has; until then the deadline of the head holds.
        let mut is_due = match control.stage() {
            Stage::Running => false,
            Stage::Draining => !drains,
            Stage::Cut => return Poll::Ready(End::Cut),
        };
        loop {
            if is_due && !link.is_receiving() && !is_newcomer(cx) {
                Pin::new(&mut *connection).graceful_shutdown();
                (drains, is_due) = (true, false);
            }
            // What hyper calls an error has been told to the client, or cannot be.
            if Pin::new(&mut *connection).poll(cx).is_ready() {
                return Poll::Ready(End::Closed);
            }
            // What was coming may have been answered meanwhile, with nothing to follow.
            if !is_due || link.is_receiving() || is_newcomer(cx) {
                break;
            }
        }

        // The alarm is moved only when it would be late. Most deadlines are overtaken by the next
        // request, and an alarm that goes off too early finds out here.
        while let Some(deadline) = link.deadline() {
            if alarm_at.is_none_or(|alarm_at| deadline < alarm_at) {
                alarm.as_mut().reset(deadline);
                alarm_at = Some(deadline);
            }
            if alarm.as_mut().poll(cx).is_pending() {
                break;
            }
            if deadline <= Instant::now() {
                return Poll::Ready(End::Late(link.phase()));
            }
            alarm_at = None;
        }
        Poll::Pending
    })
    .await
}

/// The answer to a head that hyper refused for its size.
fn why_too_large(head: &[u8], limits: &Limits) -> &'static str {
    let line = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    // The rest of the line is a method, a version and spaces: some twenty bytes.
    if line > limits.target_bytes { TARGET_TOO_LONG } else { HEAD_TOO_LARGE }
}

/// Says a last word, if there is one, and hears the client out.
async fn part(stream: &mut TcpStream, status: Option<&str>) -> io::Result<()> {
    if let Some(status) = status {
        let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
    }
    stream.shutdown().await?;

    let mut unheard = stream.take(LINGER_BYTES);
    let mut bytes = vec![0; 8 * 1024];
    while unheard.read(&mut bytes).await? > 0 {}
    Ok(())
}
