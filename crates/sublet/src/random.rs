//! Randomness from the system, for secrets.

use crate::problem::Problem;

/// Thirty-two random bytes.
pub(crate) fn bytes() -> Result<[u8; 32], Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::failed(format!("the system gives no randomness: {error}")))?;
    Ok(bytes)
}
