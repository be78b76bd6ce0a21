//! Bodies in chunks: what goes on is read the same by the next, however it arrives.

use gateway::http::chunked::{Chunked, Form};

fn read(bytes: &[u8], form: Form, step: usize) -> Option<(Vec<u8>, usize)> {
    let (mut chunked, mut out, mut taken) = (Chunked::new(form), Vec::new(), 0);
    while taken < bytes.len() && !chunked.is_done() {
        let end = bytes.len().min(taken + step);
        taken += chunked.advance(&bytes[taken..end], &mut out, 64).ok()?;
    }
    chunked.is_done().then_some((out, taken))
}

pub(crate) fn run(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let whole = read(bytes, Form::Chunks, bytes.len().max(1));
    assert_eq!(read(bytes, Form::Chunks, usize::from(*step).max(1)), whole);
    if let Some((written, _)) = whole {
        assert_eq!(read(&written, Form::Chunks, 7), Some((written.clone(), written.len())));
        assert_eq!(
            read(&written, Form::Bare, 7).map(|(data, _)| data),
            read(bytes, Form::Bare, 5).map(|(data, _)| data)
        );
    }
}
