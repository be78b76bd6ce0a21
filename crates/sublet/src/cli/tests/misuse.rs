//! What is typed wrong, and what is asked for in vain.

use clap::CommandFactory;
use serde_json::Value;

use super::desk::Desk;
use crate::cli::CommandLine;

#[test]
fn the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn what_is_typed_wrong_is_said_in_one_line_with_a_hint() {
    for (line, says, hint) in [
        ("custmer list", "unrecognized subcommand 'custmer'", "exists: 'customer'"),
        ("customer create", "--name <NAME>", "sublet customer create --help"),
        ("key create --customer x", "a customer's number is expected", "--help"),
        ("key", "'sublet key' requires a subcommand", "sublet key --help"),
        ("stock add --kind IPv5 --country USA --cidr ::1", "known are IPv4", "--help"),
        ("stock add --kind IPv4 --country USA --cidr 10.0.0.1/8", "a range begins with", "--help"),
        ("promo create X --percent 0", "more than 0 and at most 100", "--help"),
    ] {
        let answer = Desk::new().type_in(line, "", false);
        assert_eq!(answer.code, 2, "{line}");
        let lines: Vec<&str> = answer.notes.lines().collect();
        assert_eq!(lines.len(), 2, "{}", answer.notes);
        assert!(lines[0].starts_with("error: ") && lines[0].contains(says), "{}", answer.notes);
        assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "{}", answer.notes);
        assert_eq!(answer.out, "");
    }
}

#[test]
fn help_is_no_problem() {
    let answer = Desk::new().type_in("promo create --help", "", true);
    assert_eq!((answer.code, answer.notes.as_str()), (0, ""));
    assert!(answer.out.contains("sublet promo create SPRING --percent 10"), "{}", answer.out);
}

#[test]
fn lists_say_when_they_are_empty() {
    let desk = Desk::new();
    for (line, says) in [
        ("customer list", "There are no customers yet."),
        ("key list", "There are no keys yet."),
        ("promo list", "There are no promo codes yet."),
        ("stock list", "There is no stock yet."),
        ("operator token list", "There are no operator tokens yet."),
        ("events", "Nothing has happened yet."),
    ] {
        assert_eq!(desk.shown(line), format!("{says}\n"), "{line}");
        assert_eq!(desk.objects(line), Vec::<Value>::new(), "{line}");
    }
}
