//! CONNECT: a tunnel for the asking.

use std::rc::Rc;

use super::answer;
use super::credentials::{Presented, Room};
use super::head::{Scanner, read_request, slots};
use super::request::Request;
use crate::admit::{Claim, Grant};
use crate::caller::{Caller, Guest, Read};
use crate::connection::{self, Opened};
use crate::refusal::Refusal;
use crate::target::Target;
use crate::worker::Worker;

/// What a client that is let in is told.
const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Opens the tunnel that a client asks for. Nothing, if it did not come to that; the client has
/// been told why.
pub(crate) async fn open(worker: &Rc<Worker>, mut caller: Caller) -> Option<Opened> {
    let mut scanner = Scanner::default();
    let asked = caller
        .read(worker, |guest, bytes| match scanner.end(bytes) {
            Ok(None) => Read::More,
            Ok(Some(end)) => Read::Done(understand(guest, &bytes[..end]), end),
            Err(error) => Read::Done(Err(error.into()), bytes.len()),
        })
        .await;
    let reached = match asked {
        Ok(Ok((grant, target))) => {
            let reached = connection::reach(worker, &mut caller, &grant, &target).await.ok()?;
            reached.map(|server| (grant, server))
        }
        Ok(Err(refusal)) => Err(refusal),
        Err(gone) => Err(gone.refusal()?),
    };
    match reached {
        Ok((grant, server)) => {
            caller.send(worker, ESTABLISHED).await.ok()?;
            Some(Opened { caller, server, grant })
        }
        Err(refusal) => {
            let mut words = Vec::new();
            answer::write(refusal, answer::Ends { is_head: false, keeps: false }, &mut words);
            caller.farewell(worker, &words).await;
            None
        }
    }
}

fn understand(guest: &mut Guest<'_>, head: &[u8]) -> Result<(Grant, Target), Refusal> {
    let mut slots = slots();
    let request = Request::judge(read_request(head, &mut slots)?)?;
    if !request.is_connect() {
        return Err(Refusal::MethodNotAllowed);
    }
    let target = request.connect_target()?;
    let mut room = Room::default();
    let claim = match Presented::read(request.credentials(), &mut room) {
        Presented::Nothing => Claim::Nobody,
        Presented::Unreadable => Claim::Nonsense,
        Presented::Basic(known) => Claim::Login { login: known.login, password: known.password },
    };
    Ok((guest.admit(claim)?, target))
}
