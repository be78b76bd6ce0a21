//! Power cuts.
//!
//! A program runs once, its client notes what it was promised, and a recorder what the program did
//! to its files. Then the power is cut as often as a test likes: at many points of the recording the
//! disk is rebuilt as it could then be, and a judge looks whether all is there that had been
//! promised until then.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::disk::{Cut, Disk};
use crate::random::Random;
use crate::shim;
use crate::trace::{self, Action, Record};

/// How long a program may take to become calm when its client has finished.
const CALM_MAX: Duration = Duration::from_secs(10);

/// What a client was promised, in the order in which it was told. May be shared by threads.
#[derive(Debug)]
pub struct Journal<T> {
    trace: PathBuf,
    promises: Mutex<Vec<Promise<T>>>,
}

#[derive(Debug)]
struct Promise<T> {
    /// The length of the trace when it was heard. All that had to be durable lies before it.
    position: usize,
    what: T,
}

impl<T> Journal<T> {
    /// Notes a promise at once when it was heard: what the program does meanwhile is taken for a
    /// part of what it did to keep it.
    pub fn promised(&self, what: T) {
        let mut promises = self.promises.lock().expect("no client panics while it notes");
        promises.push(Promise { position: length(&self.trace), what });
    }
}

/// One run of a program.
#[derive(Debug)]
pub struct Recording<T> {
    before: Disk,
    records: Vec<Record>,
    /// Until where the trace went when each promise was heard; never falls.
    heard: Vec<usize>,
    promises: Vec<T>,
}

/// Runs `program`, whose files are in `directory`, until `client` returns, and kills it.
///
/// What is in `directory` before is taken for durable.
///
/// # Panics
///
/// If the program cannot be started, did nothing to its files, or did something to them that was not
/// recorded.
pub fn record<T>(
    program: &mut Command,
    directory: &Path,
    client: impl FnOnce(&mut Child, &Journal<T>),
) -> Recording<T> {
    let folder = tempfile::tempdir().expect("a test can make files");
    let trace = folder.path().join("trace");
    std::fs::write(&trace, []).expect("a test can make files");
    let before = Disk::read(directory).expect("the directory can be read");
    shim::record(program, directory, &trace);
    let journal = Journal { trace, promises: Mutex::default() };

    let mut running = Killed(program.spawn().expect("the program starts"));
    client(&mut running.0, &journal);
    check_recorder(&before, &journal.trace, directory);
    drop(running);

    let records = read(&journal.trace);
    let promises = journal.promises.into_inner().expect("no client has panicked");
    let heard = promises.iter().map(|promise| promise.position).collect();
    let promises = promises.into_iter().map(|promise| promise.what).collect();
    Recording { before, records, heard, promises }
}

/// One possible disk, and why it is not as promised.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which image.
    pub image: usize,
    /// Records before the cut.
    pub records: usize,
    /// Promises before the cut.
    pub promises: usize,
    /// What the cut left.
    pub cut: Cut,
    /// What the judge said.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { image, records, promises, cut, reason } = self;
        write!(
            f,
            "image {image}, cut {cut:?} after {records} records and {promises} promises: {reason}"
        )
    }
}

impl<T> Recording<T> {
    /// How often the program did something to its files.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Whether the program wrote to a file.
    pub fn wrote_to(&self, name: &str) -> bool {
        self.records
            .iter()
            .any(|record| matches!(&record.action, Action::Write { name: it, .. } if it == name))
    }

    /// The same run on a disk that says that it has synced, and has not.
    #[must_use]
    pub fn with_syncs_ignored(mut self) -> Recording<T> {
        self.records.retain(|record| {
            !matches!(record.action, Action::Sync { .. } | Action::SyncDirectory { .. })
        });
        self
    }

    /// What was promised.
    pub fn promises(&self) -> &[T] {
        &self.promises
    }

    /// Cuts the power `images` times and has each image judged, given its directory and what had
    /// been promised. Half of the cuts follow a promise at once, the others any record. Returns what
    /// was not kept.
    pub fn cut(
        &self,
        images: usize,
        seed: u64,
        mut judge: impl FnMut(&Path, &[T]) -> Result<(), String>,
    ) -> Vec<Failure> {
        let mut random = Random::new(seed);
        let mut positions: Vec<usize> =
            (0..images).map(|_| self.some_position(&mut random)).collect();
        positions.sort_unstable();

        let mut disk = self.before.clone();
        let mut applied = 0;
        let mut failures = Vec::new();
        for (image, position) in positions.into_iter().enumerate() {
            while let Some(record) = self.records.get(applied).filter(|next| next.end <= position) {
                disk.apply(record);
                applied += 1;
            }
            let cut = Cut::ALL[random.below(Cut::ALL.len())];
            let promises = self.heard.partition_point(|&heard| heard <= position);
            let folder = tempfile::tempdir().expect("a test can make files");
            disk.image(cut, &mut random, folder.path()).expect("a test can make files");
            if let Err(reason) = judge(folder.path(), &self.promises[..promises]) {
                failures.push(Failure { image, records: applied, promises, cut, reason });
            }
        }
        failures
    }

    /// A place in the trace to cut at.
    fn some_position(&self, random: &mut Random) -> usize {
        if self.heard.is_empty() || random.coin() {
            self.records[random.below(self.records.len())].end
        } else {
            self.heard[random.below(self.heard.len())]
        }
    }
}

/// Compares what was recorded with what is in the directory: a call that the recorder does not know
/// would make every verdict worthless.
fn check_recorder(before: &Disk, trace: &Path, directory: &Path) {
    let since = Instant::now();
    loop {
        let mut disk = before.clone();
        read(trace).iter().for_each(|record| disk.apply(record));
        let Some(difference) = disk.difference(directory) else { return };
        // The program may be in the middle of something.
        assert!(since.elapsed() < CALM_MAX, "the recorder has missed something: {difference}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn read(trace: &Path) -> Vec<Record> {
    let records = trace::parse(&std::fs::read(trace).expect("the trace can be read"));
    assert!(!records.is_empty(), "the program did nothing to its files");
    records
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It fails if the process has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn length(trace: &Path) -> usize {
    let metadata = std::fs::metadata(trace).expect("the trace is there");
    usize::try_from(metadata.len()).expect("a trace fits into memory")
}
