//! The examples under `fixtures/` are the contract: each is read, written again and compared.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

mod examples;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::number::Number;
use wire::youproxy::auto_extend::{AutoExtendAnswer, AutoExtendRequest, AutoExtended};
use wire::youproxy::balance::{Account, BalanceAnswer};
use wire::youproxy::calculate::{CalculateAnswer, Calculated};
use wire::youproxy::country::CountryAnswer;
use wire::youproxy::extend::{ExtendAnswer, ExtendRequest, Extended};
use wire::youproxy::ip_address::{IpAddressAnswer, Page};
use wire::youproxy::mobile_operator::MobileOperatorAnswer;
use wire::youproxy::order::{OrderAnswer, OrderRequest, Ordered};
use wire::youproxy::problem::ProblemKind::{
    self, ApiKey, Funds, Goal, IpAddresses, MobileOperator, OrderIds,
};
use wire::youproxy::promo_code::{PromoCodeAnswer, PromoCodeStatus};
use wire::youproxy::proxy_type::{ProxyType, ProxyTypeAnswer};
use wire::youproxy::rent_period::RentPeriodAnswer;

use crate::examples::{compact, examples};

/// Reads an example into its type and writes it again.
///
/// A new call gets an arm here; a folder without one fails the test.
fn rewrite(call: &str, is_request: bool, json: &str) -> String {
    let bytes = json.as_bytes();
    match (call, is_request) {
        ("calculate-order" | "order", true) => write(&OrderRequest::read(bytes).unwrap()),
        ("calculate-extend" | "calculate-extend-order" | "extend" | "extend-order", true) => {
            write(&ExtendRequest::read(bytes).unwrap())
        }
        ("extend-auto" | "extend-order-auto", true) => {
            write(&AutoExtendRequest::read(bytes).unwrap())
        }
        ("balance", false) => read_and_write::<BalanceAnswer>(json),
        ("calculate-order" | "calculate-extend" | "calculate-extend-order", false) => {
            read_and_write::<CalculateAnswer>(json)
        }
        ("country", false) => read_and_write::<CountryAnswer>(json),
        ("extend" | "extend-order", false) => read_and_write::<ExtendAnswer>(json),
        ("extend-auto" | "extend-order-auto", false) => read_and_write::<AutoExtendAnswer>(json),
        ("ip-address" | "ip-address-page", false) => {
            read_and_write::<IpAddressAnswer<'static>>(json)
        }
        ("mobile-operator", false) => read_and_write::<MobileOperatorAnswer>(json),
        ("order", false) => read_and_write::<OrderAnswer>(json),
        ("promo-code", false) => read_and_write::<PromoCodeAnswer>(json),
        ("proxy-type", false) => read_and_write::<ProxyTypeAnswer>(json),
        ("rent-period", false) => read_and_write::<RentPeriodAnswer>(json),
        _ => panic!("no type for {call}: give it an arm in tests/fixtures.rs"),
    }
}

/// `<case>.<how>` is another way to say `<case>`, and is written as that.
#[test]
fn every_example_is_written_as_it_was_read() {
    let examples = examples("youproxy");
    for (name, json) in &examples {
        let (call, case) = name.split_once('/').unwrap();
        let written = rewrite(call, case.starts_with("request"), json);
        let plain = name.split_once('.').map_or(name.as_str(), |(plain, _)| plain);
        assert_eq!(written, compact(&examples[plain]), "{name}");
    }
}

#[test]
fn every_call_has_an_example_of_success_and_one_of_an_error() {
    let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in examples("youproxy").into_keys() {
        let (call, case) = name.split_once('/').unwrap();
        cases.entry(call.to_owned()).or_default().push(case.to_owned());
    }
    assert_eq!(cases.len(), 16);
    for (call, cases) in cases {
        for kind in ["success", "error"] {
            assert!(cases.iter().any(|case| case.starts_with(kind)), "{call} lacks {kind}");
        }
    }
}

