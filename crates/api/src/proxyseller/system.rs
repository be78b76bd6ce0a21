//! `GET system/ping`

use wire::proxyseller::system::Pong;

use super::Asked;
use super::stop::{Done, Stop};

/// The time of the shop.
#[expect(clippy::unnecessary_wraps, reason = "as every call")]
pub(super) fn ping(asked: &Asked<'_>) -> Result<Done, Stop> {
    Ok(Done::new(&Pong { pong: asked.app.engine.now().millis() / 1000 }))
}
