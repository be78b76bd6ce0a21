//! A DNS server that knows a few names.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A DNS server that knows a few names and says of all others that they do not exist.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    questions: Arc<AtomicUsize>,
}

const A: u16 = 1;
const AAAA: u16 = 28;
const IN: u16 = 1;
/// An answer, from a server that asks others; and one that there is no such name.
const FOUND: u16 = 0x8180;
const NO_SUCH_NAME: u16 = 0x8183;
const TTL_SECONDS: u32 = 60;

impl Dns {
    /// A server that knows these, on a port of its own until the test has ended.
    pub(crate) fn new(names: &[(&'static str, &str)]) -> Dns {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let names: Vec<(&str, IpAddr)> =
            names.iter().map(|(name, ip)| (*name, ip.parse().unwrap())).collect();
        let questions = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&questions);
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((count, from)) = socket.recv_from(&mut buffer) {
                asked.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&buffer[..count], &names) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        Dns { address, questions }
    }

    /// How often it was asked.
    pub(crate) fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

fn answer(question: &[u8], names: &[(&str, IpAddr)]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = question.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(question.get(at..at + 2)?.try_into().unwrap());
    let asked = question.get(12..at + 4)?;
    let name = labels.join(".");
    let is_known = names.iter().any(|(own, _)| *own == name);
    let found: Vec<_> = names
        .iter()
        .filter(|(own, ip)| *own == name && kind == if ip.is_ipv4() { A } else { AAAA })
        .collect();
    let mut bytes = question[..2].to_vec();
    let count = u16::try_from(found.len()).unwrap();
    for word in [if is_known { FOUND } else { NO_SUCH_NAME }, 1, count, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(asked);
    for (_, ip) in found {
        // The name is the one at the place where the question has it.
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend(IN.to_be_bytes());
        bytes.extend(TTL_SECONDS.to_be_bytes());
        let octets = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        bytes.extend(u16::try_from(octets.len()).unwrap().to_be_bytes());
        bytes.extend(octets);
    }
    Some(bytes)
}
