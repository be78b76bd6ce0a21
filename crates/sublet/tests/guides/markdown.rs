//! What there is to run in a guide.

use std::fmt;

/// Something that the guide's reader does, in the order of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Commands, and what they are said to print. From a block ` ```sh `, with a block ` ```json `
    /// or ` ```text ` directly below it.
    Run {
        /// The line of the page on which the commands begin.
        line: usize,
        /// The commands.
        commands: String,
        /// What they print.
        prints: Option<Prints>,
    },
    /// A server that runs in another terminal from here on, in place of the one before. From a
    /// block ` ```sh server `, which is one command.
    Serve {
        /// The line of the page on which the command begins.
        line: usize,
        /// The command.
        command: String,
    },
    /// The server is stopped. From a block ` ```sh stop ` with a comment that says how.
    Stop {
        /// The line of the page.
        line: usize,
    },
}

/// What commands print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    /// A JSON value.
    Json(String),
    /// Lines.
    Text(String),
}

/// Why a page cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    line: usize,
    says: &'static str,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.says)
    }
}

/// A fenced block.
struct Block<'a> {
    line: usize,
    info: &'a str,
    text: String,
    /// Whether nothing but blank lines is between it and the block before.
    follows: bool,
}

/// The steps of a page.
///
/// Every block must be one that is run or checked, but for ` ```text ` that stands alone, and
/// something of the page must be checked: a guide that nobody runs is soon a wrong one.
pub(crate) fn steps(page: &str) -> Result<Vec<Step>, Unusable> {
    let mut steps = Vec::new();
    for block in blocks(page)? {
        let unusable = |says| Unusable { line: block.line, says };
        let unclaimed = match steps.last_mut() {
            Some(Step::Run { prints, .. }) if block.follows && prints.is_none() => Some(prints),
            _ => None,
        };
        match (block.info, unclaimed) {
            ("sh", _) if block.text.trim().is_empty() => {
                return Err(unusable("there is nothing to run"));
            }
            ("sh", _) => {
                steps.push(Step::Run { line: block.line, commands: block.text, prints: None });
            }
            ("sh server", _) => {
                steps.push(Step::Serve { line: block.line, command: block.text });
            }
            ("sh stop", _) if block.text.lines().any(|line| !line.starts_with('#')) => {
                return Err(unusable("how a server is stopped is told in a comment, not run"));
            }
            ("sh stop", _) => steps.push(Step::Stop { line: block.line }),
            ("json", Some(prints)) => *prints = Some(Prints::Json(block.text)),
            ("text", Some(prints)) => *prints = Some(Prints::Text(block.text)),
            ("json", None) => return Err(unusable("a ```json block stands below no commands")),
            ("text", None) => {}
            _ => return Err(unusable("a block is sh, sh server, sh stop, json or text")),
        }
    }
    match steps.iter().any(|step| matches!(step, Step::Run { prints: Some(_), .. })) {
        true => Ok(steps),
        false => Err(Unusable { line: 1, says: "the page has no commands with what they print" }),
    }
}

/// The steps of the README, which is read on its own: its blocks of commands, without what they
/// print. Commands for the source (`cargo …`) are left out, and `sublet serve` is a server.
pub(crate) fn readme_steps(page: &str) -> Result<Vec<Step>, Unusable> {
    let mut steps = Vec::new();
    for block in blocks(page)?.into_iter().filter(|block| block.info == "sh") {
        let (mut commands, mut line) = (String::new(), block.line);
        for (number, command) in (block.line..).zip(block.text.lines()) {
            if command == "sublet serve" {
                let said = std::mem::take(&mut commands);
                steps.push(Step::Run { line, commands: said, prints: None });
                let command = format!("{command} --listen 127.0.0.1:8080\n");
                steps.push(Step::Serve { line: number, command });
                line = number + 1;
            } else if !command.starts_with("cargo ") && command != "./test" {
                commands.push_str(command);
                commands.push('\n');
            }
        }
        if !commands.is_empty() {
            steps.push(Step::Run { line, commands, prints: None });
        }
    }
    match steps.iter().any(|step| matches!(step, Step::Serve { .. })) {
        true => Ok(steps),
        false => Err(Unusable { line: 1, says: "the README does not come to `sublet serve`" }),
    }
}

