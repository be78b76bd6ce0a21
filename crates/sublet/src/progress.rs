//! How far a long command has come, on standard error where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar towards `all` of `what`.
pub(crate) fn bar(all: u64, what: &'static str) -> ProgressBar {
    styled(ProgressBar::new(all), what, "{bar:40} {human_pos} of {human_len} {msg}, {eta} left")
}

/// A count of `what` whose end is not known.
pub(crate) fn counter(what: &'static str) -> ProgressBar {
    styled(ProgressBar::no_length(), what, "{human_pos} {msg}")
}

fn styled(bar: ProgressBar, what: &'static str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the templates are those above");
    bar.with_style(style).with_message(what)
}
