//! Finding a page far down a list of live leases by adding up.
//!
//! Beside the leases themselves, a store keeps how many live ones of a kind a customer has among
//! neighbours by id. Whole chunks before a page are skipped by these counts; what is left to skip
//! are fewer leases than a chunk has.

use domain::ids::LeaseId;

use crate::Result;

/// The part of the leases that is counted together: 4096 neighbours by id.
pub(crate) fn chunk(id: LeaseId) -> i64 {
    id.0 >> 12
}

/// The first id of a chunk.
pub(crate) fn first_of(chunk: i64) -> LeaseId {
    LeaseId(chunk << 12)
}

/// The chunk in which the `offset`-th shown lease is, and how many to skip in it; `None` if there
/// are not so many.
///
/// `counts` are the chunks with their live leases, in order. `hidden` are those of them that are
/// not shown, because they have ended since.
pub(crate) fn skip(
    counts: impl IntoIterator<Item = Result<(i64, u64)>>,
    offset: u64,
    hidden: &[LeaseId],
) -> Result<Option<(i64, u64)>> {
    let mut left = offset;
    for counted in counts {
        let (number, live) = counted?;
        let hidden = hidden.iter().filter(|id| chunk(**id) == number).count();
        let shown = live.saturating_sub(u64::try_from(hidden).expect("it fits"));
        if left < shown {
            return Ok(Some((number, left)));
        }
        left -= shown;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_together() {
        assert_eq!((chunk(LeaseId(4_095)), chunk(LeaseId(4_096))), (0, 1));
        assert_eq!((first_of(0), first_of(3)), (LeaseId(0), LeaseId(12_288)));
    }

    #[test]
    fn whole_chunks_are_skipped_by_what_is_shown_of_them() {
        let counts = [(0, 3), (4, 2), (5, 1)];
        let hidden = [LeaseId(7), first_of(5)];
        let at = |offset| skip(counts.map(Ok), offset, &hidden).unwrap();
        // Two of chunk 0 are shown, two of chunk 4, and none of chunk 5.
        let expected = [Some((0, 0)), Some((0, 1)), Some((4, 0)), Some((4, 1)), None, None];
        assert_eq!([at(0), at(1), at(2), at(3), at(4), at(u64::MAX)], expected);
    }

    #[test]
    fn a_count_that_cannot_be_read_is_no_end() {
        let counts = [Ok((0, 3)), Err(crate::encoding::corrupt("lease_count.live", -1))];
        assert!(skip(counts, 3, &[]).is_err());
    }
}
