//! Reads examples and compares texts of JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The texts of all examples of a dialect, by `<call>/<case>`.
pub(crate) fn examples(dialect: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(dialect);
    let mut examples = BTreeMap::new();
    for call in fs::read_dir(root).unwrap() {
        let call = call.unwrap();
        for case in fs::read_dir(call.path()).unwrap() {
            let path = case.unwrap().path();
            let case = path.file_stem().unwrap().to_string_lossy();
            let name = format!("{}/{case}", call.file_name().to_string_lossy());
            examples.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    examples
}

/// The same text without the spaces between its tokens, so that the order of members, the null
/// ones and the digits of numbers all count.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}
