//! Keeps the table that is in force, on a thread of its own: nobody who serves waits for a disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::table::{FORM, HEAD, PIECE, place};
use super::{End, Folder, Loaded, MARK, Mark, NEW_TABLE, TABLE};
use crate::outpost::identity::Identity;
use crate::outpost::sealed::Seal;
use crate::outpost::time::ShopTime;

/// What has changed is durable after so long.
const MARKED_EVERY: Duration = Duration::from_secs(2);

/// The time of the shop is kept so often, though nothing has changed.
const CLOCK_EVERY: Duration = Duration::from_secs(60);

/// How many changes may wait for the disk.
const WAITING: usize = 256;

/// Changes may take so many bytes more than everything before it is told anew.
const SLACK: u64 = 8 << 20;

/// Keeps the table, for as long as the folder belongs to this process. When dropped, it has kept
/// what it was given.
pub(in crate::outpost) struct Saver {
    seal: Seal,
    clock: Arc<ShopTime>,
    wants_whole: Arc<AtomicBool>,
    running: Mutex<Option<Running>>,
}

/// The thread that does it.
struct Running {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
    /// Whether something is missing behind what it was given. What comes behind that could not be read
    /// again, unless it is everything.
    has_gap: bool,
}

/// What was told, and is in force.
struct Job {
    told: Vec<u8>,
    is_whole: bool,
}

impl Saver {
    /// Goes on behind what was loaded.
    pub(in crate::outpost) fn start(
        folder: Folder,
        identity: &Identity,
        loaded: Option<&Loaded>,
        clock: Arc<ShopTime>,
    ) -> anyhow::Result<Saver> {
        let (wants_whole, seal) = (Arc::default(), Seal::of(identity.secret()));
        let saver = Saver { seal, clock, wants_whole, running: Mutex::default() };
        saver.run(folder, loaded.map(|loaded| loaded.end))?;
        Ok(saver)
    }

    /// Goes on in the folder after [`Saver::let_go`]. Another process may have kept something there
    /// meanwhile, so that everything has to be told anew.
    pub(in crate::outpost) fn go_on(&self, folder: Folder) -> io::Result<()> {
        self.wants_whole.store(true, Ordering::Relaxed);
        self.run(folder, None)
    }

    fn run(&self, folder: Folder, end: Option<End>) -> io::Result<()> {
        let mut work = Work {
            folder,
            seal: self.seal.clone(),
            clock: Arc::clone(&self.clock),
            open: None,
            marked: Instant::now(),
            is_dirty: false,
            wants_whole: Arc::clone(&self.wants_whole),
        };
        if let Some(end) = end {
            work.go_on(end);
        }
        let (jobs, inbox) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("saver".into());
        let thread = thread.spawn(move || work.keep(&inbox))?;
        *self.running() = Some(Running { jobs, thread, has_gap: false });
        Ok(())
    }

    /// Keeps what it was given, and nothing more: the folder is free when this returns. Says whether
    /// all that is in force is kept there.
    pub(in crate::outpost) fn let_go(&self) -> bool {
        let running = self.running().take();
        let Some(Running { jobs, thread, has_gap }) = running else { return false };
        drop(jobs);
        thread.join().is_ok() && !has_gap && !self.wants_whole.load(Ordering::Relaxed)
    }

    /// Keeps what was told, and is in force now. A disk that cannot follow costs what is kept, not
    /// what is served.
    pub(in crate::outpost) fn save(&self, told: Vec<u8>, is_whole: bool) {
        if let Some(Running { jobs, has_gap, .. }) = &mut *self.running()
            && (is_whole || !*has_gap)
        {
            *has_gap = jobs.try_send(Job { told, is_whole }).is_err();
        }
    }

    /// Whether everything has to be told anew before it can be kept again.
    pub(in crate::outpost) fn wants_whole(&self) -> bool {
        let wants_whole = || self.wants_whole.load(Ordering::Relaxed);
        self.running().as_ref().is_some_and(|running| running.has_gap || wants_whole())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.let_go();
    }
}

