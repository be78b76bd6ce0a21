//! House rules that a machine can keep. Each fails with a sentence that says what to do.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates may use which; ARCHITECTURE.md says why.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("wire", &[]),
    ("store", &["domain"]),
    ("engine", &["domain", "store"]),
    ("serve", &[]),
    ("api", &["domain", "engine", "serve", "wire"]),
    ("sublet", &["api", "domain", "engine", "feed", "gateway", "modem", "serve", "store", "wire"]),
    ("feed", &[]),
    ("gateway", &["domain", "feed"]),
    ("modem", &[]),
    ("e2e", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Value {
    let about = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(about.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // What only other systems need has not been fetched.
        .args(["--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every text file that git knows, with its content.
fn files() -> Vec<(String, String)> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    let files: Vec<_> = names
        .split_terminator('\0')
        .filter_map(|name| {
            Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?))
        })
        .collect();
    assert!(files.len() > 50, "git knows too few files; run the tests in a checkout");
    files
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        if !package["source"].is_null() {
            continue;
        }
        let name = package["name"].as_str().unwrap();
        let allowed = allowed.get(name).unwrap_or_else(|| {
            panic!("crate {name} is new: give it a row here and in ARCHITECTURE.md")
        });
        for dependency in package["dependencies"].as_array().unwrap() {
            let ours = dependency["source"].is_null();
            let product = dependency["kind"].is_null();
            let used = dependency["name"].as_str().unwrap();
            assert!(
                !(ours && product) || allowed.contains(used),
                "{name} may not use {used}: put the code where it belongs, or argue for the edge in \
                 ARCHITECTURE.md and add it here"
            );
        }
    }
}

#[test]
fn dependencies_keep_the_policy() {
    let policy = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let policy: toml::Table = policy.parse().unwrap();
    let texts = |value: &toml::Value| -> BTreeSet<String> {
        let entries = value.as_array().unwrap().iter();
        entries
            .map(|entry| entry.as_str().or(entry.get("name").and_then(|name| name.as_str())))
            .map(|text| text.unwrap().to_owned())
            .collect()
    };
    let licences = texts(&policy["licenses"]["allow"]);
    let banned = texts(&policy["bans"]["deny"]);
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "the metadata is incomplete");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned by deny.toml");
        if let Some(source) = package["source"].as_str() {
            assert!(source.starts_with("registry+"), "{name} does not come from the registry");
        }
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(
            is_allowed(licence, &licences),
            "{name} has the licence {licence}, which deny.toml does not allow"
        );
    }
}

/// Whether a licence expression can be met: one side of each OR, both of each AND.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    expression
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(|part| allowed.contains(part.trim())))
}

#[test]
fn the_repository_speaks_of_the_product_alone() {
    let home = ["/ro", "ot/"].concat();
    let work = ["/wo", "rk/"].concat();
    let forbidden = [home, work, ["/tmp/ba", "sh_jobs"].concat()];
    for (name, text) in files() {
        for word in &forbidden {
            assert!(!text.contains(word.as_str()), "{name} names a path of a machine: {word}");
        }
        if name.ends_with(".rs") {
            for mark in
                [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["unimple", "mented!("].concat()]
            {
                assert!(!text.contains(&mark), "{name} says {mark}: finish it, or leave it out");
            }
        }
    }
}

#[test]
fn sql_stays_in_the_store() {
    let statements = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"];
    for (name, text) in files() {
        let elsewhere = name.ends_with(".rs")
            && !name.starts_with("crates/store/")
            && !name.contains("/tests/")
            && !name.starts_with("crates/e2e/");
        if elsewhere {
            for statement in statements {
                let quoted = format!("\"{statement}");
                assert!(!text.contains(&quoted), "{name} has SQL in it: only the store may");
            }
        }
    }
}

#[test]
fn every_youproxy_call_has_examples() {
    let calls = [
        "balance",
        "proxy-type",
        "country",
        "rent-period",
        "mobile-operator",
        "promo-code",
        "calculate-order",
        "calculate-extend",
        "calculate-extend-order",
        "order",
        "extend",
        "extend-order",
        "extend-auto",
        "extend-order-auto",
        "ip-address",
    ];
    let folder = root().join("crates/wire/fixtures/youproxy");
    let found: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().replace('_', "-").to_lowercase())
        .collect();
    for call in calls {
        assert!(found.contains(call), "{call} has no examples in wire/fixtures: found {found:?}");
    }
}
