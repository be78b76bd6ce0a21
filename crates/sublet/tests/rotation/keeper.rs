//! Somebody who looks after modems, and is asked over HTTP for another address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// He takes his time, gives these addresses one after another, and keeps what he was asked. After the
/// last one he is not there any more.
pub(crate) struct Keeper {
    address: SocketAddr,
    answers: Arc<Answers>,
}

#[derive(Default)]
struct Answers {
    take_ms: AtomicU32,
    asked: Mutex<Vec<String>>,
}

impl Keeper {
    pub(crate) fn open(ips: &'static [&'static str], take_ms: u32) -> Keeper {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::<Answers>::default();
        answers.take_ms.store(take_ms, Ordering::Relaxed);
        let shared = Arc::clone(&answers);
        thread::spawn(move || {
            for ip in ips {
                let (stream, _) = listener.accept().unwrap();
                let answers = Arc::clone(&shared);
                // Who has asked may have been killed.
                thread::spawn(move || answers.give(stream, ip));
            }
        });
        Keeper { address, answers }
    }

    /// He takes so long from now on.
    pub(crate) fn takes(&self, take_ms: u32) {
        self.answers.take_ms.store(take_ms, Ordering::Relaxed);
    }

    /// A modem that he looks after.
    pub(crate) fn modem(&self, rest: &str) -> String {
        format!(
            "interval_seconds = 1\n{rest}\n[modems.driver.http]\n\
             url = \"http://{}/rotate/{{modem}}\"\nmethod = \"POST\"\n\
             headers = {{ Authorization = \"Bearer {{secret}}\" }}\nsecret = \"farm\"",
            self.address
        )
    }

    /// What he was asked, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.answers.asked.lock().unwrap().clone()
    }
}

impl Answers {
    fn give(&self, mut stream: TcpStream, ip: &str) {
        let mut request = [0; 4096];
        let Ok(count) = stream.read(&mut request) else { return };
        let asked = String::from_utf8_lossy(&request[..count]).to_lowercase();
        self.asked.lock().unwrap().push(asked);
        thread::sleep(Duration::from_millis(self.take_ms.load(Ordering::Relaxed).into()));
        let body = format!("{{\"ip\":\"{ip}\"}}");
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes());
    }
}
