//! Requests that arrive together.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::net::SocketAddr;
use std::time::Duration;

use crate::http::{Answer, Connection, Request};

/// Sends all requests at once and waits for all answers, which come in the order of the requests.
///
/// Each request is sent but for its last byte first, so that nothing but that byte is between the
/// server and all of them; then the last bytes go out together.
#[track_caller]
pub fn race(to: SocketAddr, requests: &[Request]) -> Vec<Answer> {
    let mut held = Held::start(to, requests);
    held.release();
    held.answers()
}

/// Requests of which the last byte is held back.
pub struct Held {
    connections: Vec<(Connection, u8)>,
}

impl Held {
    /// Sends all but the last bytes.
    pub fn start(to: SocketAddr, requests: &[Request]) -> Held {
        let connections = requests.iter().map(|request| {
            let bytes = request.bytes();
            let (last, rest) = bytes.split_last().unwrap();
            let mut connection = Connection::open(to);
            connection.send(rest).unwrap();
            (connection, *last)
        });
        let connections = connections.collect();
        // Long enough for the server to have read everything that it was sent.
        std::thread::sleep(Duration::from_millis(20));
        Held { connections }
    }

    /// Sends the last bytes.
    pub fn release(&mut self) {
        for (connection, last) in &mut self.connections {
            connection.send(&[*last]).unwrap();
        }
    }

    /// Waits for all answers.
    pub fn answers(mut self) -> Vec<Answer> {
        self.connections.iter_mut().map(|(connection, _)| connection.answer().unwrap()).collect()
    }

    /// The connections, to be used or left as the test likes.
    pub fn into_connections(self) -> Vec<Connection> {
        self.connections.into_iter().map(|(connection, _)| connection).collect()
    }
}