fn blocks(page: &str) -> Result<Vec<Block<'_>>, Unusable> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let mut follows = false;
    for (number, line) in (1..).zip(page.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => {
                blocks.extend(open.take());
                follows = true;
            }
            (Some(_), Some(_)) => {
                return Err(Unusable { line: number, says: "a block begins within another one" });
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(info)) => {
                open = Some(Block { line: number + 1, info, text: String::new(), follows });
            }
            (None, None) if line.trim_start().starts_with("```") => {
                return Err(Unusable { line: number, says: "a block is indented" });
            }
            (None, None) => follows &= line.trim().is_empty(),
        }
    }
    match open {
        Some(block) => Err(Unusable { line: block.line - 1, says: "a block has no end" }),
        None => Ok(blocks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fences are written with ~ here, so that this file's own are told apart.
    fn read(page: &str) -> Result<Vec<Step>, String> {
        steps(&page.replace("~~~", "```")).map_err(|unusable| unusable.to_string())
    }

    fn run(line: usize, commands: &str, prints: Option<Prints>) -> Step {
        Step::Run { line, commands: commands.to_owned(), prints }
    }

    #[test]
    fn commands_are_read_with_what_they_print() {
        let page = "# T\n~~~sh\na\nb\n~~~\n\n~~~json\n1\n~~~\n~~~sh\nc\n~~~\n~~~text\nd\n~~~\n";
        let json = Prints::Json("1\n".to_owned());
        let text = Prints::Text("d\n".to_owned());
        let expected = vec![run(3, "a\nb\n", Some(json)), run(11, "c\n", Some(text))];
        assert_eq!(read(page), Ok(expected));
    }

    #[test]
    fn a_text_of_its_own_is_not_what_commands_print() {
        let checked = "~~~sh\na\n~~~\n~~~text\nb\n~~~\n";
        let steps = read(&format!("{checked}~~~sh\nc\n~~~\nwords\n~~~text\nd\n~~~\n")).unwrap();
        assert_eq!(steps[1], run(8, "c\n", None));
        let steps = read(&format!("{checked}\n~~~text\nsecond\n~~~\n")).unwrap();
        assert_eq!(steps.len(), 1);
    }

    #[test]
    fn servers_start_and_stop_where_the_page_says() {
        let page = "~~~sh server\ns\n~~~\n~~~sh\na\n~~~\n~~~text\nb\n~~~\n~~~sh stop\n# how\n~~~\n";
        let steps = read(page).unwrap();
        assert_eq!(steps[0], Step::Serve { line: 2, command: "s\n".to_owned() });
        assert_eq!(steps[2], Step::Stop { line: 11 });
    }

    #[test]
    fn the_readme_is_run_but_for_what_is_for_the_source() {
        let page = "```sh\ncargo run\n```\n```sh\na\nb\nsublet serve\n```\n```text\nx\n```\n";
        let command = "sublet serve --listen 127.0.0.1:8080\n".to_owned();
        let expected = vec![run(5, "a\nb\n", None), Step::Serve { line: 7, command }];
        assert_eq!(readme_steps(page), Ok(expected));
        assert!(readme_steps("```sh\na\n```\n").is_err());
    }

    #[test]
    fn a_page_that_would_not_be_checked_is_refused() {
        for (page, says) in [
            ("words\n", "line 1: the page has no commands with what they print"),
            ("~~~sh\na\n~~~\n", "line 1: the page has no commands with what they print"),
            ("~~~sh\n~~~\n", "line 2: there is nothing to run"),
            ("~~~json\n1\n~~~\n", "line 2: a ```json block stands below no commands"),
            ("~~~sh\na\n~~~\nx\n~~~json\n1\n~~~\n", "line 6: a ```json block stands below no"),
            ("~~~toml\na\n~~~\n", "line 2: a block is sh, sh server, sh stop, json or text"),
            ("~~~\na\n~~~\n", "line 2: a block is"),
            ("~~~sh stop\nkill 1\n~~~\n", "line 2: how a server is stopped is told in a comment"),
            ("~~~sh server x\na\n~~~\n", "line 2: a block is"),
            ("~~~sh\na\n", "line 1: a block has no end"),
            ("~~~sh\na\n~~~sh\n", "line 3: a block begins within another one"),
            ("- x\n  ~~~sh\n  a\n  ~~~\n", "line 2: a block is indented"),
        ] {
            let unusable = read(page).unwrap_err();
            assert!(unusable.starts_with(says), "{page:?}: {unusable}");
        }
    }
}
