//! One request and its response on two connections that are there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::{Backend, Limits, Stop};
use super::body::{Body, Broken};
use super::buffer::{Input, Output};
use super::chunked::Form;
use super::framing::Length;
use super::head::{Scanner, Version, read_response, slots};
use super::request::Asked;
use super::response::{Follows, Response};
use crate::refusal::Refusal;

/// How many heads may come before the one of the response.
const EARLY_HEADS_MAX: u32 = 16;

/// How an exchange has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finished {
    /// The response has been passed on.
    Done {
        /// The client may send another request.
        client_keeps: bool,
        /// The destination may get another request.
        upstream_keeps: bool,
        /// The whole request was taken; otherwise the client may still be sending it.
        heard: bool,
    },
    /// Both have agreed on another protocol; the client has been told.
    Upgraded,
    /// The destination failed before any of its response had been passed on.
    Refused(Refusal),
    /// The connection to the destination had gone before this request; nothing came back.
    Gone,
    /// The response broke off in the middle, or the client has gone.
    Broken,
}

/// The two bodies and what is between them.
#[derive(Debug)]
pub(super) struct Exchange {
    asked: Asked,
    upload: Body,
    uploaded: bool,
    upload_failed: bool,
    download: Download,
    /// Whether anything has come back.
    answered: bool,
    early_heads: u32,
    to_upstream: Output,
    to_client: Output,
}

#[derive(Debug)]
enum Download {
    Head(Scanner),
    Body { body: Body, upstream_keeps: bool, client_keeps: bool },
    Protocol,
}

/// The sides of an exchange: connections, and what has been read from them.
#[derive(Debug)]
pub(super) struct Sides<'a, C, U> {
    pub(super) client: &'a mut C,
    pub(super) from_client: &'a mut Input,
    pub(super) upstream: &'a mut U,
    pub(super) from_upstream: &'a mut Input,
}

impl Exchange {
    /// An exchange that begins; `head` is the request's head as the destination gets it.
    pub(super) fn new(asked: Asked, head: Output) -> Exchange {
        let form = if asked.trailers { Form::Chunks } else { Form::ChunksOnly };
        Exchange {
            asked,
            upload: Body::new(asked.length, form),
            uploaded: false,
            upload_failed: false,
            download: Download::Head(Scanner::default()),
            answered: false,
            early_heads: 0,
            to_upstream: head,
            to_client: Output::default(),
        }
    }

    /// Makes ready to send the same request over another connection. Only for requests without a
    /// body of which nothing has come back.
    pub(super) fn begin_again(&mut self) {
        self.uploaded = false;
        self.upload_failed = false;
        self.to_upstream.rewind();
    }

    /// Runs it to its end.
    pub(super) async fn run<C, B>(
        &mut self,
        mut sides: Sides<'_, C, B::Upstream>,
        backend: &mut B,
        limits: &Limits,
        repeats: bool,
    ) -> Finished
    where
        C: AsyncRead + AsyncWrite + Unpin,
        B: Backend,
    {
        backend.due(limits.response);
        std::future::poll_fn(|cx| {
            let mut progress = false;
            if let Poll::Ready(finished) = self.poll(cx, &mut sides, &mut progress) {
                return Poll::Ready(finished);
            }
            if progress {
                let in_body = matches!(self.download, Download::Body { .. });
                backend.due(if in_body { limits.stalled } else { limits.response });
            }
            Poll::Ready(match ready!(backend.poll_stop(cx)) {
                Stop::Late if self.uploaded => self.failed(Refusal::ResponseTimeout),
                Stop::Late => self.failed(Refusal::RequestTimeout),
                Stop::Over => Finished::Broken,
            })
        })
        .await
        .gone_if(repeats && !self.answered)
    }

    fn poll<C, U>(
        &mut self,
        cx: &mut Context<'_>,
        sides: &mut Sides<'_, C, U>,
        progress: &mut bool,
    ) -> Poll<Finished>
    where
        C: AsyncRead + AsyncWrite + Unpin,
        U: AsyncRead + AsyncWrite + Unpin,
    {
        if !self.uploaded {
            let moved = self.upload.poll_move(
                cx,
                (&mut *sides.client, &mut *sides.from_client),
                (&mut *sides.upstream, &mut self.to_upstream),
                progress,
            );
            match moved {
                Poll::Ready(Ok(())) => self.uploaded = true,
                // Who takes no more may have answered already, and that answer is the client's.
                Poll::Ready(Err(Broken::Receiver)) => {
                    self.uploaded = true;
                    self.upload_failed = true;
                }
                Poll::Ready(Err(Broken::Sender)) => return Poll::Ready(self.bad_upload()),
                Poll::Pending => {}
            }
        }
        loop {
            match &mut self.download {
                Download::Head(_) => {
                    if let Err(finished) = ready!(self.poll_head(cx, sides, progress)) {
                        return Poll::Ready(finished);
                    }
                }
                Download::Body { body, upstream_keeps, client_keeps } => {
                    let moved = body.poll_move(
                        cx,
                        (&mut *sides.upstream, &mut *sides.from_upstream),
                        (&mut *sides.client, &mut self.to_client),
                        progress,
                    );
                    match ready!(moved) {
                        Ok(()) => {}
                        Err(Broken::Sender) if !self.to_client.has_begun() => {
                            return Poll::Ready(Finished::Refused(Refusal::BadResponse));
                        }
                        Err(_) => return Poll::Ready(Finished::Broken),
                    }
                    // Bytes behind the response belong to nobody.
                    let clean = self.uploaded && !self.upload_failed;
                    return Poll::Ready(Finished::Done {
                        client_keeps: *client_keeps && clean,
                        upstream_keeps: *upstream_keeps && clean && sides.from_upstream.is_empty(),
                        heard: clean,
                    });
                }
                Download::Protocol => {
                    let sent = ready!(self.to_client.poll_send(cx, sides.client));
                    let flushed =
                        sent.is_ok() && ready!(Pin::new(&mut *sides.client).poll_flush(cx)).is_ok();
                    return Poll::Ready(if flushed {
                        Finished::Upgraded
                    } else {
                        Finished::Broken
                    });
                }
            }
        }
    }

