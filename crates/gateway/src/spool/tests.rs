//! A spool beside a control plane that takes each number once, and crashes of both.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400_000;

fn used(bytes: u64) -> Used {
    Used { bytes_up: bytes, bytes_down: 2 * bytes, flows: 1 }
}

fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn total(lines: &[Line]) -> u64 {
    lines.iter().map(|line| line.bytes_up).sum()
}

/// The lines of what is pending next, as lease, day and bytes.
fn shown(report: &Report) -> Vec<(u64, i64, u64)> {
    report.lines.iter().map(|line| (line.lease, line.at / DAY, line.bytes_up)).collect()
}

fn file(spool: &Spool) -> PathBuf {
    spool.folder.join("usage.log")
}

#[test]
fn a_report_stays_as_it_is_until_it_is_taken_and_what_comes_meanwhile_is_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    assert_eq!(spool.pending().unwrap(), None);
    spool.add(at(1_000), &[(7, used(5)), (8, used(6))]).unwrap();
    let first = spool.pending().unwrap().unwrap().clone();
    assert_eq!((first.number, shown(&first)), (1, vec![(7, 0, 5), (8, 0, 6)]));
    assert_eq!(first.lines[0].at, 1_000);
    for second in 2..10 {
        spool.add(at(second * 1_000), &[(7, used(1))]).unwrap();
    }
    spool.add(at(DAY), &[(7, used(3))]).unwrap();

    let meter = spool.meter().to_owned();
    assert_eq!((meter.len(), &meter), (32, &first.meter));
    drop(spool);
    let mut spool = Spool::open_at(folder.path()).unwrap();
    assert_eq!(spool.pending().unwrap(), Some(&first), "a crash changes nothing");
    assert_eq!(spool.answered(1, 0), Heard::Nothing);
    assert_eq!(spool.answered(2, 2), Heard::Nothing, "nobody has asked that");
    assert_eq!(spool.pending().unwrap(), Some(&first));
    assert_eq!(spool.answered(1, 1), Heard::Taken);
    assert_eq!(spool.answered(1, 1), Heard::Nothing, "a late answer means nothing");
    let second = spool.pending().unwrap().unwrap().clone();
    assert_eq!((second.number, shown(&second)), (2, vec![(7, 0, 8), (7, 1, 3)]));
    assert_eq!(spool.answered(2, 2), Heard::Taken);
    assert!(spool.is_empty() && spool.pending().unwrap().is_none());

    drop(spool);
    let mut spool = Spool::open_at(folder.path()).unwrap();
    assert_eq!(spool.meter(), meter);
    // That the second was taken was not noted yet.
    assert_eq!(spool.pending().unwrap(), Some(&second));
    assert_eq!(spool.answered(2, 2), Heard::Taken);
    spool.add(at(DAY), &[(7, used(1))]).unwrap();
    assert_eq!(spool.pending().unwrap().unwrap().number, 3);
}

#[test]
fn what_is_more_than_a_report_may_hold_follows_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    let many: Vec<_> = (1..=25_000).map(|lease| (lease, used(1))).collect();
    spool.add(at(0), &many).unwrap();
    for (number, lines) in [(1, 10_000), (2, 10_000), (3, 5_000)] {
        drop(spool);
        spool = Spool::open_at(folder.path()).unwrap();
        let report = spool.pending().unwrap().unwrap();
        assert_eq!((report.number, report.lines.len()), (number, lines));
        assert_eq!(spool.answered(number, number), Heard::Taken);
        spool.add(at(0), &[(1, used(1))]).unwrap();
    }
    assert_eq!(shown(spool.pending().unwrap().unwrap()), [(1, 0, 3)]);
}

#[test]
fn a_torn_record_never_was_and_nothing_before_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    let mut steps = vec![(std::fs::read(file(&spool)).unwrap(), spool.state.clone())];
    spool.add(at(0), &[(1, used(1)), (2, used(2))]).unwrap();
    steps.push((std::fs::read(file(&spool)).unwrap(), spool.state.clone()));
    spool.pending().unwrap();
    steps.push((std::fs::read(file(&spool)).unwrap(), spool.state.clone()));
    assert_eq!(spool.answered(1, 1), Heard::Taken);
    spool.add(at(0), &[(1, used(10))]).unwrap();
    steps.push((std::fs::read(file(&spool)).unwrap(), spool.state.clone()));
    drop(spool);
    for pair in steps.windows(2) {
        let ((before, state_before), (after, state_after)) = (&pair[0], &pair[1]);
        assert!(after.starts_with(before) && before.len() < after.len());
        for end in before.len()..=after.len() {
            let mut torn = after[..end].to_vec();
            let expected = if end == after.len() { state_after } else { state_before };
            for zeroes in [0, after.len() - end] {
                torn.resize(end + zeroes, 0);
                std::fs::write(folder.path().join("usage.log"), &torn).unwrap();
                let spool = Spool::open_at(folder.path()).unwrap();
                assert_eq!(&spool.state, expected, "cut after {end} bytes, {zeroes} zeroes");
            }
        }
    }
}

