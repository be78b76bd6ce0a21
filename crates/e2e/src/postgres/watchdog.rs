//! Somebody who cleans up when the test cannot: because it was killed, or because a value that lives
//! as long as its process is never dropped.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, ends whatever still works in the folder `$1`, and removes `$2`.
///
/// A server that is asked to quit gives its shared memory back, so that is tried first.
const SCRIPT: &str = r#"
read -r _
for signal in QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT KILL KILL KILL; do
  processes=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1" 2>/dev/null | tr -dc '0-9\n')
  [ -n "$processes" ] || break
  kill -"$signal" $processes
  kill -CONT $processes
  sleep 0.3
done 2>/dev/null
rm -rf "$2"
"#;

/// A process that outlives ours. Our end closes its input, whatever we end of.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl Watchdog {
    /// One that watches over a server whose processes work in `data`, which is in `folder`.
    pub(crate) fn over(data: &Path, folder: &Path) -> Watchdog {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "watchdog"]).arg(data).arg(folder);
        // Whoever interrupts the tests by the keyboard does not mean it.
        command.process_group(0).current_dir("/").stdin(Stdio::piped());
        // Whoever waits for the end of the tests' output does not wait for it.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Watchdog { child: command.spawn().expect("there is a shell") }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Waiting closes its input first.
        let _ = self.child.wait();
    }
}
