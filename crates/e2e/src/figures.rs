//! How much a proof does: less in every run of the tests, and what is promised when that is asked
//! for with `SUBLET_PROMISES=quick`. See `docs/proofs.md`.

/// Whether promises are held to their figures.
fn is_quick() -> bool {
    std::env::var("SUBLET_PROMISES").is_ok_and(|level| level == "quick")
}

/// One figure for every run of the tests, and another where promises are held to theirs.
pub fn figure<T>(small: T, quick: T) -> T {
    if is_quick() { quick } else { small }
}
