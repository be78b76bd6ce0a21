//! The journal.

use domain::ids::EntryId;
use domain::journal::Entry;

use super::books::Books;
use super::size;
use crate::records::EntryFilter;

impl Books {
    pub(super) fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Vec<Entry> {
        let behind = self.entries.values().filter(|it| after.is_none_or(|after| after < it.id));
        let his = behind.filter(|it| filter.customer.is_none_or(|id| id == it.customer));
        let all = filter.customer.is_none() || !filter.moved_money;
        let his = his.filter(|it| all || !it.postings.is_empty());
        his.take(size(limit)).cloned().collect()
    }

    /// Entries are numbered in the order of their commits.
    pub(super) fn feed(&self, after: i64, limit: u32) -> Vec<(i64, Entry)> {
        let entries = self.entries(&EntryFilter::default(), Some(EntryId(after)), limit);
        entries.into_iter().map(|entry| (entry.id.0, entry)).collect()
    }

    pub(super) fn feed_end(&self) -> i64 {
        self.entries.keys().next_back().map_or(0, |id| id.0)
    }
}
