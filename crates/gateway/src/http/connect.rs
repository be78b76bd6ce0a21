//! A client that speaks HTTP: its requests are served here until it asks for a tunnel.

use std::rc::Rc;

use super::answer::{self, Ends};
use super::backend::Ending;
use super::forward::serve;
use crate::admit::Grant;
use crate::caller::Caller;
use crate::connection::{self, Opened, Tunnel};
use crate::target::Target;
use crate::worker::Worker;

/// What a client that is let in is told.
const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// What a client that speaks HTTP comes to in the end.
#[expect(clippy::large_enum_variant, reason = "it is moved once for each connection")]
enum Wish {
    Tunnel(Grant, Target),
    Tunnelled(Grant, tokio::net::TcpStream),
}

/// Serves requests until a tunnel is open. Nothing, if it did not come to that; the client has
/// been told all it is told.
pub(crate) async fn open(worker: &Rc<Worker>, mut caller: Caller) -> Option<Opened> {
    // A connection that only ever opens a tunnel does not keep the room for this.
    match Box::pin(requests(worker, &mut caller)).await? {
        Wish::Tunnelled(grant, server) => Some(Opened::Tunnel(Tunnel { caller, server, grant })),
        Wish::Tunnel(grant, target) => {
            match connection::reach(worker, &mut caller, &grant, &target).await.ok()? {
                Ok(server) => {
                    caller.send(worker, ESTABLISHED).await.ok()?;
                    Some(Opened::Tunnel(Tunnel { caller, server, grant }))
                }
                Err(refusal) => {
                    let mut words = Vec::new();
                    answer::write(refusal, Ends { is_head: false, keeps: false }, &mut words);
                    caller.farewell(worker, &words).await;
                    None
                }
            }
        }
    }
}

async fn requests(worker: &Rc<Worker>, caller: &mut Caller) -> Option<Wish> {
    let (mut session, stream, input) = caller.session(worker);
    let ending = serve(stream, input, &mut session, &worker.shared.settings.http).await;
    // A lease that has ended passes no byte, also not of an answer that is under way.
    let is_over = session.seat.is_of_ended_lease();
    match ending {
        Ending::Closed if !is_over => {
            caller.part(worker).await;
            None
        }
        Ending::Closed | Ending::Aborted => {
            // Nobody who got half of something is to take it for the whole.
            stream.reset_on_drop();
            None
        }
        Ending::Upgraded { grant, upstream } => {
            Some(Wish::Tunnelled(grant, upstream.into_stream()))
        }
        Ending::Connect { grant, target, early } => {
            caller.held = early.bytes().to_vec();
            Some(Wish::Tunnel(grant, target))
        }
    }
}
