//! All processes of a server: the one that was started, and one for each connection.
//!
//! They are found by the folder in which they work, which is the server's own. Neither their parent
//! nor their group tells: each has a group of its own, and outlives its parent for a moment.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Sends all of them a signal, the first one first, and says whether there were any.
pub(crate) fn signal(folder: &Path, signal: Signal) -> bool {
    let all = working_in(folder);
    for process in &all {
        // It fails if the process has ended meanwhile.
        let _ = kill_process(*process, signal);
    }
    !all.is_empty()
}

/// Stops all of them until they are told to go on.
pub(crate) fn freeze(folder: &Path) {
    // The first one starts the others. Once it stands still, the next look finds all there are.
    for _ in 0..2 {
        signal(folder, Signal::STOP);
    }
}

/// Kills all of them at once, so that none can do anything about the end of another, and waits until
/// they are gone.
pub(crate) fn kill(folder: &Path) {
    freeze(folder);
    signal(folder, Signal::KILL);
    assert!(gone(folder, Duration::from_secs(10)), "killed processes do not end");
}

/// Whether all of them end within `patience`.
pub(crate) fn gone(folder: &Path, patience: Duration) -> bool {
    let began = Instant::now();
    while !working_in(folder).is_empty() {
        if patience < began.elapsed() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// The processes that work in a folder, oldest first as far as the numbers tell. One that has ended
/// and was not waited for works nowhere.
fn working_in(folder: &Path) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").expect("the kernel shows its processes");
    let numbers = entries.flatten().filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
    let works_there = |number: &i32| {
        std::fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|found| found == folder)
    };
    let mut found: Vec<i32> = numbers.filter(works_there).collect();
    found.sort_unstable();
    found.into_iter().filter_map(Pid::from_raw).collect()
}
