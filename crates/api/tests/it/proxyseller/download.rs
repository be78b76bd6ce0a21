//! `proxy/download`

use serde_json::{Value, json};

use super::VERSIONS;
use crate::client::Answer;
use crate::shop::Shop;

/// Downloads a file; how many lines it has, each checked against what lists say.
async fn downloaded(shop: &Shop, version: &str, call: &str) -> Answer {
    let answer = shop.ps_get(version, &format!("proxy/download/{call}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-sublet-reason"), None, "{answer:?}");
    answer
}

/// A line for each proxy of a section.
async fn lines(shop: &Shop, section: &str, line: impl Fn(&Value) -> String) -> String {
    let listed = shop.ps_get("v2", &format!("proxy/list/{section}")).await.ps_ok();
    let lines: Vec<String> = listed["items"].as_array().unwrap().iter().map(line).collect();
    lines.join("\n")
}

fn text<'i>(item: &'i Value, name: &str) -> &'i str {
    item[name].as_str().unwrap()
}

#[tokio::test]
async fn a_file_has_a_line_for_each_proxy() {
    let shop = Shop::open().await;
    let usual = |item: &Value| {
        let (login, password, ip) = (text(item, "login"), text(item, "password"), text(item, "ip"));
        format!("{login}:{password}@{ip}:8081")
    };
    let usual = lines(&shop, "ipv4", usual).await;
    assert_eq!(usual.lines().count(), 2);
    for version in VERSIONS {
        // Nothing said, in all the ways in which clients say nothing.
        for nothing in [
            "ipv4",
            "ipv4?ext=&proto=&listId=0",
            "ipv4?ext=null&proto=null&listId=null",
            "ipv4?ext=txt&proto=https",
            "IPv4?ext&proto=ftp",
            "ipv4?ext=%login%:%password%@%ip%:%port%",
            "ipv4?ext=%25user%25%3A%25password%25%40%25ip%25%3A%25port%25&x=1",
        ] {
            let answer = downloaded(&shop, version, nothing).await;
            assert_eq!(answer.body, usual, "{nothing}");
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            let name = "attachment; filename=\"ipv4.txt\"";
            assert_eq!(answer.header("content-disposition"), Some(name));
        }
        let csv = downloaded(&shop, version, "ipv4?ext=csv&proto=socks5").await;
        let expected = lines(&shop, "ipv4", |item| {
            format!("{};8082;{};{}", text(item, "ip"), text(item, "login"), text(item, "password"))
        });
        assert_eq!(csv.body, expected.await);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let name = "attachment; filename=\"ipv4.csv\"";
        assert_eq!(csv.header("content-disposition"), Some(name));
    }
}

#[tokio::test]
async fn templates() {
    let shop = Shop::open().await;
    let mobile = lines(&shop, "mobile", |item| {
        let (ip, port) = (text(item, "ip"), &item["port_socks"]);
        format!("socks5;{ip} {port};{};%x%;100%", text(item, "link_reboot"))
    });
    let mobile = mobile.await;
    let six =
        lines(&shop, "ipv6", |item| format!("{}:{}", text(item, "ip_only"), item["port_socks"]));
    let six = six.await;
    for version in VERSIONS {
        let template = "%protocol%;%ip%%20%port%;%rotation_link%;%x%;100%";
        let call = format!("mobile?ext={template}&proto=SOCKS5");
        assert_eq!(downloaded(&shop, version, &call).await.body, mobile);
        // What speaks one protocol only has one port.
        for proto in ["https", "socks5"] {
            let call = format!("ipv6?proto={proto}&ext=%ip%:%port%");
            assert_eq!(downloaded(&shop, version, &call).await.body, six, "{call}");
        }
        let call = "ipv6?ext=%25protocol%25";
        assert_eq!(downloaded(&shop, version, call).await.body, "socks5\nsocks5\nsocks5");
        let none = downloaded(&shop, version, "mix").await;
        assert_eq!((none.body.as_str(), none.header("content-length")), ("", Some("0")));
    }
}

#[tokio::test]
async fn a_file_of_json_has_what_lists_have() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let answer = downloaded(&shop, version, "ipv6?ext=json").await;
        let listed = shop.ps_get(version, "proxy/list/ipv6").await.ps_ok();
        assert_eq!(answer.json(), listed["items"]);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        let name = "attachment; filename=\"ipv6.json\"";
        assert_eq!(answer.header("content-disposition"), Some(name));
    }
}

#[tokio::test]
async fn files_are_filtered_as_lists_are() {
    let shop = Shop::open().await;
    let made = shop.ps_buy(3).await;
    for version in VERSIONS {
        let count = async |query: &str| {
            let call = format!("ipv4?ext=%ip%&{query}");
            downloaded(&shop, version, &call).await.body.lines().count()
        };
        assert_eq!(count("latest=Y").await, 3);
        assert_eq!(count(&format!("orderId={}", made["orderId"].as_str().unwrap())).await, 3);
        assert_eq!(count(&format!("orderId={}", shop.o4.order)).await, 2);
        assert_eq!(count("country=USA").await, 5);
        assert_eq!(count("country=CAN").await, 0);
        assert_eq!(count("ends=Y").await, 0);
    }
}

#[tokio::test]
async fn a_bad_template_is_told_as_each_version_does() {
    let shop = Shop::open().await;
    let long = "x".repeat(251);
    for (ext, words) in [
        (long.as_str(), "ext is too long (max 250)"),
        ("%protocol%://%ip%", "ext contains forbidden characters"),
        ("a%0Ab", "ext contains forbidden characters"),
        ("a%0db", "ext contains forbidden characters"),
        ("a%5Cb", "ext contains forbidden characters"),
    ] {
        let call = format!("proxy/download/ipv4?ext={ext}");
        shop.ps_get("v1", &call).await.ps_refused(words, 0);
        let answer = shop.ps_get("v2", &call).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, words));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("x-sublet-reason"), Some("bad-template"));
    }
}

#[tokio::test]
async fn a_wrong_type_is_told_with_its_name() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for (call, name) in [("/ipv5", "ipv5"), ("/Nothing%20", "Nothing "), ("", ""), ("/", "")] {
            let answer = shop.ps_get(version, &format!("proxy/download{call}")).await;
            let words = format!("Could not find description of list{name} in CrmUserApiProxy");
            answer.ps_refused(&words, 22002);
        }
        for not_offered in ["resident?listId=1", "subresident?package_key=abc"] {
            let answer = shop.ps_get(version, &format!("proxy/download/{not_offered}")).await;
            answer.ps_refused("Tarif not found", 0);
        }
    }
}

#[tokio::test]
async fn an_address_that_may_use_proxies_leaves_the_login_empty() {
    let shop = Shop::open().await;
    let body = json!({ "sectionCode": "ipv4", "countryId": "USA", "periodId": "1m", "quantity": 1,
        "paymentId": "balance", "customTargetName": "x", "authorization": "198.51.100.9" });
    let made = shop.ps("v2", "order/make", &body).await.ps_ok();
    let number = made["listBaseOrderNumbers"][0].as_str().unwrap();
    let answer = downloaded(&shop, "v2", &format!("ipv4?orderId={number}")).await;
    assert!(answer.body.starts_with(":@127."), "{}", answer.body);
}
