//! Heads of requests: what goes on has one meaning.

use std::mem::MaybeUninit;

use gateway::http::Request;
use gateway::http::head::{FIELDS_MAX, Scanner, read_request};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(Some(end)) = Scanner::default().end(bytes) else { return };
    // The same end, however it arrives.
    let mut scanner = Scanner::default();
    let early = (1..end).find_map(|cut| scanner.end(&bytes[..cut]).expect("it was read whole"));
    assert!(early.is_none());
    assert_eq!(scanner.end(bytes), Ok(Some(end)));

    let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let Ok(head) = read_request(&bytes[..end], &mut slots) else { return };
    let Ok(request) = Request::judge(head) else { return };
    let Ok(destination) = request.destination() else { return };
    let mut out = Vec::new();
    request.write(&destination, &mut out);
    let lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
    let [lines @ .., empty, nothing] = lines.as_slice() else { panic!("no lines") };
    assert!(*empty == b"\r" && nothing.is_empty());
    let count = |name: &str| {
        let name = format!("{name}:");
        let named = |line: &&&[u8]| {
            line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        lines.iter().filter(named).count()
    };
    for line in lines {
        let line = line.strip_suffix(b"\r").expect("a line ends in both characters");
        assert!(!line.is_empty() && !line.contains(&b'\r') && !line.contains(&0));
    }
    assert_eq!(count("host"), 1);
    assert!(count("content-length") + count("transfer-encoding") <= 1);
    for private in ["proxy-authorization", "via", "forwarded", "x-forwarded-for", "x-real-ip", "te"]
    {
        assert_eq!(count(private), 0, "{private}");
    }
}
