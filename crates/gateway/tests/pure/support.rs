//! A client, destinations, and a gateway around the passing on of requests, all in memory.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use gateway::http::{Backend, Ending, Input, Limits, Presented, Stop, serve};
use gateway::refusal::Refusal;
use gateway::target::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, Sleep};

/// How one connection to a destination goes.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Reads whole requests, and answers each with the next of these; closes behind the last.
    Answers(Vec<Vec<u8>>),
    /// Answers at once, without reading, then goes on reading.
    Early(Vec<u8>),
    /// Waits until this many bytes have come, and then sends that and waits for the other side.
    After(usize, Vec<u8>),
    /// Waits for anything, and sends these a while apart.
    Pieces(Vec<Vec<u8>>),
    /// Refuses the connection.
    Refuses(Refusal),
    /// Closes at once.
    Closes,
}

/// An origin that answers everything with the same.
pub(crate) fn always(answer: &[u8]) -> Origin {
    Origin::Answers(vec![answer.to_vec(); 100])
}

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What one connection has got.
type Heard = Rc<RefCell<Vec<u8>>>;

/// What the destinations have seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Where each connection went.
    pub(crate) targets: Rc<RefCell<Vec<String>>>,
    /// What each connection got.
    pub(crate) bytes: Rc<RefCell<Vec<Heard>>>,
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.targets.borrow().len()
    }

    pub(crate) fn connection(&self, number: usize) -> Vec<u8> {
        self.bytes.borrow()[number].borrow().clone()
    }

    pub(crate) fn all(&self) -> Vec<u8> {
        self.bytes.borrow().iter().flat_map(|bytes| bytes.borrow().clone()).collect()
    }
}

/// The gateway: lets in who gives the password `pass`, or nobody's.
pub(crate) struct Around {
    origins: VecDeque<Origin>,
    pub(crate) seen: Seen,
    pub(crate) needs_credentials: bool,
    /// Clients are to go away once the first destination has been connected to.
    pub(crate) drains: bool,
    draining: Cell<bool>,
    /// How long the client waits between what it says.
    pub(crate) pause: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Around {
    pub(crate) fn new(origins: impl IntoIterator<Item = Origin>) -> Around {
        Around {
            origins: origins.into_iter().collect(),
            seen: Seen::default(),
            needs_credentials: false,
            drains: false,
            draining: Cell::new(false),
            pause: Duration::from_millis(20),
            timer: Box::pin(tokio::time::sleep(Duration::from_secs(60))),
        }
    }
}

impl Backend for Around {
    type Grant = Vec<u8>;
    type Upstream = DuplexStream;

    fn admit(&mut self, presented: Presented<'_>) -> Result<Vec<u8>, Refusal> {
        match presented {
            Presented::Basic(known) if known.password == b"pass" => Ok(known.login.to_vec()),
            Presented::Nothing if !self.needs_credentials => Ok(Vec::new()),
            Presented::Nothing => Err(Refusal::CredentialsNeeded),
            _ => Err(Refusal::CredentialsWrong),
        }
    }

    async fn connect(&mut self, _: &Vec<u8>, target: &Target) -> Result<DuplexStream, Refusal> {
        self.draining.set(self.drains);
        let origin = self.origins.pop_front().unwrap_or_else(|| always(OK));
        if let Origin::Refuses(refusal) = origin {
            return Err(refusal);
        }
        let (near, far) = tokio::io::duplex(4096);
        let heard = Heard::default();
        self.seen.targets.borrow_mut().push(target.to_string());
        self.seen.bytes.borrow_mut().push(Rc::clone(&heard));
        tokio::task::spawn_local(play(origin, far, heard));
        Ok(near)
    }

    fn may_reuse(&self, _: &DuplexStream, _: &Vec<u8>) -> bool {
        true
    }

    fn cut(&mut self, upstream: DuplexStream) {
        drop(upstream);
    }

    fn due(&mut self, after: Duration) {
        self.timer.as_mut().reset(Instant::now() + after);
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Stop> {
        self.timer.as_mut().poll(cx).map(|()| Stop::Late)
    }

    fn poll_drain(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.draining.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn play(origin: Origin, mut stream: DuplexStream, heard: Heard) {
    match origin {
        Origin::Answers(answers) => {
            let mut done = 0;
            for answer in answers {
                loop {
                    let message = {
                        let heard = heard.borrow();
                        super::plain::read(&heard[done..], super::plain::Kind::Request, false)
                    };
                    if let Some((_, length)) = message {
                        done += length;
                        break;
                    }
                    if !hear(&mut stream, &heard).await {
                        return;
                    }
                }
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
        Origin::Early(answer) => {
            stream.write_all(&answer).await.unwrap();
            while hear(&mut stream, &heard).await {}
        }
        Origin::After(count, answer) => {
            while heard.borrow().len() < count && hear(&mut stream, &heard).await {}
            let _ = stream.write_all(&answer).await;
            while hear(&mut stream, &heard).await {}
        }
        Origin::Pieces(pieces) => {
            hear(&mut stream, &heard).await;
            for piece in pieces {
                let _ = stream.write_all(&piece).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Origin::Refuses(_) | Origin::Closes => {}
    }
}

async fn hear(stream: &mut DuplexStream, heard: &Heard) -> bool {
    let mut bytes = [0; 1000];
    let Ok(count @ 1..) = stream.read(&mut bytes).await else { return false };
    heard.borrow_mut().extend_from_slice(&bytes[..count]);
    true
}

/// How a conversation went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Vec<u8>,
    pub(crate) ending: Ending<Vec<u8>, DuplexStream>,
    pub(crate) seen: Seen,
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.answer.clone()).unwrap()
    }

    /// The status of the first answer.
    pub(crate) fn status(&self) -> u16 {
        self.text().split(' ').nth(1).unwrap_or("0").parse().unwrap()
    }
}

/// Sends `bytes`, all at once and then nothing more, and waits for the end.
pub(crate) async fn converse(around: Around, bytes: &[u8]) -> Outcome {
    converse_in_steps(around, &[bytes], true).await
}

/// Sends pieces, a while apart; `closes` ends what the client says.
pub(crate) async fn converse_in_steps(
    mut around: Around,
    steps: &[&[u8]],
    closes: bool,
) -> Outcome {
    let (seen, pause) = (around.seen.clone(), around.pause);
    let local = tokio::task::LocalSet::new();
    let run = async {
        let (mut near, far) = tokio::io::duplex(4096);
        let (mut read, mut write) = tokio::io::split(far);
        let server = async {
            let input = Input::default();
            let ending = serve(&mut near, input, &mut around, &Limits::default()).await;
            drop(near);
            ending
        };
        let send = async {
            for step in steps {
                if write.write_all(step).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
            if closes {
                let _ = write.shutdown().await;
            }
        };
        let hear = async {
            let mut answer = Vec::new();
            read.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let (ending, (), answer) = tokio::join!(server, send, hear);
        (ending, answer)
    };
    let (ending, answer) = local.run_until(run).await;
    // What is still on its way to a destination gets there.
    local.run_until(tokio::time::sleep(Duration::from_millis(1))).await;
    Outcome { answer, ending, seen }
}
