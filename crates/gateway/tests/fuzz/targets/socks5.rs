//! SOCKS5 messages and datagrams: nothing is read beyond what has come, and no more than was used
//! is consumed.

use gateway::socks5::request::{Request, parse};
use gateway::socks5::{datagram, handshake};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(Some((request, used))) = parse(bytes) {
        assert!(used <= bytes.len());
        if let Request::Connect(target) = &request {
            assert!(target.port() > 0);
        }
        for cut in 0..used {
            assert!(matches!(parse(&bytes[..cut]), Ok(None)));
        }
        assert_eq!(parse(&bytes[..used]), Ok(Some((request, used))));
    }
    if let Ok(Some((offered, used))) = handshake::offered(bytes) {
        assert_eq!(offered.len() + 2, used);
        (0..used).for_each(|cut| assert_eq!(handshake::offered(&bytes[..cut]), Ok(None)));
        assert_eq!(handshake::offered(&bytes[..used]), Ok(Some((offered, used))));
    }
    if let Ok(Some((known, used))) = handshake::credentials(bytes) {
        assert_eq!(known.login.len() + known.password.len() + 3, used);
        (0..used).for_each(|cut| assert_eq!(handshake::credentials(&bytes[..cut]), Ok(None)));
        assert_eq!(handshake::credentials(&bytes[..used]), Ok(Some((known, used))));
    }
    if let Ok((target, payload)) = datagram::parse(bytes) {
        assert!(target.port() > 0 && bytes.ends_with(payload) && bytes[2] == 0);
    }
}
