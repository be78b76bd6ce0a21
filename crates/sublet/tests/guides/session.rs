//! A reader at a terminal, who does what guides say.
//!
//! The reader sits in an empty folder that holds the repository's `docs` and has the `sublet` that
//! was just built. All steps are done in one shell, `bash -euo pipefail`, so that what one sets the
//! next ones see. Some things are arranged beyond what is printed: a server is waited for until it is
//! ready, and the port 8080 is replaced by a free one, because several guides are read at a time.
//! Who reads of PostgreSQL has an empty database at `$DATABASE`, or where the guide says that one is.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use e2e::postgres::Postgres;

use crate::markdown::Step;
use crate::matching;

/// Where guides say that the server listens.
const PRINTED: &str = "127.0.0.1:8080";

/// The PostgreSQL database of guides, and how it is shown to people.
const DATABASE: &str = "postgres://sublet@db.example/sublet";
const DATABASE_SHOWN: &str = "sublet@db.example/sublet";

/// How long a guide may take before it is given up. It takes a few seconds; the rest is for slow
/// machines.
const SECONDS_MAX: &str = "300";

/// What the shell knows besides the guide's commands.
const PREAMBLE: &str = r#"
_guide_server=
trap '[ -z "$_guide_server" ] || kill -KILL "$_guide_server"' EXIT
_guide_ready() {
  for _guide_try in $(seq 600); do
    if curl -fsS -o /dev/null "http://$_guide_listens/readyz" 2> /dev/null; then return 0; fi
    kill -0 "$_guide_server" || return 1
    sleep 0.05
  done
  return 1
}
_guide_stop() {
  [ -n "$_guide_server" ] || return 0
  kill -TERM "$_guide_server"
  _guide_stopping=$_guide_server
  _guide_server=
  wait "$_guide_stopping"
}
"#;

/// What has to be there.
const TOOLS: [&str; 4] = ["bash", "curl", "jq", "timeout"];

