//! What a command says: results on standard output, everything else on standard error.
//!
//! A result is for a person, as aligned text, or for a program, as one JSON object on a line.
//! Nothing is coloured, so nothing has to be switched off where it would be noise.

use std::io::{self, BufRead, BufWriter, IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::problem::Problem;

/// Where a command reads answers and writes results.
pub(crate) struct Console<'a> {
    /// Whether results are for programs.
    pub(crate) json: bool,
    /// Whether somebody is there to answer questions.
    pub(crate) interactive: bool,
    input: Box<dyn BufRead + 'a>,
    out: Box<dyn Write + 'a>,
    notes: Box<dyn Write + 'a>,
}

/// A line of a list.
pub(crate) trait Row: Serialize {
    /// What the columns are called, for people.
    const COLUMNS: &'static [&'static str];

    /// What stands in the columns.
    fn cells(&self) -> Vec<String>;
}

impl<'a> Console<'a> {
    /// Standard input, output and error.
    pub(crate) fn of_the_process() -> Console<'static> {
        Console {
            json: false,
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            input: Box::new(io::stdin().lock()),
            out: Box::new(BufWriter::new(io::stdout())),
            notes: Box::new(io::stderr()),
        }
    }

    /// One result: a JSON object, or what it means to a person in lines of a name and a value.
    pub(crate) fn result(
        &mut self,
        result: &impl Serialize,
        people: &[(&str, String)],
    ) -> Result<(), Problem> {
        if self.json {
            return self.object(result);
        }
        let width = people.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in people {
            writeln!(self.out, "{name:width$}  {value}")?;
        }
        Ok(self.out.flush()?)
    }

    /// A list: a JSON object a line, or a table with a word for an empty one.
    pub(crate) fn list<R: Row>(&mut self, rows: &[R], empty: &str) -> Result<(), Problem> {
        if self.json {
            rows.iter().try_for_each(|row| self.line(row))?;
            return Ok(self.out.flush()?);
        }
        if rows.is_empty() {
            return self.text(empty);
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(R::COLUMNS);
        for row in rows {
            table.add_row(row.cells());
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.text(&table.trim_fmt())
    }

    /// An object for a program.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Problem> {
        self.line(object)?;
        Ok(self.out.flush()?)
    }

    fn line(&mut self, object: &impl Serialize) -> Result<(), Problem> {
        let line = serde_json::to_string(object)
            .map_err(|error| Problem::failed(format!("a result cannot be written: {error}")))?;
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Words for a person. A program has its object.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Problem> {
        if !self.json {
            writeln!(self.out, "{text}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// A word beside the results, for whoever looks. If nobody can hear it, nothing is lost.
    pub(crate) fn note(&mut self, note: &str) {
        let _ = writeln!(self.notes, "{note}");
    }

    /// Asks a question; anything but yes is no.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool, Problem> {
        write!(self.notes, "{question} [y/N] ")?;
        self.notes.flush()?;
        let mut answer = String::new();
        self.input.read_line(&mut answer)?;
        Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
    }

    /// Everything that can be read.
    pub(crate) fn read_all(&mut self) -> Result<String, Problem> {
        let mut text = String::new();
        self.input.read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
impl<'a> Console<'a> {
    /// A console that reads `input` and writes into `out` and `notes`.
    pub(crate) fn on(
        input: &'a str,
        out: &'a mut Vec<u8>,
        notes: &'a mut Vec<u8>,
        json: bool,
    ) -> Console<'a> {
        Console {
            json,
            interactive: true,
            input: Box::new(input.as_bytes()),
            out: Box::new(out),
            notes: Box::new(notes),
        }
    }
}