    /// Reads and passes on one head.
    fn poll_head<C, U>(
        &mut self,
        cx: &mut Context<'_>,
        sides: &mut Sides<'_, C, U>,
        progress: &mut bool,
    ) -> Poll<Result<(), Finished>>
    where
        C: AsyncRead + AsyncWrite + Unpin,
        U: AsyncRead + AsyncWrite + Unpin,
    {
        // A head that came before the response goes out at once.
        if self.to_client.left() > 0 {
            if ready!(self.to_client.poll_send(cx, sides.client)).is_err() {
                return Poll::Ready(Err(Finished::Broken));
            }
            self.to_client.clear();
        }
        if ready!(Pin::new(&mut *sides.client).poll_flush(cx)).is_err() {
            return Poll::Ready(Err(Finished::Broken));
        }
        loop {
            let Download::Head(scanner) = &mut self.download else { return Poll::Ready(Ok(())) };
            if !sides.from_upstream.is_empty() {
                match scanner.end(sides.from_upstream.bytes()) {
                    Ok(Some(length)) => {
                        return Poll::Ready(self.take_head(length, sides.from_upstream));
                    }
                    Ok(None) => {}
                    Err(_) => return Poll::Ready(Err(self.failed(Refusal::BadResponse))),
                }
            }
            match ready!(sides.from_upstream.poll_fill(cx, sides.upstream)) {
                Ok(count) if count > 0 => {
                    *progress = true;
                    self.answered = true;
                    self.settle_upload();
                }
                _ => return Poll::Ready(Err(self.failed(Refusal::ConnectionLost))),
            }
        }
    }

    /// Once something has come back, the request is not sent again.
    fn settle_upload(&mut self) {
        if self.uploaded {
            self.to_upstream.clear();
        }
    }

    fn take_head(&mut self, length: usize, from_upstream: &mut Input) -> Result<(), Finished> {
        let asked = self.asked;
        let judged = {
            let head = from_upstream.bytes().get(..length).unwrap_or_default();
            let mut slots = slots();
            read_response(head, &mut slots)
                .map_err(|_| Refusal::BadResponse)
                .and_then(|head| Response::judge(head, &asked))
                .map(|response| self.write_head(&response))
        };
        from_upstream.consume(length);
        match judged {
            Ok(Some(download)) => {
                self.download = download;
                Ok(())
            }
            Ok(None) => {
                self.early_heads += 1;
                self.download = Download::Head(Scanner::default());
                if self.early_heads > EARLY_HEADS_MAX {
                    return Err(self.failed(Refusal::BadResponse));
                }
                Ok(())
            }
            Err(refusal) => Err(self.failed(refusal)),
        }
    }

    /// Writes the head for the client, and says what follows; `None` is another head.
    fn write_head(&mut self, response: &Response<'_, '_>) -> Option<Download> {
        let asked = self.asked;
        match response.follows() {
            Follows::Head => {
                if response.is_for(&asked) && self.early_heads < EARLY_HEADS_MAX {
                    response.write(&asked, true, self.to_client.bytes());
                }
                None
            }
            Follows::Protocol => {
                response.write(&asked, true, self.to_client.bytes());
                Some(Download::Protocol)
            }
            Follows::Body(length) => {
                let old = asked.version == Version::Http10;
                // An old client learns from the end of the connection where such a body ends.
                let endless = length == Length::UntilClose || old && length == Length::Chunked;
                // Who has got the response to a request that is not all there closes, and bytes
                // behind a wish for another protocol may be in that protocol.
                let client_keeps = asked.keeps
                    && !endless
                    && !asked.upgrades
                    && self.upload.is_done()
                    && !self.upload_failed;
                let form = match (old, response.trailers()) {
                    (true, _) => Form::Bare,
                    (false, true) => Form::Chunks,
                    (false, false) => Form::ChunksOnly,
                };
                self.to_client.begin();
                response.write(&asked, client_keeps, self.to_client.bytes());
                Some(Download::Body {
                    body: Body::new(length, form),
                    upstream_keeps: response.keeps(),
                    client_keeps,
                })
            }
        }
    }

    /// The client's body is not what it should be.
    fn bad_upload(&self) -> Finished {
        match self.download {
            Download::Head(_) => self.failed(Refusal::Malformed),
            _ => Finished::Broken,
        }
    }

    /// A refusal can be told as long as the response has not begun.
    fn failed(&self, refusal: Refusal) -> Finished {
        let begun = !matches!(self.download, Download::Head(_)) || self.to_client.left() > 0;
        if begun { Finished::Broken } else { Finished::Refused(refusal) }
    }
}

impl Finished {
    /// A connection that was lost before anything came back may have been gone all the time.
    fn gone_if(self, unanswered: bool) -> Finished {
        match self {
            Finished::Refused(Refusal::ConnectionLost) if unanswered => Finished::Gone,
            other => other,
        }
    }
}
