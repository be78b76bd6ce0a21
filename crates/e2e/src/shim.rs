//! Small libraries that are preloaded into a program and stand between it and its disk, or its clock.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Has the program record into `trace` what it does to the files of `directory`; see
/// [`crate::trace`].
pub fn record(program: &mut Command, directory: &Path, trace: &Path) {
    preload(program, &build("recorder", include_str!("../shim/recorder.c")));
    program.env("RECORDER_DIRECTORY", absolute(directory)).env("RECORDER_TRACE", trace);
}

/// Has every sync of the program take `microseconds` longer.
pub fn slow_syncs(program: &mut Command, microseconds: u32) {
    preload(program, &build("slowsync", include_str!("../shim/slowsync.c")));
    program.env("SLOWSYNC_MICROSECONDS", microseconds.to_string());
}

/// Has no sync of a program wait for the disk: what it has written outlives the program, and not the
/// machine. The library is put into `folder`, where the program's user must be able to read it.
pub(crate) fn no_syncs(folder: &Path) -> PathBuf {
    let library = folder.join("nosync.so");
    let built = build("nosync", include_str!("../shim/nosync.c"));
    std::fs::copy(built, &library).expect("the folder can be written");
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&library, readable).expect("the file is ours");
    library
}

/// The wall clock of a program, which a test can set while the program runs.
#[derive(Debug)]
pub struct WallClock {
    ahead: std::fs::File,
    _control: tempfile::TempPath,
}

impl WallClock {
    /// Prepares the clock for the program. It is right until it is set.
    pub fn prepare(program: &mut Command) -> WallClock {
        preload(program, &build("clock", include_str!("../shim/clock.c")));
        let control = tempfile::NamedTempFile::new().expect("a test can make files");
        program.env("CLOCK_CONTROL", control.path());
        let (ahead, control) = control.into_parts();
        let clock = WallClock { ahead, _control: control };
        clock.set(0);
        clock
    }

    /// Sets it so many milliseconds ahead of the true time, or behind it.
    pub fn set(&self, ahead_millis: i64) {
        let nanos = ahead_millis.checked_mul(1_000_000).expect("it is not that far ahead");
        self.ahead.write_at(&nanos.to_ne_bytes(), 0).expect("a test can write files");
    }
}

/// A disk that a test can let fail and recover while a program runs.
#[derive(Debug)]
pub struct Faults {
    control: tempfile::TempPath,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing can be written, because there is no space left.
    Full,
    /// Of everything that is written the last byte has no room.
    NearlyFull,
    /// Nothing can be made durable.
    Broken,
}

impl Faults {
    /// Prepares the disk under `directory` for the program. It is whole until a fault begins.
    pub fn prepare(program: &mut Command, directory: &Path) -> Faults {
        preload(program, &build("faults", include_str!("../shim/faults.c")));
        let control = tempfile::NamedTempFile::new().expect("a test can make files");
        let control = control.into_temp_path();
        std::fs::remove_file(&control).expect("it was made just now");
        program.env("FAULTS_DIRECTORY", absolute(directory)).env("FAULTS_CONTROL", &*control);
        Faults { control }
    }

    /// Lets the disk fail from now on.
    pub fn begin(&self, fault: Fault) {
        let letter = match fault {
            Fault::Full => "full",
            Fault::NearlyFull => "partly",
            Fault::Broken => "sync",
        };
        std::fs::write(&self.control, letter).expect("a test can make files");
    }

    /// Makes the disk whole again.
    pub fn end(&self) {
        std::fs::remove_file(&self.control).expect("a fault had begun");
    }
}

/// Compiles a shim, and says where it is.
///
/// # Panics
///
/// If there is no C compiler: without it these tests would prove nothing, and must not pass.
fn build(name: &str, source: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a file");
    let folder = program.parent().expect("a file is in a folder").join("shim");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let library = folder.join(format!("{name}.so"));

    // Tests run at the same time: each compiles its own, and puts it in place at once.
    let temporary = tempfile::NamedTempFile::new_in(&folder).expect("the folder can be written");
    let mut compiler = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-x", "c", "-", "-o"])
        .arg(temporary.path())
        .arg("-ldl")
        .stdin(Stdio::piped())
        .spawn()
        .expect("a C compiler called cc is needed to test faults of the disk");
    let mut input = compiler.stdin.take().expect("it was asked for");
    input.write_all(source.as_bytes()).expect("the compiler reads its source");
    drop(input);
    assert!(compiler.wait().expect("the compiler ends").success(), "{name}.c does not compile");
    temporary.persist(&library).expect("the folder can be written");
    library
}

/// Preloads a library, after those that are preloaded already.
pub(crate) fn preload(program: &mut Command, library: &Path) {
    let mut list = OsString::new();
    let before = program.get_envs().find(|(name, _)| *name == "LD_PRELOAD");
    if let Some((_, Some(before))) = before {
        list.push(before);
        list.push(":");
    }
    list.push(library);
    program.env("LD_PRELOAD", list);
}

/// The shims compare with the paths that the kernel tells them.
fn absolute(directory: &Path) -> PathBuf {
    directory.canonicalize().expect("the directory exists")
}
