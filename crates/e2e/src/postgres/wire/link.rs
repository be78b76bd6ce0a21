//! One connection of a wire: two threads, one for each direction.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Fate, Shared};
use crate::postgres::messages::{Answered, FromClient, Garbled, Sent, answered};

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the two directions of a connection tell each other.
#[derive(Debug, Default)]
struct State {
    /// The server's next byte answers the question for encryption.
    asked_for_encryption: AtomicBool,
    /// Nobody can read along any more.
    is_encrypted: AtomicBool,
    /// Nothing that the server says is passed on any more.
    is_deaf: AtomicBool,
    /// It is to be cut when the server says that it has committed.
    ends_with_commit: AtomicBool,
}

/// One direction of a connection.
struct Direction<'a> {
    shared: &'a Shared,
    number: u64,
    state: &'a State,
    from: TcpStream,
    to: TcpStream,
}

/// Why a direction has come to its end: the connection was cut, or one of its ends is gone.
struct Over;

/// Connects a client with the server and passes on what they say until one of them leaves.
pub(super) fn join(shared: &Arc<Shared>, number: u64, client: TcpStream) {
    let (target, is_blind) = {
        let control = shared.control();
        (control.target, control.is_blind)
    };
    let Ok(server) = TcpStream::connect_timeout(&target, PATIENCE) else { return };
    let Ok(ends) = both(&client, &server) else { return };
    {
        let mut control = shared.control();
        if control.ended || control.target != target {
            return;
        }
        control.links.insert(number, ends);
    }
    let state = State { is_encrypted: is_blind.into(), ..State::default() };
    let state = Arc::new(state);
    let Ok([client_too, server_too]) = both(&client, &server) else { return };
    let answering = std::thread::spawn({
        let (shared, state) = (Arc::clone(shared), Arc::clone(&state));
        move || {
            let (from, to) = (server_too, client_too);
            Direction { shared: &shared, number, state: &state, from, to }.answers();
        }
    });
    Direction { shared, number, state: &state, from: client, to: server }.questions();
    let _ = answering.join();
    shared.control().links.remove(&number);
}

/// A second handle of each end.
fn both(client: &TcpStream, server: &TcpStream) -> std::io::Result<[TcpStream; 2]> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    Ok([client.try_clone()?, server.try_clone()?])
}

impl Direction<'_> {
    /// Passes on what the client says.
    fn questions(mut self) {
        let mut reading = FromClient::default();
        let mut ahead = vec![];
        while self.fill(&mut ahead).is_ok() {
            if self.asked(&mut reading, &mut ahead).is_err() {
                break;
            }
        }
        // That the client has left is held back like all else.
        drop(self.shared.pass());
        let _ = self.to.shutdown(Shutdown::Write);
    }

    /// Passes the whole messages on.
    fn asked(&mut self, reading: &mut FromClient, ahead: &mut Vec<u8>) -> Result<(), Over> {
        if self.state.is_encrypted.load(Ordering::SeqCst) {
            return self.write(&std::mem::take(ahead));
        }
        let mut whole = 0;
        while let Some((length, sent)) = self.whole(reading.look(&ahead[whole..]))? {
            if sent == Sent::AsksForEncryption {
                self.state.asked_for_encryption.store(true, Ordering::SeqCst);
            }
            let fate = if sent == Sent::Commit { self.shared.fate() } else { None };
            if let Some(fate) = fate {
                self.write(&ahead[..whole])?;
                self.commit(fate, &ahead[whole..whole + length])?;
                ahead.drain(..whole + length);
                whole = 0;
                continue;
            }
            whole += length;
        }
        self.write(&ahead[..whole])?;
        ahead.drain(..whole);
        Ok(())
    }

    /// Does with a commit what is its fate.
    fn commit(&mut self, fate: Fate, message: &[u8]) -> Result<(), Over> {
        match fate {
            Fate::Lost => {
                self.shared.cut(self.number);
                Err(Over)
            }
            Fate::Late(delay) => {
                self.state.is_deaf.store(true, Ordering::SeqCst);
                self.shared.cut_client(self.number);
                if self.shared.delay(delay) {
                    self.write(message)?;
                }
                Err(Over)
            }
            Fate::Delayed(delay) => match self.shared.delay(delay) {
                true => self.write(message),
                false => Err(Over),
            },
            Fate::Unheard => {
                self.state.ends_with_commit.store(true, Ordering::SeqCst);
                self.write(message)
            }
        }
    }

    /// Passes on what the server answers.
    fn answers(mut self) {
        let mut ahead = vec![];
        while self.fill(&mut ahead).is_ok() {
            if self.answered(&mut ahead).is_err() {
                break;
            }
        }
        if !self.state.is_deaf.load(Ordering::SeqCst) {
            drop(self.shared.pass());
            // The client's thread waits for what the client says, and there is nobody to tell it.
            let _ = self.to.shutdown(Shutdown::Both);
        }
    }

    /// Passes everything on up to the answer to a commit that is not to be heard.
    fn answered(&mut self, ahead: &mut Vec<u8>) -> Result<(), Over> {
        let State { asked_for_encryption, is_encrypted, is_deaf, ends_with_commit } = self.state;
        if is_deaf.load(Ordering::SeqCst) {
            ahead.clear();
            return Ok(());
        }
        let mut whole = 0;
        if asked_for_encryption.swap(false, Ordering::SeqCst) {
            whole = 1;
            is_encrypted.store(ahead.starts_with(b"S"), Ordering::SeqCst);
        }
        if is_encrypted.load(Ordering::SeqCst) {
            return self.write(&std::mem::take(ahead));
        }
        while let Some((length, what)) = self.whole(answered(&ahead[whole..]))? {
            if what == Answered::Committed && ends_with_commit.load(Ordering::SeqCst) {
                self.shared.cut(self.number);
                return Err(Over);
            }
            whole += length;
        }
        self.write(&ahead[..whole])?;
        ahead.drain(..whole);
        Ok(())
    }

    /// A connection that carries something else is cut.
    fn whole<T>(&self, looked: Result<Option<T>, Garbled>) -> Result<Option<T>, Over> {
        looked.map_err(|Garbled| {
            self.shared.cut(self.number);
            Over
        })
    }

    fn fill(&mut self, ahead: &mut Vec<u8>) -> Result<(), Over> {
        let mut buffer = [0; 16 * 1024];
        match self.from.read(&mut buffer) {
            Ok(0) | Err(_) => Err(Over),
            Ok(count) => {
                ahead.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// Passes bytes on as soon as they may pass, and as many of them as may.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        if bytes.is_empty() {
            return Ok(());
        }
        let allowed = self.shared.pass().spend(bytes.len());
        self.to.write_all(&bytes[..allowed]).map_err(|_| Over)?;
        if allowed < bytes.len() {
            self.shared.cut(self.number);
            return Err(Over);
        }
        Ok(())
    }
}
