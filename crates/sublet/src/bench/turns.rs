//! Measuring two things in turn, so that a machine that slows down slows both.

use std::time::Duration;

use anyhow::Result;

/// How often each has its turn.
const TURNS: u32 = 2;

/// What each of two things does in a second, on average over its turns, which take `time` in all.
/// What comes first only warms up.
pub(super) fn in_turn(
    time: Duration,
    mut one: impl FnMut(Duration) -> Result<f64>,
    mut other: impl FnMut(Duration) -> Result<f64>,
) -> Result<(f64, f64)> {
    let turn = time / TURNS;
    one(turn)?;
    other(turn)?;
    let mut rates = (0.0, 0.0);
    for _ in 0..TURNS {
        rates.0 += one(turn)? / f64::from(TURNS);
        rates.1 += other(turn)? / f64::from(TURNS);
    }
    Ok(rates)
}
