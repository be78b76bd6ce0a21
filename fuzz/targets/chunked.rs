//! Bodies in chunks: what goes on is read the same by the next, however it arrives.
#![no_main]

use gateway::http::chunked::{Chunked, Form};
use libfuzzer_sys::fuzz_target;

fn run(bytes: &[u8], form: Form, step: usize) -> Option<(Vec<u8>, usize)> {
    let (mut chunked, mut out, mut taken) = (Chunked::new(form), Vec::new(), 0);
    while taken < bytes.len() && !chunked.is_done() {
        let end = bytes.len().min(taken + step);
        taken += chunked.advance(&bytes[taken..end], &mut out, 64).ok()?;
    }
    chunked.is_done().then_some((out, taken))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    let whole = run(bytes, Form::Chunks, bytes.len().max(1));
    assert_eq!(run(bytes, Form::Chunks, usize::from(step).max(1)), whole);
    if let Some((written, _)) = whole {
        assert_eq!(run(&written, Form::Chunks, 7), Some((written.clone(), written.len())));
        assert_eq!(
            run(&written, Form::Bare, 7).map(|(data, _)| data),
            run(bytes, Form::Bare, 5).map(|(data, _)| data)
        );
    }
});
