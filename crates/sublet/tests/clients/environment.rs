//! What the clients need: Python with the libraries that its programs use, a module for Node, a
//! certificate for the destinations, and a browser.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the customers' programs are.
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/scripts");

/// Where everything is made: it outlives a run, so that the next one is short.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/clients");

/// The Python of a virtual environment with the libraries of `requirements.txt`.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let wanted = include_str!("scripts/requirements.txt");
        let folder = made("python", wanted, |folder| {
            let words = "python3, its module venv, and a registry of Python packages";
            succeed(words, Command::new("python3").args(["-m", "venv"]).arg(folder));
            let mut pip = Command::new(folder.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            succeed(words, pip.arg("--requirement").arg(format!("{SCRIPTS}/requirements.txt")));
        });
        folder.join("bin/python")
    })
}

/// A folder whose `node_modules` are those of `package.json`.
pub(crate) fn node_modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let wanted = include_str!("scripts/package.json");
        made("node", wanted, |folder| {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("package.json"), wanted).unwrap();
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(folder);
            succeed("node, npm, and a registry of its packages", &mut npm);
        })
    })
}

/// The files with a key and a certificate for 127.0.0.1.
pub(crate) fn certificate() -> &'static (PathBuf, PathBuf) {
    static FILES: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    FILES.get_or_init(|| certificate_for("destination", &["127.0.0.1".to_owned()]))
}

/// The files with a new key and its certificate for these addresses.
pub(crate) fn certificate_for(name: &str, addresses: &[String]) -> (PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap().keep();
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
    let addresses: Vec<String> = addresses.iter().map(|it| format!("IP:{it}")).collect();
    openssl.args(["-addext", &format!("subjectAltName={}", addresses.join(","))]);
    succeed("openssl", openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
    (key, certificate)
}

/// The browser: what `SUBLET_TEST_BROWSER` says, or Chromium under one of its names.
#[track_caller]
pub(crate) fn browser() -> String {
    if let Ok(named) = std::env::var("SUBLET_TEST_BROWSER") {
        return named;
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let is_there = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let found = names.into_iter().find(is_there);
    found.expect("the clients need Chromium; or say where it is by SUBLET_TEST_BROWSER").to_owned()
}

/// A folder that `make` has filled, now or in an earlier run for the same `wanted`.
#[track_caller]
fn made(name: &str, wanted: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(FOLDER).join(name);
    let mark = folder.join("made");
    fs::create_dir_all(FOLDER).unwrap();
    let lock = File::create(Path::new(FOLDER).join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if fs::read_to_string(&mark).is_ok_and(|of| of == wanted) {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    make(&folder);
    fs::write(&mark, wanted).unwrap();
    folder
}

/// Runs what the clients need.
#[track_caller]
pub(crate) fn succeed(needs: &str, command: &mut Command) -> String {
    let words = format!("the clients need {needs}");
    let output = command.output().unwrap_or_else(|error| panic!("{words}: {command:?}: {error}"));
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{words}: {command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
