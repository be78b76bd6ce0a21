//! SOCKS5 requests: nothing is read beyond what has come, and no more than was used is consumed.
#![no_main]

use gateway::socks5::request::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((target, used))) = parse(bytes) {
        assert!(used <= bytes.len() && target.port() > 0);
        for cut in 0..used {
            assert!(matches!(parse(&bytes[..cut]), Ok(None)));
        }
        assert_eq!(parse(&bytes[..used]), Ok(Some((target, used))));
    }
});
