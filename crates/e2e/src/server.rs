//! The server as a process.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the program may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs, and ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    #[track_caller]
    /// Starts it; its log goes to a file in `folder`.
    pub(crate) fn spawn(command: &mut Command, log: &str, folder: &Path) -> Server {
        let appended = OpenOptions::new().create(true).append(true).open(folder.join("log"));
        command.env("SUBLET_LOG", log).stdout(Stdio::piped()).stderr(appended.unwrap());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let ready = first_line(out, folder);
        let Some(address) = ready.as_ref().and_then(listening) else {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("the server did not get ready: {ready:?} {log}");
        };
        server.address = address;
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of a program's output; the rest goes to a file, so that the program never waits
/// for somebody to read it.
pub fn first_line(out: impl Read + Send + 'static, folder: &Path) -> Option<Value> {
    let (tell, told) = mpsc::channel();
    let mut rest = File::create(folder.join("out")).unwrap();
    std::thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = String::new();
        let _ = out.read_line(&mut line);
        let _ = tell.send(line);
        let _ = std::io::copy(&mut out, &mut rest);
    });
    serde_json::from_str(&told.recv_timeout(PATIENCE).ok()?).ok()
}

/// Where a ready line says that the server listens.
pub fn listening(ready: &Value) -> Option<SocketAddr> {
    if ready["event"] != "ready" {
        return None;
    }
    ready["http"].as_str()?.strip_prefix("http://")?.parse().ok()
}

/// Waits for the end of a program that was asked to end.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the program does not end");
}
