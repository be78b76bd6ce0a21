//! Whoever looks at the books afterwards, and asks no server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::books::Books;
use crate::database::Database;
use crate::dates::millis;
use crate::http::cents;
use crate::shop::program;

/// Looks at the database of a shop with the operator's commands.
#[derive(Clone, Debug)]
pub struct Auditor {
    binary: PathBuf,
    database: Database,
}

/// An entry of the journal as the operator is shown it. Money is in minor units, time in
/// milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub number: i64,
    /// Its place in the order of everything that happened.
    pub place: i64,
    /// When it was made.
    pub at: i64,
    /// Whom it concerns.
    pub customer: i64,
    /// What happened, such as `order`.
    pub event: String,
    /// What came into the wallet; what was spent is below zero.
    pub amount: Option<i64>,
    /// What was in it then.
    pub balance_after: Option<i64>,
    /// How often the wallet had changed then.
    pub version: Option<i64>,
    /// The note of a deposit.
    pub note: Option<String>,
    /// The order that was made.
    pub order: Option<String>,
    /// What was ordered or extended, such as `IPv4/USA`.
    pub product: Option<String>,
    /// What the customer wanted it for.
    pub goal: Option<String>,
    /// The period.
    pub days: Option<u32>,
    /// What became of which leases.
    pub terms: Vec<Term>,
    /// The amounts of its postings.
    pub postings: Vec<i64>,
}

/// What became of a lease.
#[derive(Clone, Debug)]
pub struct Term {
    /// Which.
    pub lease: String,
    /// Its end before.
    pub before: Option<i64>,
    /// Its end now.
    pub end: Option<i64>,
}

impl Auditor {
    /// One who uses the program at `binary` on `database`.
    pub fn new(binary: impl AsRef<Path>, database: &Database) -> Auditor {
        Auditor { binary: binary.as_ref().to_owned(), database: database.clone() }
    }

    /// Has the program prove the books.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or why they cannot be read.
    pub fn audit(&self) -> Result<(), String> {
        let lines = self.run(&["audit"])?;
        match lines.last() {
            Some(last) if last["ok"] == true && last["violations"] == json!(0) => Ok(()),
            _ => Err(format!("an audit that succeeds and does not say so: {lines:?}")),
        }
    }

    /// The journal behind the place `after`.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn journal(&self, after: i64) -> Result<Vec<Entry>, String> {
        // One line after the other: as JSON values a long journal would need a lot of memory.
        let text = self.say(&["events", "list", "--after", &after.to_string()])?;
        let entries = text.lines().map(|line| parse(line).map(|shown| Entry::read(&shown)));
        let mut entries = entries.collect::<Result<Vec<Entry>, String>>()?;
        // The operator is not shown them, so they are read from the tables.
        let first = entries.iter().map(|entry| entry.number).min().unwrap_or(0);
        let goals = Books::try_open(&self.database)?.goals(first - 1)?;
        for entry in &mut entries {
            entry.goal = goals.get(&entry.number).cloned();
        }
        Ok(entries)
    }

    /// What is in each wallet, by the number of its customer.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn balances(&self) -> Result<BTreeMap<i64, i64>, String> {
        let lines = self.run(&["customer", "list"])?;
        let number = |line: &Value| line["customer_id"].as_i64().expect("customers have numbers");
        Ok(lines.iter().map(|line| (number(line), cents(&line["balance"]))).collect())
    }

    /// The numbers of the API keys that were revoked.
    ///
    /// # Errors
    ///
    /// Why they cannot be read.
    pub fn revoked_keys(&self) -> Result<BTreeSet<String>, String> {
        let lines = self.run(&["key", "list"])?;
        let revoked = lines.iter().filter(|key| key["state"] == "revoked");
        Ok(revoked.map(|key| key["key_id"].to_string()).collect())
    }

    fn run(&self, words: &[&str]) -> Result<Vec<Value>, String> {
        self.say(words)?.lines().map(parse).collect()
    }

    /// Runs a command that must succeed, for what it prints.
    fn say(&self, words: &[&str]) -> Result<String, String> {
        let output = program(&self.binary, &self.database)
            .arg("--json")
            .args(words)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(format!("`sublet {}` failed: {out}{err}", words.join(" ")));
        }
        Ok(out.into_owned())
    }
}

fn parse(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))
}

impl Entry {
    fn read(shown: &Value) -> Entry {
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        let amount = |name: &str| shown.get(name).map(cents);
        let all = |name: &str| shown[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let number = |name: &str| shown[name].as_i64().unwrap_or_else(|| panic!("{shown}"));
        Entry {
            number: number("entry"),
            place: number("number"),
            at: millis(&text("at").unwrap_or_default()),
            customer: number("customer_id"),
            event: text("event").unwrap_or_default(),
            amount: amount("amount"),
            balance_after: amount("balance_after"),
            version: all("postings")
                .iter()
                .find(|posting| posting["balance_after_minor"].is_i64())
                .and_then(|posting| posting["version"].as_i64()),
            note: text("note"),
            order: text("order_id"),
            product: shown["quote"]["lines"][0]["product"].as_str().map(str::to_owned),
            goal: None,
            days: shown["period_days"].as_u64().and_then(|days| u32::try_from(days).ok()),
            terms: all("leases").iter().map(Term::read).collect(),
            postings: all("postings")
                .iter()
                .map(|posting| {
                    posting["amount_minor"].as_i64().unwrap_or_else(|| panic!("{shown}"))
                })
                .collect(),
        }
    }
}

impl Term {
    fn read(shown: &Value) -> Term {
        let moment = |name: &str| shown[name].as_str().map(millis);
        Term {
            lease: shown["lease_id"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned(),
            before: moment("ended_at_before"),
            end: moment("ends_at"),
        }
    }
}
