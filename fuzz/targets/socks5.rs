//! SOCKS5 requests and datagrams: nothing is read beyond what has come, and no more than was used
//! is consumed.
#![no_main]

use gateway::socks5::datagram;
use gateway::socks5::request::{Request, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
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
    if let Ok((target, payload)) = datagram::parse(bytes) {
        assert!(target.port() > 0 && bytes.ends_with(payload) && bytes[2] == 0);
    }
});
