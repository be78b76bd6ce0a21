//! Wrong usage in one clear line.

use clap::error::ErrorKind;

use crate::console::Console;
use crate::problem::Problem;

/// What the reader of the command line has to say: a help text, or a problem.
///
/// Its problems come in paragraphs. The first says what is wrong, a `tip:` what to do, and the rest
/// repeats the usage, for which there is `--help`.
pub(super) fn answer(error: &clap::Error, console: &mut Console<'_>) -> Result<(), Problem> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            console.json = false;
            return console.text(text.trim_end());
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let program = program(&text);
            let hint = format!("run `{program} --help`");
            return Err(Problem::usage(format!("'{program}' requires a subcommand")).hint(hint));
        }
        _ => {}
    }
    let paragraphs: Vec<String> = text.split("\n\n").map(one_line).collect();
    let first = paragraphs.first().map_or("wrong usage", String::as_str);
    let says = first.strip_prefix("error: ").unwrap_or(first);
    let tip = paragraphs.iter().find_map(|paragraph| paragraph.strip_prefix("tip: "));
    let help = format!("run `{} --help`", program(&text));
    Err(Problem::usage(says).hint(tip.map_or(help, str::to_owned)))
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of the usage before its options: `sublet customer create`.
fn program(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("sublet");
    let is_word = |word: &&str| !word.starts_with(['<', '[', '-']);
    usage.split(' ').take_while(is_word).collect::<Vec<_>>().join(" ")
}
