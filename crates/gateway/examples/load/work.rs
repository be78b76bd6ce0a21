//! What clients do.

use std::cell::{Cell, RefCell};
use std::io;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::way::{Way, read_head};

/// The answer to a small request has so many bytes.
const SMALL: u64 = 64;
/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of the work of many.
#[derive(Default)]
struct Tally {
    begun: Cell<u64>,
    failed: Cell<u64>,
    /// How long each took that did not fail, in microseconds.
    took: RefCell<Vec<u64>>,
}

impl Tally {
    /// The number of the next to begin, unless all have.
    fn next(&self, total: u64) -> Option<u64> {
        let number = self.begun.get();
        self.begun.set(number + 1);
        (number < total).then_some(number)
    }

    /// Waits for `work` and notes what came of it.
    async fn note(&self, work: impl Future<Output = io::Result<()>>) -> bool {
        let began = Instant::now();
        let done = tokio::time::timeout(PATIENCE, work).await;
        let is_done = matches!(done, Ok(Ok(())));
        if is_done {
            self.took.borrow_mut().push(micros(began));
        } else {
            self.failed.set(self.failed.get() + 1);
            if self.failed.get() == 1 {
                eprintln!("the first that failed: {done:?}");
            }
        }
        is_done
    }

    fn say(&self, began: Instant) {
        let mut took = self.took.borrow_mut();
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or(0);
        println!(
            "{{\"done\":{},\"failed\":{},\"micros\":{},\"p50_micros\":{},\"p99_micros\":{}}}",
            took.len(),
            self.failed.get(),
            micros(began),
            at(50),
            at(99),
        );
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Lets `total` bytes come over so many tunnels at once.
pub(crate) async fn bulk(way: Way, total: u64, at_once: u64) -> io::Result<()> {
    let each = total / at_once;
    let mut streams = Vec::new();
    for number in 0..at_once {
        streams.push(way.open(number).await?);
    }
    let began = Instant::now();
    let tasks: Vec<_> = (0..at_once)
        .zip(streams)
        .map(|(number, mut stream)| {
            spawn_local(async move {
                stream.write_all(&way.request(number, each, true)).await?;
                let head = read_head(&mut stream, &mut Vec::with_capacity(4096)).await?;
                let mut left = head.left;
                while left > 0 {
                    left -= drop_bytes(&stream, left).await?;
                }
                io::Result::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    println!("{{\"bytes\":{},\"failed\":0,\"micros\":{}}}", each * at_once, micros(began));
    Ok(())
}

/// Takes bytes that have come, without copying them: to read is to be no part of what is measured.
async fn drop_bytes(stream: &TcpStream, most: u64) -> io::Result<u64> {
    thread_local!(static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; 1 << 20]));
    loop {
        stream.readable().await?;
        let taken = ROOM.with_borrow_mut(|room| {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(room.len());
            let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
            stream.try_io(Interest::READABLE, || Ok(recv(stream, &mut room[..most], flags)?.1))
        });
        match taken {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => return Ok(u64::try_from(count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends a small request and reads the answer.
async fn ask(
    way: &Way,
    number: u64,
    stream: &mut TcpStream,
    room: &mut Vec<u8>,
    closes: bool,
) -> io::Result<()> {
    stream.write_all(&way.request(number, SMALL, closes)).await?;
    let head = read_head(stream, room).await?;
    if head.status != 200 {
        return Err(io::Error::other(format!("status {}", head.status)));
    }
    let mut left = head.left;
    while left > 0 {
        room.clear();
        match stream.read_buf(room).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => left = left.saturating_sub(u64::try_from(count).unwrap_or_default()),
        }
    }
    Ok(())
}

/// One connection, one request, and the other side closes.
async fn visit(way: Way, number: u64) -> io::Result<()> {
    let mut stream = way.open(number).await?;
    let mut room = Vec::with_capacity(1024);
    ask(&way, number, &mut stream, &mut room, true).await?;
    room.clear();
    // An answer is complete by its length; how the connection then ends is nobody's fault.
    let _ = stream.read_buf(&mut room).await;
    Ok(())
}

/// Opens a connection for each request: so many at once, or so many in a second.
pub(crate) async fn connections(
    way: Way,
    total: u64,
    at_once: u64,
    per_second: Option<NonZeroU64>,
) {
    let (tally, began) = (Rc::new(Tally::default()), Instant::now());
    let mut tasks = Vec::new();
    if let Some(per_second) = per_second {
        while let Some(number) = tally.next(total) {
            let at = Duration::from_micros(number * 1_000_000 / per_second);
            tokio::time::sleep_until((began + at).into()).await;
            let tally = Rc::clone(&tally);
            tasks.push(spawn_local(async move {
                tally.note(visit(way, number)).await;
            }));
        }
    } else {
        for _ in 0..at_once {
            let tally = Rc::clone(&tally);
            tasks.push(spawn_local(async move {
                while let Some(number) = tally.next(total) {
                    tally.note(visit(way, number)).await;
                }
            }));
        }
    }
    for task in tasks {
        let _ = task.await;
    }
    tally.say(began);
}

/// Sends requests over so many connections that are kept.
pub(crate) async fn requests(way: Way, total: u64, at_once: u64) {
    let (tally, began) = (Rc::new(Tally::default()), Instant::now());
    let tasks: Vec<_> = (0..at_once)
        .map(|client| {
            let tally = Rc::clone(&tally);
            spawn_local(async move {
                let mut kept: Option<TcpStream> = None;
                let mut room = Vec::with_capacity(4096);
                while tally.next(total).is_some() {
                    let done = tally.note(async {
                        let stream = match &mut kept {
                            Some(stream) => stream,
                            None => kept.insert(way.open(client).await?),
                        };
                        ask(&way, client, stream, &mut room, false).await
                    });
                    if !done.await {
                        kept = None;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        let _ = task.await;
    }
    tally.say(began);
}

/// Opens tunnels, passes one request through each, and holds them until something comes from
/// standard input.
pub(crate) async fn idle(way: Way, total: u64) -> io::Result<()> {
    let (tally, began) = (Tally::default(), Instant::now());
    let mut held = Vec::new();
    while let Some(number) = tally.next(total) {
        let open = async {
            let mut stream = way.open(number).await?;
            ask(&way, number, &mut stream, &mut Vec::with_capacity(1024), false).await?;
            held.push(stream);
            Ok(())
        };
        tally.note(open).await;
    }
    tally.say(began);
    // There is nothing else to do meanwhile.
    io::stdin().read_line(&mut String::new())?;
    drop(held);
    Ok(())
}
