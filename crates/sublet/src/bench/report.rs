//! What was measured, for people and for programs.

use serde_json::json;

/// Prints figures as they come.
pub(crate) struct Report {
    json: bool,
    missed: u32,
}

/// A figure and what it is held against.
pub(crate) struct Figure<'a> {
    /// What was measured.
    pub(crate) name: &'a str,
    /// The figure.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'a str,
    /// How it compares: what to, the ratio, and the bound it should keep.
    pub(crate) against: Option<Against<'a>>,
}

/// What a figure is held against.
pub(crate) struct Against<'a> {
    /// What.
    pub(crate) name: &'a str,
    /// The ratio to it.
    pub(crate) ratio: f64,
    /// What the ratio should be.
    pub(crate) bound: Bound,
}

/// What a ratio should be.
pub(crate) enum Bound {
    /// At least this.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
}

impl Report {
    pub(crate) fn new(json: bool) -> Report {
        Report { json, missed: 0 }
    }

    /// How many figures missed their bounds.
    pub(crate) fn missed(&self) -> u32 {
        self.missed
    }

    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    /// Tells how often something happened that must not.
    pub(crate) fn none(&mut self, name: &str, count: u64) {
        if count > 0 {
            self.missed += 1;
        }
        if self.json {
            println!(
                "{}",
                json!({ "name": name, "value": count, "bound": "none", "kept": count == 0 })
            );
        } else {
            let missed = if count == 0 { "" } else { " (none, MISSED)" };
            println!("{name:<58} {count:>12}{missed}");
        }
    }

    pub(crate) fn figure(&mut self, figure: &Figure<'_>) {
        let kept = figure.against.as_ref().map(|against| match against.bound {
            Bound::AtLeast(bound) => (bound <= against.ratio, format!("at least {bound}")),
            Bound::Below(bound) => (against.ratio < bound, format!("below {bound}")),
        });
        if kept.as_ref().is_some_and(|(kept, _)| !kept) {
            self.missed += 1;
        }
        if self.json {
            let against = figure.against.as_ref();
            let line = json!({
                "name": figure.name,
                "value": rounded(figure.value),
                "unit": figure.unit,
                "against": against.map(|against| against.name),
                "ratio": against.map(|against| rounded(against.ratio)),
                "bound": kept.as_ref().map(|(_, bound)| bound),
                "kept": kept.as_ref().map(|(kept, _)| kept),
            });
            println!("{line}");
            return;
        }
        let value = grouped(figure.value);
        match (&figure.against, kept) {
            (Some(against), Some((kept, bound))) => println!(
                "{:<58} {value:>12} {:<8} {:>7.2} × {} ({bound}{})",
                figure.name,
                figure.unit,
                against.ratio,
                against.name,
                if kept { "" } else { ", MISSED" },
            ),
            _ => println!("{:<58} {value:>12} {}", figure.name, figure.unit),
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// With thin spaces between thousands, and decimals only where they say something.
fn grouped(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