struct Work {
    folder: Folder,
    seal: Seal,
    clock: Arc<ShopTime>,
    open: Option<(File, End)>,
    marked: Instant,
    /// Whether there is something that was not marked.
    is_dirty: bool,
    wants_whole: Arc<AtomicBool>,
}

impl Work {
    fn keep(mut self, inbox: &Receiver<Job>) {
        loop {
            let every = if self.is_dirty { MARKED_EVERY } else { CLOCK_EVERY };
            let job = inbox.recv_timeout(every.saturating_sub(self.marked.elapsed()));
            let kept = match job {
                Ok(job) => self.take(&job),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    // The time too, by which whoever comes next goes.
                    let marked = self.mark();
                    return self.tell(marked);
                }
            };
            let kept = kept.and_then(|()| self.mark_now_and_then());
            self.tell(kept);
        }
    }

    /// Tells what has failed; then everything has to be told anew.
    fn tell(&mut self, kept: io::Result<()>) {
        if let Err(error) = kept {
            tracing::error!("The table cannot be saved: {error}; it is served all the same");
            self.open = None;
            self.wants_whole.store(true, Ordering::Relaxed);
        }
    }

    /// Goes on at the end of a file that was read. What lies behind it was not whole.
    fn go_on(&mut self, end: End) {
        let opened = OpenOptions::new().write(true).open(self.folder.path.join(TABLE));
        let opened = opened.and_then(|mut file| {
            file.set_len(end.bytes)?;
            file.seek(SeekFrom::End(0))?;
            self.open = Some((file, end));
            Ok(())
        });
        self.tell(opened);
    }

    fn take(&mut self, job: &Job) -> io::Result<()> {
        if job.is_whole {
            return self.begin(&job.told);
        }
        let Some((mut file, mut end)) = self.open.take() else { return Ok(()) };
        append(&mut file, &mut end, &self.seal, &job.told)?;
        if end.bytes > end.whole.saturating_mul(2) + SLACK {
            self.wants_whole.store(true, Ordering::Relaxed);
        }
        self.open = Some((file, end));
        self.is_dirty = true;
        Ok(())
    }

    /// Begins a new file, beside the one in force until it is durable.
    fn begin(&mut self, told: &[u8]) -> io::Result<()> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        let aside = self.folder.path.join(NEW_TABLE);
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
        file.write_all(FORM)?;
        file.write_all(&id)?;
        let mut end = End { id, pieces: 0, bytes: HEAD, whole: 0 };
        append(&mut file, &mut end, &self.seal, told)?;
        end.whole = end.bytes;
        self.open = Some((file, end));
        self.is_dirty = true;
        self.mark()?;
        fs::rename(&aside, self.folder.path.join(TABLE))?;
        self.folder.sync()?;
        self.wants_whole.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn mark_now_and_then(&mut self) -> io::Result<()> {
        let since = self.marked.elapsed();
        let is_due = since >= MARKED_EVERY && self.is_dirty || since >= CLOCK_EVERY;
        if is_due { self.mark() } else { Ok(()) }
    }

    /// Has everything so far be durable, and says so.
    fn mark(&mut self) -> io::Result<()> {
        self.marked = Instant::now();
        let Some((file, end)) = &self.open else { return Ok(()) };
        if self.is_dirty {
            file.sync_data()?;
        }
        let mark = Mark { table: end.id, pieces: end.pieces, clock: self.clock.kept() };
        let mark = serde_json::to_vec(&mark).map_err(io::Error::other)?;
        self.folder.write(MARK, &self.seal.seal(MARK.as_bytes(), &mark)?)?;
        self.is_dirty = false;
        Ok(())
    }
}