#[test]
fn a_success_is_put_together_as_in_the_examples() {
    let proxy_types = ProxyType::ALL.to_vec();
    check("proxy-type/success", &ProxyTypeAnswer::listed(proxy_types));
    check("rent-period/success-mobile", &RentPeriodAnswer::listed(vec![30, 360]));
    check("balance/success", &BalanceAnswer::told(usd(2503)));

    let calculated = Calculated {
        proxy_type: ProxyType::Ipv4,
        account: usd(718),
        price: Number::from_minor(131, 2),
        discount: Number::ZERO,
        promo_code_status: None,
        warnings: Vec::new(),
    };
    check("calculate-order/success", &CalculateAnswer::priced(calculated.clone()));
    let unpaid = Calculated {
        proxy_type: ProxyType::Mobile,
        price: Number::from_minor(1840, 2),
        warnings: vec![Funds.into()],
        ..calculated
    };
    check("calculate-order/warning", &CalculateAnswer::priced(unpaid));

    let ordered = Ordered {
        proxy_type: ProxyType::Ipv6,
        order_number: "NUMBER-100246".to_owned(),
        account: usd(376),
        promo_code_status: Some(PromoCodeStatus::Valid),
    };
    check("order/promo-valid", &OrderAnswer::ordered(ordered));

    let addresses = ["66f0c2a91b7e4d0012ab0001", "66f0c2a91b7e4d0012ab0002"].map(str::to_owned);
    let extended = Extended {
        proxy_type: ProxyType::Ipv4,
        rent_period_days: 30,
        ip_address_ids: addresses.to_vec(),
        account: usd(65),
        promo_code_status: None,
    };
    check("extend/success", &ExtendAnswer::extended(extended));
    let changed = AutoExtended {
        proxy_type: ProxyType::Ipv4,
        rent_period_days: 30,
        ip_address_ids: addresses.to_vec(),
        order_ids: Some(vec!["66f0c1f03c5d9e0044aa0101".to_owned()]),
        account: usd(500),
    };
    check("extend-order-auto/success", &AutoExtendAnswer::changed(changed));
}

#[test]
fn a_refusal_keeps_every_member_with_its_neutral_value() {
    check("proxy-type/error", &ProxyTypeAnswer::refused(ApiKey));
    check("balance/error", &BalanceAnswer::refused(None, ApiKey));
    check("country/error", &CountryAnswer::refused(ProblemKind::ProxyType));
    check("rent-period/error", &RentPeriodAnswer::refused(ProblemKind::ProxyType));
    check("mobile-operator/error", &MobileOperatorAnswer::refused(ApiKey));
    check("promo-code/error", &PromoCodeAnswer::refused(ApiKey));

    check("calculate-order/error", &CalculateAnswer::refused(Some(usd(718)), Goal));
    check("calculate-extend/error", &CalculateAnswer::refused(Some(usd(65)), IpAddresses));
    check("calculate-extend-order/error", &CalculateAnswer::refused(Some(usd(718)), OrderIds));
    check("calculate-order/error-key", &CalculateAnswer::refused(None, ApiKey));
    check("order/error-operator", &OrderAnswer::refused(Some(usd(376)), MobileOperator));
    check("order/error-funds", &OrderAnswer::refused(Some(usd(0)), Funds));
    check("order/error-key", &OrderAnswer::refused(None, ApiKey));
    check("extend/error", &ExtendAnswer::refused(Some(usd(65)), IpAddresses));
    check("extend-order/error", &ExtendAnswer::refused(Some(usd(65)), OrderIds));
    check("extend/error-key", &ExtendAnswer::refused(None, ApiKey));
    check("extend-auto/error", &AutoExtendAnswer::refused(Some(usd(500)), ProblemKind::ProxyType));
    check(
        "extend-order-auto/error",
        &AutoExtendAnswer::refused_orders(Some(usd(500)), ProblemKind::ProxyType),
    );
}

#[test]
fn a_listing_has_the_lists_that_were_asked_for() {
    let page = Page { page: 0, size: 20, total_pages: 0, total_elements: 0 };
    let ipv4 = Some(ProxyType::Ipv4);
    let mobile = Some(ProxyType::Mobile);
    check("ip-address/error", &IpAddressAnswer::refused(None, ApiKey));
    check("ip-address/error-type", &IpAddressAnswer::refused(None, ProblemKind::ProxyType));
    check("ip-address/error-by-type", &IpAddressAnswer::refused(mobile, ApiKey));
    check("ip-address/success-by-type-empty", &IpAddressAnswer::listed(ipv4));
    check("ip-address-page/success-empty", &IpAddressAnswer::listed(ipv4).paged(page));
    check("ip-address-page/error", &IpAddressAnswer::refused(ipv4, ApiKey).paged(page));
}

#[track_caller]
fn check(name: &str, answer: &impl Serialize) {
    assert_eq!(write(answer), compact(&examples("youproxy")[name]), "{name}");
}

fn usd(balance_minor: i64) -> Account {
    Account { balance: Number::from_minor(balance_minor, 2), currency: "USD".to_owned() }
}

fn read_and_write<T: DeserializeOwned + Serialize>(json: &str) -> String {
    write(&serde_json::from_str::<T>(json).unwrap())
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}
