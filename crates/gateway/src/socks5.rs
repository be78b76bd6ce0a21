//! SOCKS5 (RFC 1928, RFC 1929).

mod address;
pub mod datagram;
pub mod handshake;
pub mod request;
pub(crate) mod udp;

use std::rc::Rc;

use self::handshake::Choice;
use self::request::Request;
use self::udp::{Association, Sockets};
use crate::admit::Grant;
use crate::caller::{Caller, Gone};
use crate::connection::{self, Opened, Tunnel};
use crate::refusal::Refusal;
use crate::worker::Worker;

const ACCEPTED: u8 = 0x00;

/// Opens the tunnel or the association that a client asks for. Nothing, if it did not come to that; the client has
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
    let refusal = match asked {
        Ok(Ok(Request::Connect(target))) => {
            match connection::reach(worker, &mut caller, &grant, &target).await.ok()? {
                Ok(server) => {
                    caller.send(worker, &request::reply(ACCEPTED)).await.ok()?;
                    return Some(Opened::Tunnel(Tunnel { caller, server, grant }));
                }
                Err(refusal) => {
                    say(worker, caller, refusal).await;
                    return None;
                }
            }
        }
        Ok(Ok(Request::Associate(from))) => match Sockets::open(worker, &caller, &grant, from) {
            Ok((sockets, entry)) => {
                let mut words = [0; request::REPLY_MAX];
                let length = request::write_reply(ACCEPTED, entry, &mut words);
                caller.send(worker, &words[..length]).await.ok()?;
                return Some(Opened::Association(Box::new(Association { caller, grant, sockets })));
            }
            Err(refusal) => refusal,
        },
        Ok(Err(refusal)) => refusal,
        Err(gone) => gone.refusal()?,
    };
    caller.was_refused(worker, refusal, None);
    say(worker, caller, refusal).await;
    None
}

/// Tells a client that it does not get what it wants.
async fn say(worker: &Worker, caller: Caller, refusal: Refusal) {
    let words = request::reply(refusal.wording().socks_reply);
    caller.farewell(worker, &words).await;
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
        Choice::Nothing => {
            caller.was_refused(worker, Refusal::CredentialsNeeded, None);
            Ok(Err(handshake::NONE_ACCEPTED))
        }
    }
}
