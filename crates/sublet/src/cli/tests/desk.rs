//! Where the command lines of these tests are typed.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use domain::time::Time;
use serde_json::Value;
use store::Store;
use store::memory::MemoryStore;

use crate::cli::{CommandLine, Noun, misuse};
use crate::console::Console;
use crate::problem::Problem;
use crate::shop::Shop;

/// The catalogue that the documentation shows.
pub(super) const SAMPLE: &str = include_str!("../../../../../docs/catalogue.sample.toml");

/// A shop in memory, some time in 2026.
pub(super) struct Desk {
    pub(super) store: MemoryStore,
    pub(super) now: Time,
}

/// What a command line gave.
pub(super) struct Answer {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) notes: String,
}

impl Desk {
    pub(super) fn new() -> Desk {
        let now = Time::from_millis(1_780_000_000_000);
        Desk { store: MemoryStore::new(false), now }
    }

    /// A desk whose shop sells what the sample says.
    pub(super) fn with_catalogue() -> Desk {
        let desk = Desk::new();
        desk.store.apply_catalogue(SAMPLE, desk.now).unwrap();
        desk
    }

    /// Does `line`, whose words are separated by single blanks; `input` is what is typed then.
    pub(super) fn type_in(&self, line: &str, input: &str, json: bool) -> Answer {
        let words = ["sublet"].into_iter().chain(line.split(' ')).map(OsString::from);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut console = Console::on(input, &mut out, &mut notes, json);
        let code = match self.done(words, &mut console) {
            Ok(()) => 0,
            Err(problem) => {
                problem.tell(&mut console);
                problem.code()
            }
        };
        drop(console);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code, out: text(out), notes: text(notes) }
    }

    fn done(
        &self,
        words: impl Iterator<Item = OsString>,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let line = match CommandLine::try_parse_from(words) {
            Ok(line) => line,
            Err(error) => return misuse::answer(&error, console),
        };
        let Noun::Books(books) = line.noun else { panic!("it works on no books") };
        let key_file = Path::new("sublet.key");
        books.run(&mut Shop { store: &self.store, key_file, now: self.now, console })
    }

    /// The objects that `line` gives.
    #[track_caller]
    pub(super) fn objects(&self, line: &str) -> Vec<Value> {
        let answer = self.type_in(line, "", true);
        assert_eq!(answer.code, 0, "{line}: {}", answer.notes);
        answer.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one object that `line` gives.
    #[track_caller]
    pub(super) fn object(&self, line: &str) -> Value {
        let objects = self.objects(line);
        assert_eq!(objects.len(), 1, "{line}: {objects:?}");
        objects[0].clone()
    }

    /// What `line` shows to a person.
    #[track_caller]
    pub(super) fn shown(&self, line: &str) -> String {
        let answer = self.type_in(line, "", false);
        assert_eq!(answer.code, 0, "{line}: {}", answer.notes);
        answer.out
    }

    /// That `line` is not done, and why.
    #[track_caller]
    pub(super) fn refused(&self, line: &str, code: u8, says: &str) {
        let answer = self.type_in(line, "", false);
        assert_eq!(answer.code, code, "{line}: {}", answer.notes);
        let first = answer.notes.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(says), "{line}: {}", answer.notes);
        assert_eq!(answer.out, "", "{line}");
    }
}
