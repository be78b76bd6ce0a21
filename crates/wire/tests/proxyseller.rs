//! The examples under `fixtures/proxyseller` are the contract: each is read, written again and
//! compared.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

mod examples;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::proxyseller::auth::{AuthAddRequest, AuthChangeRequest, AuthItem, Deleted};
use wire::proxyseller::auto_prolong::{AutoProlongCalculated, AutoProlonged};
use wire::proxyseller::auto_top_up::{AutoTopUp, AutoTopUpRequest};
use wire::proxyseller::balance::{AddRequest, Added, Balance};
use wire::proxyseller::check::Checked;
use wire::proxyseller::comment::{CommentRequest, Updated};
use wire::proxyseller::envelope::{Envelope, Problem};
use wire::proxyseller::order::{Calculated, OrderRequest, Ordered};
use wire::proxyseller::order_list::OrderList;
use wire::proxyseller::prolong::{ProlongCalculated, ProlongRequest, Prolonged};
use wire::proxyseller::proxy_list::{Lists, ProxyItem};
use wire::proxyseller::reference::{Items, Named, Section, Sections};
use wire::proxyseller::replace::{ReplaceRequest, Replaced};
use wire::proxyseller::system::Pong;

use crate::examples::{compact, examples};

const VERSIONS: [&str; 2] = ["v1", "v2"];

/// Reads an example into its type and writes it again.
///
/// A new call gets an arm here; a folder without one fails the test.
fn rewrite(call: &str, case: &str, json: &str) -> String {
    let bytes = json.as_bytes();
    match (call, case.starts_with("request")) {
        ("order-calc" | "order-make", true) => write(&OrderRequest::read(bytes).unwrap()),
        ("prolong-calc" | "prolong-make", true) => write(&ProlongRequest::read(bytes).unwrap()),
        ("auth-add" | "auth-add-ip", true) => write(&AuthAddRequest::read(bytes).unwrap()),
        ("auth-change" | "auth-active" | "auth-delete", true) => {
            write(&AuthChangeRequest::read(bytes).unwrap())
        }
        ("proxy-replace", true) => write(&ReplaceRequest::read(bytes).unwrap()),
        ("auth-list", false) => enveloped::<Vec<AuthItem>>(json),
        ("auth-add" | "auth-add-ip" | "auth-change" | "auth-active", false) => {
            enveloped::<AuthItem>(json)
        }
        ("auth-delete", false) => enveloped::<Deleted>(json),
        ("proxy-replace", false) => enveloped::<Replaced>(json),
        ("autoprolong-calc" | "autoprolong-enable" | "autoprolong-disable", true) => {
            write(&ProlongRequest::read(bytes).unwrap())
        }
        ("balance-add", true) => write(&AddRequest::read(bytes).unwrap()),
        ("balance-autotopup-set", true) => write(&AutoTopUpRequest::read(bytes).unwrap()),
        ("autoprolong-calc", false) => enveloped::<AutoProlongCalculated>(json),
        ("autoprolong-enable" | "autoprolong-disable", false) => enveloped::<AutoProlonged>(json),
        ("balance-add", false) => enveloped::<Added>(json),
        ("balance-autotopup-get" | "balance-autotopup-set", false) => enveloped::<AutoTopUp>(json),
        ("balance-payments-list", false) => enveloped::<Items<Vec<Named>>>(json),
        ("balance-get", false) => enveloped::<Balance>(json),
        ("order-calc", false) => enveloped::<Calculated>(json),
        ("order-make", false) => enveloped::<Ordered>(json),
        ("prolong-calc", false) => enveloped::<ProlongCalculated>(json),
        // One that cannot be paid tells the price.
        ("prolong-make", false) if case == "error-unpaid" => enveloped::<ProlongCalculated>(json),
        ("prolong-make", false) => enveloped::<Prolonged>(json),
        ("reference-list", false) if case == "success-all" => enveloped::<Sections>(json),
        ("reference-list", false) => enveloped::<Items<Section>>(json),
        ("proxy-list", false) if case == "success-all" => enveloped::<Lists<'_>>(json),
        ("proxy-list", false) => enveloped::<Items<Vec<ProxyItem<'_>>>>(json),
        ("proxy-download", false) if case == "success-json" => {
            write(&serde_json::from_str::<Vec<ProxyItem<'_>>>(json).unwrap())
        }
        ("proxy-download", false) => enveloped::<()>(json),
        ("proxy-comment-set", true) => write(&CommentRequest::read(bytes).unwrap()),
        ("proxy-comment-set", false) => enveloped::<Updated>(json),
        ("tools-proxy-check", false) => enveloped::<Checked>(json),
        ("order-list", false) => enveloped::<OrderList>(json),
        ("system-ping", false) => enveloped::<Pong>(json),
        _ => panic!("no type for {call}: give it an arm in tests/proxyseller.rs"),
    }
}

/// `<case>.<how>` is another way to say `<case>`, and is written as that.
#[test]
fn every_example_is_written_as_it_was_read() {
    for version in VERSIONS {
        let examples = all(version);
        for (name, json) in &examples {
            let (call, case) = name.split_once('/').unwrap();
            let written = rewrite(call, case, json);
            let plain = name.split_once('.').map_or(name.as_str(), |(plain, _)| plain);
            assert_eq!(written, compact(&examples[plain]), "{version}/{name}");
        }
    }
}

#[test]
fn every_call_has_an_example_of_success_and_one_of_an_error() {
    for version in VERSIONS {
        let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in all(version).into_keys() {
            let (call, case) = name.split_once('/').unwrap();
            cases.entry(call.to_owned()).or_default().push(case.to_owned());
        }
        for (call, cases) in cases {
            for kind in ["success", "error"] {
                let found = cases.iter().any(|case| case.starts_with(kind));
                assert!(found, "{version}/{call} lacks {kind}");
            }
        }
    }
}

#[test]
fn whoever_is_not_let_in_is_told_three_things() {
    let refused = |address| Envelope::<()>::refused(Problem::access(address).to_vec());
    check("v1", "balance-get/error-access", &refused(None));
    check("v2", "balance-get/error-access", &refused(Some("203.0.113.44")));
}

#[test]
fn an_answer_has_three_forms() {
    let quote: Envelope<Calculated> =
        serde_json::from_str(&all("v1")["order-calc/error-unpaid"]).unwrap();
    let quote = quote.data.unwrap();
    let warning = quote.warning.clone();
    check("v1", "order-calc/error-unpaid", &Envelope::unpaid(quote.clone(), vec![]));
    let explained = Envelope::unpaid(quote, vec![Problem::new(warning, 0)]);
    check("v1", "order-calc/error-unpaid-explained", &explained);
    let refused = Envelope::<()>::refused(vec![Problem::new("Incorrect orderIds", 29)]);
    check("v2", "prolong-make/error-orders", &refused);
    check("v1", "system-ping/success", &Envelope::success(Pong { pong: 1_795_284_000 }));
}

fn all(version: &str) -> BTreeMap<String, String> {
    examples(&format!("proxyseller/{version}"))
}

#[track_caller]
fn check(version: &str, name: &str, answer: &impl Serialize) {
    assert_eq!(write(answer), compact(&all(version)[name]), "{version}/{name}");
}

fn enveloped<T: DeserializeOwned + Serialize>(json: &str) -> String {
    write(&serde_json::from_str::<Envelope<T>>(json).unwrap())
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}
