//! SOCKS5 (RFC 1928, RFC 1929).

mod handshake;
pub mod request;

use std::rc::Rc;

use self::handshake::Choice;
use crate::admit::Grant;
use crate::caller::{Caller, Gone};
use crate::connection::{self, Opened};
use crate::worker::Worker;

const ACCEPTED: u8 = 0x00;

/// Opens the tunnel that a client asks for. Nothing, if it did not come to that; the client has
/// been told why.
pub(crate) async fn open(worker: &Rc<Worker>, mut caller: Caller) -> Option<Opened> {
    let grant = match authenticate(worker, &mut caller).await.ok()? {
        Ok(grant) => grant,
        Err(last_words) => {
            caller.farewell(worker, &last_words).await;
            return None;
        }
    };
    let asked = caller.read(worker, |_, bytes| request::read(bytes)).await;
    let reached = match asked {
        Ok(Ok(target)) => connection::reach(worker, &mut caller, &grant, &target).await.ok()?,
        Ok(Err(refusal)) => Err(refusal),
        Err(gone) => Err(gone.refusal()?),
    };
    match reached {
        Ok(server) => {
            caller.send(worker, &request::reply(ACCEPTED)).await.ok()?;
            Some(Opened { caller, server, grant })
        }
        Err(refusal) => {
            let words = request::reply(refusal.wording().socks_reply);
            caller.farewell(worker, &words).await;
            None
        }
    }
}

/// Finds out who the client is, or with which last words it is sent away.
async fn authenticate(
    worker: &Rc<Worker>,
    caller: &mut Caller,
) -> Result<Result<Grant, [u8; 2]>, Gone> {
    match caller.read(worker, handshake::choose).await? {
        Choice::Source(grant) => {
            caller.send(worker, &handshake::SOURCE_IS_ENOUGH).await?;
            Ok(Ok(grant))
        }
        Choice::Login => {
            caller.send(worker, &handshake::LOGIN_IS_NEEDED).await?;
            let known = caller.read(worker, handshake::login).await?;
            let Ok(grant) = known else { return Ok(Err(handshake::LOGIN_IS_WRONG)) };
            caller.send(worker, &handshake::LOGIN_IS_RIGHT).await?;
            Ok(Ok(grant))
        }
        Choice::Nothing => Ok(Err(handshake::NONE_ACCEPTED)),
    }
}
