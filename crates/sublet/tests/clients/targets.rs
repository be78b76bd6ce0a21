//! The destinations, which say who has come.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::environment::{SCRIPTS, certificate};

/// Destinations that run until this is dropped.
pub(crate) struct Targets {
    child: Child,
    /// Their ports on 127.0.0.1: `http`, `https`, `dns`.
    pub(crate) ports: Value,
}

impl Targets {
    #[track_caller]
    pub(crate) fn new() -> Targets {
        let (key, certificate) = certificate();
        let mut command = Command::new("node");
        command.arg(format!("{SCRIPTS}/targets.mjs")).arg(key).arg(certificate);
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the destinations need node");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).expect("the destinations begin to listen");
        Targets { child, ports }
    }

    /// The URL of one of them.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/", self.ports[scheme])
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
