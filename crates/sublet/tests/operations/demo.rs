//! `sublet demo`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::customer::Customer;
use e2e::http::cents;
use e2e::server::listening;
use serde_json::{Value, json};

use crate::{BINARY, Running};

fn demo(folder: &Path, json: bool) -> (Running, BufReader<impl Read>) {
    let mut command = Command::new(BINARY);
    command.args(json.then_some("--json")).args(["demo", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder.join("demo")).current_dir(folder).env_remove("SUBLET_DATABASE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (Running(child), out)
}

#[test]
fn every_line_that_the_demo_prints_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (running, mut out) = demo(folder.path(), false);
    let mut script = String::new();
    let mut comments = 0;
    loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "the demo has ended: {script}");
        let word = line.split([' ', '=']).next().unwrap_or_default();
        if ["curl", "ORDER", "PROXY", "MOBILE", "LINK", "sublet"].contains(&word) {
            script.push_str(&format!("{line}echo\n"));
        }
        comments += usize::from(line.starts_with('#'));
        if line.contains("Ctrl-C") {
            break;
        }
    }
    assert!(script.contains("PROXY="), "the proxies are not served: {script}");
    let curls = script.lines().filter(|line| line.starts_with("curl")).count();
    assert!(curls >= comments - 1 && curls >= 6, "{script}");

    let binaries = Path::new(BINARY).parent().unwrap().display();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &script]).env("PATH", path).current_dir(folder.path());
    let output = bash.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}\n{wrong}");
    let answers: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // One answer is a file of lines.
    assert!(answers.len() >= curls - 1, "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("@127.")).count(), 2, "{said}");
    for answer in &answers {
        assert!(answer.get("success").is_none_or(|success| success == true), "{answer}");
        assert!(answer["error"].is_null(), "{answer}");
    }
    // The other side has seen the address that was rented, over both protocols.
    let rented = said.lines().find_map(|line| line.split_once("@127.")?.1.split(':').next());
    let rented = format!("127.{}", rented.unwrap());
    let seen: Vec<&Value> =
        answers.iter().filter_map(|answer| answer.get("your_address")).collect();
    let [one, other, before, after] = &seen[..] else { panic!("{said}") };
    assert!(*one == rented.as_str() && *other == rented.as_str(), "{said}");
    // And of the mobile one another address once its link was called.
    let exit = |seen: &Value| seen.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    assert_eq!((exit(before), exit(after)), ("200".to_owned(), "201".to_owned()), "{said}");
    let ordered = answers.iter().find(|answer| answer.get("orderNumber").is_some()).unwrap();
    let extended = answers.iter().find(|answer| answer.get("ipAddressIds").is_some()).unwrap();
    assert_eq!((&ordered["proxyType"], &extended["quantity"]), (&json!("IPv4"), &json!(2)));
    assert!(said.contains("renewal"), "no renewal is among the receipts: {said}");
    drop(running);

    // A later demo goes on from there.
    let (_again, mut out) = demo(folder.path(), true);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let key = ready["api_key"].as_str().unwrap().to_owned();
    assert!(script.contains(&key), "it has another key");
    let customer = Customer { id: ready["customer_id"].as_i64().unwrap(), key };
    let balance = customer.reading("/balance").send(listening(&ready).unwrap()).ok();
    assert!(cents(&balance["balance"]) < 50_000, "its books are new: {balance}");
}
