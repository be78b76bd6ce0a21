//! Every command in every guide is run, and prints what the guide says; so is what the README shows.
//!
//! A guide is a page in `docs/customers` or `docs/operators`. Each one is read after
//! `operators/setting-up.md`, in a folder, on a database and on a port of its own: so its commands
//! may use what that page sets up (`$HOST`, `$BASE`, `$KEY`, `$CUSTOMER`, `$TOKEN`).
//! [`markdown::steps`] says how blocks are marked, [`matching`] how what they print is compared, and
//! [`session`] how they are run.

mod markdown;
mod matching;
mod session;

use std::collections::BTreeSet;
use std::fs;

use markdown::Step;

/// The page that prepares all others.
const SETTING_UP: &str = "operators/setting-up.md";

macro_rules! guides {
    ($($name:ident: $page:literal,)*) => {
        /// Every guide that is run.
        const GUIDES: &[&str] = &[$($page),*];

        $(
            #[test]
            fn $name() {
                works_as_printed($page);
            }
        )*
    };
}

guides! {
    customers_index: "customers/index.md",
    customers_authorization: "customers/authorization.md",
    customers_using_proxies: "customers/using-proxies.md",
    customers_api_keys: "customers/api-keys.md",
    customers_preparing_an_order: "customers/preparing-an-order.md",
    customers_placing_an_order: "customers/placing-an-order.md",
    customers_extending: "customers/extending.md",
    customers_auto_extend: "customers/auto-extend.md",
    customers_usage: "customers/usage.md",
    customers_rotation: "customers/rotation.md",
    customers_errors: "customers/errors.md",
    customers_youproxy: "customers/youproxy.md",
    customers_proxy_seller: "customers/proxy-seller.md",
    operators_index: "operators/index.md",
    operators_setting_up: "operators/setting-up.md",
    operators_catalogue: "operators/catalogue.md",
    operators_stock: "operators/stock.md",
    operators_modems: "operators/modems.md",
    operators_customers_and_money: "operators/customers-and-money.md",
    operators_payments: "operators/payments.md",
    operators_usage: "operators/usage.md",
    operators_backup: "operators/backup.md",
    operators_moving_to_postgresql: "operators/moving-to-postgresql.md",
    operators_running: "operators/running.md",
    operators_postgresql: "operators/postgresql.md",
    operators_gateways: "operators/gateways.md",
}

#[track_caller]
fn works_as_printed(page: &'static str) {
    let pages = if page == SETTING_UP { vec![page] } else { vec![SETTING_UP, page] };
    let pages: Vec<(&str, Vec<Step>)> = pages.into_iter().map(|page| (page, steps(page))).collect();
    if let Err(problem) = session::read(&pages) {
        panic!("{problem}");
    }
}

#[track_caller]
fn steps(page: &str) -> Vec<Step> {
    let path = session::docs().join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    markdown::steps(&text).unwrap_or_else(|unusable| panic!("docs/{page}, {unusable}"))
}

#[test]
fn readme() {
    let text = fs::read_to_string(session::docs().join("../README.md")).unwrap();
    let steps = markdown::readme_steps(&text).unwrap_or_else(|unusable| panic!("{unusable}"));
    if let Err(problem) = session::read(&[("../README.md", steps)]) {
        panic!("{problem}");
    }
}

#[test]
fn no_guide_is_left_out() {
    let mut found = BTreeSet::new();
    for folder in ["customers", "operators"] {
        for entry in fs::read_dir(session::docs().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            found.insert(format!("{folder}/{name}"));
        }
    }
    let run: BTreeSet<String> = GUIDES.iter().map(|page| (*page).to_owned()).collect();
    assert_eq!(found, run, "every page in these folders is a guide, and stands in the list above");
}

#[test]
fn pages_have_a_title_and_links_lead_somewhere() {
    for page in GUIDES {
        let path = session::docs().join(page);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "docs/{page} begins with its title");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("https://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let linked = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let linked = fs::read_to_string(&linked)
                .unwrap_or_else(|error| panic!("docs/{page} links to {target}: {error}"));
            let leads = anchor.is_empty() || headings(&linked).any(|heading| heading == anchor);
            assert!(leads, "docs/{page} links to {target}, but there is no such heading");
        }
    }
}

/// The anchors of a page's headings, as they are commonly made.
fn headings(page: &str) -> impl Iterator<Item = String> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
    })
}

/// The reasons in the customers' guide are those that there are, in the same words.
#[test]
fn every_reason_of_a_refusal_is_explained() {
    let page = include_str!("../../../../docs/customers/using-proxies.md");
    let (_, table) = page.split_once("| reason | HTTP | Proxy-Status | SOCKS5 |").unwrap();
    let mut rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    for refusal in gateway::refusal::Refusal::ALL {
        let wording = refusal.wording();
        let proxy_status = wording.proxy_status.map_or(String::new(), |it| format!("`{it}`"));
        let expected = format!(
            "| `{}` | {} | {proxy_status} | {} | ",
            wording.code, wording.status, wording.socks_reply
        );
        let row = rows.next().unwrap_or("nothing");
        assert!(row.starts_with(&expected), "{row} is not {expected}…");
    }
    assert_eq!(rows.next(), None);
}
