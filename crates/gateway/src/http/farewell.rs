//! Answers that end something, and the moment in which they are read.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::answer::{self, Ends};
use super::backend::Backend;
use super::buffer::{Input, Output};
use crate::refusal::Refusal;

/// How long a client is heard out that is told why it is being closed, so that the words reach it.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes it may say meanwhile.
const LINGER_BYTES: usize = 256 * 1024;

/// Runs something until it is done or has to stop.
pub(super) async fn within<F: Future>(backend: &mut impl Backend, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => backend.poll_stop(cx).map(|_| None),
    })
    .await
}

/// Answers a refusal; whether another request may follow.
pub(super) async fn refuse<C>(
    client: &mut C,
    refusal: Refusal,
    ends: Ends,
    backend: &mut impl Backend,
) -> bool
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let mut output = Output::default();
    answer::write(refusal, ends, output.bytes());
    let sent = async {
        poll_fn(|cx| output.poll_send(cx, client)).await?;
        client.flush().await
    };
    // An answer fits into the socket's buffer, unless the client reads nothing.
    backend.due(LINGER);
    let sent = matches!(within(backend, sent).await, Some(Ok(())));
    if sent && !ends.keeps {
        linger(client, &mut Input::default(), backend).await;
    }
    sent && ends.keeps
}

/// Ends what we say, and hears the client out for a moment: closing with its bytes unread would
/// throw away what it has not read yet.
pub(super) async fn linger<C>(client: &mut C, input: &mut Input, backend: &mut impl Backend)
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    input.consume(input.bytes().len());
    let heard_out = async {
        if client.shutdown().await.is_err() {
            return;
        }
        let mut heard = 0;
        while let Ok(count @ 1..) = poll_fn(|cx| input.poll_fill(cx, client)).await {
            heard += count;
            input.consume(count);
            if heard > LINGER_BYTES {
                return;
            }
        }
    };
    backend.due(LINGER);
    // Whether it has gone or not makes no difference now.
    let _ = within(backend, heard_out).await;
}