/// Writes what was told behind what there is, in sealed pieces.
fn append(file: &mut File, end: &mut End, seal: &Seal, told: &[u8]) -> io::Result<()> {
    for piece in told.chunks(PIECE) {
        let sealed = seal.seal(&place(&end.id, end.pieces), piece)?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        file.write_all(&[length.to_be_bytes().as_slice(), &sealed].concat())?;
        end.pieces += 1;
        end.bytes += 4 + u64::from(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use feed::lease::{Access, Exit, Lease, Limits};
    use feed::stream::{Begin, Change, Entry, Position, Writer};

    use super::super::table;
    use super::*;

    fn saver(path: &Path) -> Saver {
        let (wants_whole, clock) = (Arc::default(), Arc::new(ShopTime::new(None)));
        let saver = Saver { seal: Seal::of("key"), clock, wants_whole, running: Mutex::default() };
        saver.run(Folder::open(path).unwrap(), None).unwrap();
        saver
    }

    /// What a shop tells, commit by commit.
    struct Shop {
        writer: Writer,
        number: i64,
    }

    impl Shop {
        /// Tells everything: so many leases.
        fn begin(leases: u64) -> (Shop, Vec<u8>) {
            let begin = Begin { node: "rotterdam".into(), whole: true, ..Begin::default() };
            let mut shop = Shop { writer: Writer::begin(begin), number: 0 };
            for id in 0..leases {
                let lease = Lease {
                    id,
                    entries: Vec::new(),
                    access: Access::default(),
                    exit: Exit::Address([192, 0, 2, 1].into()),
                    ends_at: 0,
                    suspended: false,
                    exits: 0,
                    dialing: false,
                    limits: Limits::default(),
                    ports: None,
                };
                shop.writer.change(Change::Put(Entry { lease, ports: Vec::new() }));
            }
            let told = shop.commit();
            (shop, told)
        }

        /// Tells that a lease is over.
        fn end(&mut self, lease: u64) -> Vec<u8> {
            self.writer.change(Change::Remove(lease));
            self.commit()
        }

        fn commit(&mut self) -> Vec<u8> {
            self.number += 1;
            let position = Position { number: self.number, ..Position::default() };
            self.writer.commit(position, 0);
            self.writer.take()
        }
    }

    /// Everything takes longer to keep than it takes until more has changed than can wait.
    #[test]
    fn what_is_kept_has_no_gap_where_the_disk_does_not_follow() {
        const LEASES: u64 = 20_000;
        let folder = tempfile::tempdir().unwrap();
        let saver = saver(folder.path());
        let table = folder.path().join(TABLE);
        let read = || table::read(&table, &Seal::of("key"), "rotterdam").unwrap().0;
        let (mut shop, whole) = Shop::begin(LEASES);
        let leases = 0..u64::try_from(4 * WAITING).unwrap();
        let changes: Vec<_> = leases.map(|lease| shop.end(lease)).collect();
        saver.save(whole, true);
        changes.into_iter().for_each(|change| saver.save(change, false));
        while !table.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let over = |kept: &table::Table| usize::try_from(kept.position.number - 1).unwrap();
        // All that could wait, unless everything has waited itself.
        let since = Instant::now();
        while over(&read()) < WAITING - 1 {
            assert!(since.elapsed() < Duration::from_secs(20), "what could wait is not kept");
        }
        // There is room again.
        saver.save(shop.end(LEASES - 1), false);
        assert!(saver.wants_whole(), "nobody knows that something is missing");
        std::thread::sleep(Duration::from_millis(200));
        let kept = read();
        let over = over(&kept);
        assert!(over < 4 * WAITING, "{over} changes were kept");
        assert_eq!(kept.leases.len(), usize::try_from(LEASES).unwrap() - over);

        // As soon as everything is told anew, all is kept again.
        let (mut shop, whole) = Shop::begin(7);
        saver.save(whole, true);
        saver.save(shop.end(3), false);
        assert!(saver.let_go());
        assert_eq!(read().leases.len(), 6);
    }
}
