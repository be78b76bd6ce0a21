//! The file of what leases have used. Whatever is in it, a spool is opened, what is pending comes
//! under numbers without a gap, and nothing that was taken comes again under another number.

use std::fs;
use std::path::Path;

use gateway::spool::{Heard, Spool};

pub(crate) fn run(bytes: &[u8]) {
    // In memory, if there is such a folder: all of it is synced.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut file = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // Hardly a line that was touched has the right checksum: it is given one.
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(value) if line.ends_with(b"\n") => file.extend(feed::checked::write(&value)),
            _ => file.extend_from_slice(line),
        }
    }
    fs::write(folder.path().join("usage.log"), &file).unwrap();
    let meter = Spool::open_at(folder.path()).unwrap().meter().to_owned();
    let first = drained(folder.path(), &meter);
    let again = drained(folder.path(), &meter);
    // The last that were taken may be sent again, by numbers that are known as taken.
    assert!(first.ends_with(&again), "{first:?} and then {again:?}");
}

/// The numbers of all reports that are pending, each of which is taken.
fn drained(folder: &Path, meter: &str) -> Vec<u64> {
    let mut spool = Spool::open_at(folder).unwrap();
    let mut numbers = Vec::new();
    while let Some(report) = spool.pending().unwrap() {
        assert_eq!(report.meter, meter);
        let number = report.number;
        assert!(numbers.last().is_none_or(|last| last + 1 == number), "{numbers:?}, {number}");
        numbers.push(number);
        assert_eq!(spool.answered(number, number), Heard::Taken);
    }
    assert!(spool.is_empty());
    numbers
}
