//! What this process takes of its machine.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// What this process takes of its machine. What cannot be known is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// Milliseconds of processors.
    pub(super) processor_ms: u64,
    /// Bytes of memory.
    pub(super) memory_bytes: u64,
    /// Files and sockets that are open.
    pub(super) files: u64,
    /// How many there may be.
    pub(super) files_max: u64,
}

impl Load {
    /// What it takes now.
    pub(super) fn now() -> Load {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let processor_ms = used.tv_sec * 1_000 + used.tv_nsec / 1_000_000;
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Load {
            processor_ms: u64::try_from(processor_ms).unwrap_or_default(),
            memory_bytes: memory().unwrap_or_default(),
            files: u64::try_from(files).unwrap_or_default(),
            files_max: getrlimit(Resource::Nofile).current.unwrap_or_default(),
        }
    }
}

fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}
