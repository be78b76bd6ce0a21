//! Bodies of requests, within bounds.

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serve::BodyError;

/// The largest body: a list of ten thousand ids is well within.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// It is larger than [`BYTES_MAX`].
    TooLarge,
    /// It took too long.
    TooSlow,
    /// It is of a kind that is not read, or did not come to its end.
    Unreadable,
}

/// Reads a body to its end.
pub(crate) async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, NoBody> {
    if !is_plain(headers) {
        return Err(NoBody::Unreadable);
    }
    if body.size_hint().lower() > BYTES_MAX as u64 {
        return Err(NoBody::TooLarge);
    }
    let mut whole = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match BodyError::is_too_slow(&error) {
            true => NoBody::TooSlow,
            false => NoBody::Unreadable,
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + more.len() + data.len() > BYTES_MAX {
            return Err(NoBody::TooLarge);
        }
        // Nearly every body comes in one piece, which is then not copied.
        if whole.is_empty() && more.is_empty() {
            whole = data;
        } else {
            more.extend_from_slice(&std::mem::take(&mut whole));
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { whole } else { more.freeze() })
}

/// Whether the body may be JSON as it is: what a header calls it does not matter, unless it is in
/// parts or encoded.
fn is_plain(headers: &HeaderMap) -> bool {
    let identity = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
    let encoded = headers.get_all(CONTENT_ENCODING).iter().any(|it| !identity(it.as_bytes()));
    let multipart = |value: &[u8]| {
        let start = value.trim_ascii_start().get(..10);
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
    };
    let in_parts = headers.get_all(CONTENT_TYPE).iter().any(|it| multipart(it.as_bytes()));
    !encoded && !in_parts
}
