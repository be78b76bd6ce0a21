//! Virtual environments with one version of the official client each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_clients/scripts");

/// Where the environments are made: they outlive a run, so that the next one is short.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/python-clients");

/// A virtual environment.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The one with the last client of v1.
    pub(crate) fn v1() -> &'static Environment {
        static V1: OnceLock<Environment> = OnceLock::new();
        V1.get_or_init(|| Environment::with("v1", include_str!("requirements-v1.txt")))
    }

    /// The one with the last client of v2.
    pub(crate) fn v2() -> &'static Environment {
        static V2: OnceLock<Environment> = OnceLock::new();
        V2.get_or_init(|| Environment::with("v2", include_str!("requirements-v2.txt")))
    }

    /// The command line of one of our scripts in it.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.python());
        command.arg("-B").arg(Path::new(SCRIPTS).join(name));
        // What it speaks to is on this machine, whatever else is reached through a proxy.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Makes it, unless an earlier run has made it of the same requirements.
    #[track_caller]
    fn with(name: &str, requirements: &str) -> Environment {
        let environment = Environment { folder: Path::new(FOLDER).join(name) };
        let made = environment.folder.join("made");
        fs::create_dir_all(FOLDER).unwrap();
        let lock = File::create(Path::new(FOLDER).join(format!("{name}.lock"))).unwrap();
        lock.lock().unwrap();
        if fs::read_to_string(&made).is_ok_and(|of| of == requirements) {
            return environment;
        }
        let _ = fs::remove_dir_all(&environment.folder);
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment.folder));
        let listed = environment.folder.join("requirements.txt");
        fs::write(&listed, requirements).unwrap();
        // The client is what was published, to the bit; what it is built on may be newer.
        let exactly = ["--no-deps", "--require-hashes", "--requirement"];
        succeed(environment.pip().args(exactly).arg(&listed));
        succeed(environment.pip().arg("requests"));
        fs::write(&made, requirements).unwrap();
        environment
    }

    fn pip(&self) -> Command {
        let mut command = Command::new(self.python());
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let words = "the clients need python3, its module venv, and a registry of Python packages";
    let output = command.output().unwrap_or_else(|error| panic!("{words}: {command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{words}: {command:?}: {}\n{said}", output.status);
}
