//! The spends of a server's last moments, whose answers may not have reached their customers.

use domain::ids::EntryId;
use domain::time::{Span, Time};

/// The last spends, collected from entries that are shown newest first.
///
/// When the server ended is not known: its last entry is the latest sign of it.
#[derive(Debug)]
pub(crate) struct LastSpends {
    window: Span,
    since: Option<Time>,
    newest_first: Vec<EntryId>,
}

impl LastSpends {
    /// Those within `window` before the end.
    pub(crate) fn within(window: Span) -> LastSpends {
        LastSpends { window, since: None, newest_first: Vec::new() }
    }

    /// Looks at the next older entry, which may have been asked for without a key. Says whether it
    /// is within the window; otherwise so is no older one.
    pub(crate) fn see(&mut self, entry: EntryId, at: Time, keyless: bool) -> bool {
        let within = *self.since.get_or_insert(at - self.window) <= at;
        if within && keyless {
            self.newest_first.push(entry);
        }
        within
    }

    /// Those without a key, oldest first, so that of equal ones the latest is remembered.
    pub(crate) fn oldest_first(mut self) -> Vec<EntryId> {
        self.newest_first.reverse();
        self.newest_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_ends_with_the_last_entry() {
        let mut spends = LastSpends::within(Span::from_millis(100));
        let mut see = |id, at, keyless| spends.see(EntryId(id), Time::from_millis(at), keyless);
        assert!(see(9, 1_000, false) && see(8, 1_000, true) && see(7, 950, true));
        assert!(see(6, 900, true));
        assert!(!see(5, 899, true));
        assert_eq!(spends.oldest_first(), [6, 7, 8].map(EntryId));
    }
}
