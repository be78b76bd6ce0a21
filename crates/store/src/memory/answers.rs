//! Answers that are remembered, and which may not have reached their customers.

use domain::idempotency::{Answer, Remembered};
use domain::ids::EntryId;
use domain::time::{Span, Time};

use super::books::Books;
use super::size;

impl Books {
    /// Remembers the answers to these entries by their requests, as far as they have any.
    pub(super) fn remember(&mut self, entries: &[EntryId], until: Time) -> u32 {
        let mut count = 0;
        for id in entries {
            let Some(entry) = self.entries.get(id) else { continue };
            let Some(fingerprint) = entry.fingerprint else { continue };
            let event = Box::new(entry.event.clone());
            let answer = Answer::Done { entry: entry.id, at: entry.at, event };
            let (customer, key) = (entry.customer, fingerprint);
            // An API key's own window may be longer.
            let kept = self.remembered.get(&(customer, key)).map_or(until, |it| it.until);
            let until = until.max(kept);
            let remembered = Remembered { customer, key, fingerprint, answer, until };
            self.remembered.insert((customer, key), remembered);
            count += 1;
        }
        count
    }

    pub(super) fn forget(&mut self, now: Time, limit: u32) -> u32 {
        let over = self.remembered.iter().filter(|(_, it)| it.until <= now).map(|(key, _)| *key);
        let over: Vec<_> = over.take(size(limit)).collect();
        over.iter().for_each(|key| drop(self.remembered.remove(key)));
        u32::try_from(over.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn note_quiet(&mut self) {
        self.quiet = self.next.entry;
    }

    pub(super) fn note_start(&mut self, now: Time, window: Span, kept: Span) -> u32 {
        let unheard = self.entries.range(EntryId(self.quiet)..).map(|(_, entry)| entry);
        let unheard: Vec<(EntryId, Time)> = unheard.map(|entry| (entry.id, entry.at)).collect();
        // When the last server ended is not known: at the earliest with its last entry.
        let end = unheard.iter().map(|(_, at)| *at).max().unwrap_or(now);
        let late: Vec<EntryId> =
            unheard.iter().filter(|(_, at)| end - window <= *at).map(|(id, _)| *id).collect();
        self.note_quiet();
        self.remember(&late, now + kept)
    }
}