#[test]
fn what_is_damaged_in_the_middle_is_put_aside_and_a_new_meter_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    let head = std::fs::read(file(&spool)).unwrap().len();
    spool.add(at(0), &[(1, used(1))]).unwrap();
    spool.pending().unwrap();
    let meter = spool.meter().to_owned();
    let whole = std::fs::read(file(&spool)).unwrap();
    drop(spool);
    for touched in [0, head - 2, head + 3] {
        // Before a report that may have been sent.
        let mut bytes = whole.clone();
        bytes[touched] ^= 1;
        std::fs::write(folder.path().join("usage.log"), &bytes).unwrap();
        let spool = Spool::open_at(folder.path()).unwrap();
        assert!(spool.is_empty() && spool.meter() != meter);
        assert_eq!(std::fs::read(folder.path().join("usage.log.damaged")).unwrap(), bytes);
    }
}

#[test]
fn books_that_were_restored_are_told_by_a_new_meter_what_they_had_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    for number in 1..=3 {
        spool.add(at(0), &[(1, used(number))]).unwrap();
        spool.pending().unwrap();
        if number < 3 {
            assert_eq!(spool.answered(number, number), Heard::Taken);
        }
    }
    spool.add(at(0), &[(2, used(9))]).unwrap();
    let meter = spool.meter().to_owned();
    assert_eq!(spool.answered(3, 1), Heard::ControlPlaneRestored);
    assert_ne!(spool.meter(), meter);
    let new = spool.pending().unwrap().unwrap().clone();
    assert_eq!((new.number, shown(&new)), (1, vec![(1, 0, 3)]));
    drop(spool);
    let mut spool = Spool::open_at(folder.path()).unwrap();
    assert_eq!(spool.pending().unwrap(), Some(&new));
    assert_eq!(spool.answered(1, 1), Heard::Taken);
    let next = spool.pending().unwrap().unwrap();
    assert_eq!((next.number, shown(next)), (2, vec![(2, 0, 9)]));
}

#[test]
fn an_older_copy_of_the_folder_counts_nothing_twice() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut spool = Spool::open_at(folder.path()).unwrap();
    spool.add(at(0), &[(1, used(1))]).unwrap();
    spool.pending().unwrap();
    std::fs::copy(file(&spool), copy.path().join("usage.log")).unwrap();
    for number in 1..=3 {
        spool.pending().unwrap();
        assert_eq!(spool.answered(number, number), Heard::Taken);
        spool.add(at(0), &[(1, used(1))]).unwrap();
    }
    let mut old = Spool::open_at(copy.path()).unwrap();
    let meter = old.meter().to_owned();
    old.add(at(0), &[(1, used(5))]).unwrap();
    assert_eq!(old.pending().unwrap().unwrap().number, 1);
    assert_eq!(old.answered(1, 3), Heard::SpoolRestored);
    assert!(old.is_empty() && old.meter() != meter);
    old.add(at(0), &[(1, used(5))]).unwrap();
    let report = old.pending().unwrap().unwrap();
    assert_eq!((report.number, shown(report)), (1, vec![(1, 0, 5)]));
}

#[test]
fn what_cannot_be_written_is_kept_and_not_sent_before_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("spool");
    let mut spool = Spool::open_at(&folder).unwrap();
    let meter = spool.meter().to_owned();
    spool.add(at(0), &[(1, used(1))]).unwrap();
    // Nothing can be created where a file should be a folder.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    for _ in 0..3 {
        assert!(spool.add(at(0), &[(1, used(1))]).is_err());
        assert!(spool.pending().is_err());
    }
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(shown(spool.pending().unwrap().unwrap()), [(1, 0, 4)]);
    drop(spool);
    let mut spool = Spool::open_at(&folder).unwrap();
    assert_eq!(shown(spool.pending().unwrap().unwrap()), [(1, 0, 4)]);
    assert_eq!(spool.meter(), meter);
}

#[test]
fn the_file_grows_with_leases_and_days_and_not_with_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open_at(folder.path()).unwrap();
    let many: Vec<_> = (1..=2_000).map(|lease| (lease, used(1))).collect();
    for second in 0..300 {
        spool.add(at(second * 1_000), &many).unwrap();
    }
    let length = std::fs::metadata(file(&spool)).unwrap().len();
    assert!(length <= LENGTH_MOST, "{length}");
    drop(spool);
    let mut spool = Spool::open_at(folder.path()).unwrap();
    let report = spool.pending().unwrap().unwrap();
    assert_eq!((report.lines.len(), total(&report.lines)), (2_000, 600_000));
}

/// What a file is written anew at, and one record more.
const LENGTH_MOST: u64 = (4 << 20) + 200_000;