/// Does the steps of some pages, one page after the other, and compares what they print. The error
/// says what went wrong, with all that was printed there.
pub(crate) fn read(pages: &[(&str, Vec<Step>)]) -> Result<(), String> {
    for tool in TOOLS {
        let found = Command::new(tool).arg("--version").output();
        found.map_err(|error| format!("the guides are run with {tool}: {error}"))?;
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
    let mut steps = pages.iter().flat_map(|(_, steps)| steps);
    let names_database = steps.any(|step| match step {
        Step::Run { commands, .. } => commands.contains(DATABASE),
        Step::Serve { .. } | Step::Stop { .. } => false,
    });
    let database = names_database.then(|| Postgres::shared().new_database());
    let session = Session { folder: folder.path().to_owned(), port: free_port(), database };
    session.read(pages)
}

struct Session {
    folder: PathBuf,
    port: u16,
    /// A PostgreSQL database, if the guide names one.
    database: Option<String>,
}

impl Session {
    fn read(&self, pages: &[(&str, Vec<Step>)]) -> Result<(), String> {
        let io = |error: std::io::Error| format!("the session cannot be prepared: {error}");
        let home = self.folder.join("home");
        fs::create_dir_all(home.join("docs")).map_err(io)?;
        let sample = docs().join("catalogue.sample.toml");
        fs::copy(sample, home.join("docs/catalogue.sample.toml")).map_err(io)?;

        let steps: Vec<(&str, &Step)> = pages
            .iter()
            .flat_map(|(page, steps)| steps.iter().map(move |step| (*page, step)))
            .collect();
        let mut script = format!("_guide_listens=127.0.0.1:{}\n{PREAMBLE}", self.port);
        for (index, (_, step)) in steps.iter().enumerate() {
            self.add(&mut script, index, step).map_err(io)?;
        }
        script.push_str("_guide_stop\n");
        let path = self.folder.join("session.sh");
        fs::write(&path, script).map_err(io)?;

        // Only for those who ask for one: others need no PostgreSQL.
        let asks = |step: &Step| matches!(step, Step::Run { commands, .. } if commands.contains("$DATABASE"));
        let wanted = steps.iter().any(|(_, step)| asks(step));
        let database = wanted.then(|| e2e::postgres::Postgres::shared().new_database());

        let built = Path::new(env!("CARGO_BIN_EXE_sublet"));
        let programs = built.parent().unwrap_or(Path::new("."));
        let search = std::env::var("PATH").unwrap_or_default();
        let ended = Command::new("timeout")
            .args(["--kill-after=5", SECONDS_MAX, "bash", "-euo", "pipefail"])
            .arg(&path)
            .current_dir(&home)
            .env("PATH", format!("{}:{search}", programs.display()))
            .env("HOME", &home)
            .env_remove("SUBLET_DATABASE")
            .env_remove("SUBLET_KEY_FILE")
            .envs(database.map(|url| ("DATABASE", url)))
            .output()
            .map_err(io)?;

        let done = steps.iter().enumerate().take_while(|(index, _)| self.has(*index, "done"));
        let mut count = 0;
        for (index, (page, step)) in done {
            count = index + 1;
            if let Step::Run { prints: Some(says), .. } = step {
                let printed = self.text(index, "out");
                matching::check(&self.moved_prints(says), &printed)
                    .map_err(|differs| self.report(page, index, step, &differs))?;
            }
        }
        match steps.get(count) {
            Some((page, step)) => Err(self.report(page, count, step, "it failed or took too long")),
            None if ended.status.success() => Ok(()),
            None => Err(format!("the server did not stop cleanly:\n{}", self.server_log())),
        }
    }

    /// Adds a step to the script. When the step is done, there is a file that says so.
    fn add(&self, script: &mut String, index: usize, step: &Step) -> std::io::Result<()> {
        let commands = self.file(index, "sh");
        let (shown, out, error) =
            (commands.display(), self.file(index, "out"), self.file(index, "err"));
        let (out, error) = (out.display(), error.display());
        let line = match step {
            Step::Run { commands: text, .. } => {
                fs::write(&commands, self.moved(text))?;
                format!(". '{shown}' > '{out}' 2> '{error}' < /dev/null")
            }
            Step::Serve { command, .. } => {
                // In place of its shell, so that signals reach it.
                fs::write(&commands, format!("exec {}", self.moved(command)))?;
                let start = format!("( . '{shown}' ) > '{out}' 2> '{error}' < /dev/null &");
                format!("_guide_stop\n{start}\n_guide_server=$!\n_guide_ready")
            }
            Step::Stop { .. } => "_guide_stop".to_owned(),
        };
        let done = self.file(index, "done");
        let _ = writeln!(script, "{line}\n: > '{}'", done.display());
        Ok(())
    }

    fn moved(&self, text: &str) -> String {
        let text = text.replace(PRINTED, &format!("127.0.0.1:{}", self.port));
        let Some(url) = &self.database else { return text };
        let shown = url.split_once("://").map_or("", |(_, shown)| shown);
        text.replace(DATABASE, url).replace(DATABASE_SHOWN, shown)
    }

    fn moved_prints(&self, says: &crate::markdown::Prints) -> crate::markdown::Prints {
        use crate::markdown::Prints;
        match says {
            Prints::Json(text) => Prints::Json(self.moved(text)),
            Prints::Text(text) => Prints::Text(self.moved(text)),
        }
    }

    fn file(&self, index: usize, what: &str) -> PathBuf {
        self.folder.join(format!("{index}.{what}"))
    }

    fn has(&self, index: usize, what: &str) -> bool {
        self.file(index, what).exists()
    }

    fn text(&self, index: usize, what: &str) -> String {
        let bytes = fs::read(self.file(index, what)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn report(&self, page: &str, index: usize, step: &Step, says: &str) -> String {
        let (line, commands, prints) = match step {
            Step::Run { line, commands, prints } => (line, commands.as_str(), prints.as_ref()),
            Step::Serve { line, command } => (line, command.as_str(), None),
            Step::Stop { line } => (line, "", None),
        };
        let mut report = format!("docs/{page}, line {line}: {says}\n--- commands\n{commands}");
        if let Some(prints) = prints {
            let _ = write!(report, "--- the guide says\n{prints:#?}\n");
        }
        let (out, error) = (self.text(index, "out"), self.text(index, "err"));
        let _ = write!(report, "--- printed\n{out}\n--- on standard error\n{error}\n");
        let _ = write!(report, "--- the server's log\n{}", self.server_log());
        report
    }

    /// The last lines of what servers wrote.
    fn server_log(&self) -> String {
        let mut log = String::new();
        for index in 0.. {
            if !self.has(index, "sh") && !self.has(index, "done") {
                return log;
            }
            if self.text(index, "sh").starts_with("exec ") {
                let written = self.text(index, "err");
                let lines: Vec<&str> = written.lines().collect();
                log.push_str(&lines[lines.len().saturating_sub(20)..].join("\n"));
            }
        }
        log
    }
}

/// The folder with the guides.
pub(crate) fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// A port that nobody listens on. It lies below those that systems give to outgoing connections, so
/// that none of these takes it before the server does.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 15_000).unwrap_or(0);
    loop {
        let port = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