#[test]
fn a_folder_has_one_user_and_what_another_has_left_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, left) = Spool::open(folder.path()).unwrap();
    assert!(left.is_empty());
    let error = Spool::open_at(&folder.path().join("1")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let (mut second, left) = Spool::open(folder.path()).unwrap();
    assert!(left.is_empty() && second.meter() != first.meter());
    first.add(at(0), &[(1, used(1))]).unwrap();
    second.add(at(0), &[(1, used(2))]).unwrap();
    let names = (first.meter().to_owned(), second.meter().to_owned());
    drop((first, second));
    let (first, left) = Spool::open(folder.path()).unwrap();
    let [second] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!((first.meter(), second.meter()), (names.0.as_str(), names.1.as_str()));
    // Who is there does not have to start anew to find it.
    assert!(Spool::left(folder.path()).unwrap().is_empty(), "it is held");
    drop(left);
    let mut left = Spool::left(folder.path()).unwrap();
    assert_eq!(left.len(), 1);
    let number = left[0].pending().unwrap().unwrap().number;
    assert_eq!(left[0].answered(number, number), Heard::Taken);
}

/// What happens to a spool, and to what it says.
#[derive(Clone, Debug)]
enum Step {
    /// A lease uses so much on a day.
    Add { lease: u64, day: i64, bytes: u64 },
    /// A report is sent; it may get lost, or the answer may.
    Send { arrives: bool, answered: bool },
    /// An old report arrives once more.
    Again(prop::sample::Index),
    /// The process is killed, and what it wrote last is torn if it was not yet acted upon.
    Crash { torn: Option<prop::sample::Index> },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_u64, 0..3_i64, 1..100_u64)
            .prop_map(|(lease, day, bytes)| Step::Add { lease, day, bytes }),
        4 => any::<(bool, bool)>()
            .prop_map(|(arrives, answered)| Step::Send { arrives, answered }),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
        2 => any::<Option<prop::sample::Index>>().prop_map(|torn| Step::Crash { torn }),
    ]
}

/// The books: what was taken, and the number of the last report of the only meter.
#[derive(Default)]
struct Books {
    last: u64,
    by_lease_and_day: BTreeMap<(u64, i64), u64>,
    /// Every report that has ever left.
    seen: BTreeMap<u64, Report>,
}

impl Books {
    fn arrives(&mut self, report: &Report) -> u64 {
        let seen = self.seen.entry(report.number).or_insert_with(|| report.clone());
        assert_eq!(seen, report, "a number means one thing");
        if report.number == self.last + 1 {
            self.last += 1;
            for line in &report.lines {
                let sum = self.by_lease_and_day.entry((line.lease, line.at / DAY)).or_default();
                *sum += line.bytes_up;
            }
        } else {
            assert!(report.number <= self.last, "no gaps");
        }
        self.last
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn everything_is_counted_once_whatever_happens(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open_at(folder.path()).unwrap();
        let mut books = Books::default();
        let mut expected = BTreeMap::<(u64, i64), u64>::new();
        // The file before the last addition, if nothing has been written since.
        let mut before: Option<(Vec<u8>, (u64, i64), u64)> = None;
        for step in steps {
            match step {
                Step::Add { lease, day, bytes } => {
                    let old = std::fs::read(file(&spool)).unwrap();
                    spool.add(at(day * DAY + 5), &[(lease, used(bytes))]).unwrap();
                    *expected.entry((lease, day)).or_default() += bytes;
                    before = Some((old, (lease, day), bytes));
                }
                Step::Send { arrives, answered } => {
                    before = None;
                    let Some(report) = spool.pending().unwrap().cloned() else { continue };
                    if arrives {
                        let last = books.arrives(&report);
                        if answered {
                            prop_assert_eq!(spool.answered(report.number, last), Heard::Taken);
                        }
                    }
                }
                Step::Again(index) => {
                    let seen: Vec<Report> = books.seen.values().cloned().collect();
                    if !seen.is_empty() {
                        let report = index.get(&seen);
                        if report.number <= books.last {
                            books.arrives(report);
                        }
                    }
                }
                Step::Crash { torn } => {
                    let path = file(&spool);
                    drop(spool);
                    if let (Some(torn), Some((old, key, bytes))) = (torn, before.take()) {
                        let all = std::fs::read(&path).unwrap();
                        let end = old.len() + torn.index(all.len() - old.len());
                        std::fs::write(&path, &all[..end]).unwrap();
                        // Never written is never counted.
                        *expected.get_mut(&key).unwrap() -= bytes;
                    }
                    spool = Spool::open_at(folder.path()).unwrap();
                }
            }
        }
        while let Some(report) = spool.pending().unwrap().cloned() {
            let last = books.arrives(&report);
            prop_assert_eq!(spool.answered(report.number, last), Heard::Taken);
        }
        expected.retain(|_, bytes| *bytes > 0);
        prop_assert_eq!(books.by_lease_and_day, expected);
    }
}
