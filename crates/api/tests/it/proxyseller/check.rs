//! `tools/proxy/check`

use serde_json::{Value, json};

use crate::client::Answer;
use crate::shop::Shop;

async fn checked(shop: &Shop, proxy: &str) -> Answer {
    shop.ps_get("v1", &format!("tools/proxy/check?proxy={proxy}")).await
}

#[tokio::test]
async fn ones_own_proxies_are_known() {
    let shop = Shop::open().await;
    let listed = shop.ps_get("v1", "proxy/list").await.ps_ok();
    for (item, port) in [
        (&listed["ipv4"][0], "port_http"),
        (&listed["ipv4"][1], "port_socks"),
        (&listed["ipv6"][2], "port_socks"),
        (&listed["mobile"][0], "port_http"),
    ] {
        let (ip, port) = (item["ip_only"].as_str().unwrap(), &item[port]);
        let (login, password) = (&item["login"], &item["password"]);
        let known = format!("{}:{}@", login.as_str().unwrap(), password.as_str().unwrap());
        let expected = |user: &Value, password: &Value| {
            json!({ "ip": ip, "port": port, "user": user, "password": password, "valid": false,
                "protocol": null, "time": 0 })
        };
        let answer = checked(&shop, &format!("{known}{ip}:{port}")).await;
        assert_eq!(answer.ps_ok(), expected(login, password));
        let answer = checked(&shop, &format!("{ip}%3A{port}")).await;
        assert_eq!(answer.ps_ok(), expected(&json!(""), &json!("")));
    }
}

#[tokio::test]
async fn nothing_else_is_looked_at() {
    let shop = Shop::open().await;
    let path = format!("/personal/api/v1/{}/proxy/list/ipv4", shop.kb);
    let bobs = shop.get(&path).await.ps_ok()["items"][0]["ip"].clone();
    let bobs = format!("{}:8081", bobs.as_str().unwrap());
    let own = shop.ps_get("v1", "proxy/list/ipv4").await.ps_ok()["items"][0]["ip"].clone();
    let wrong_port = format!("{}:22", own.as_str().unwrap());
    for other in [&bobs, &wrong_port, "192.0.2.1:80", "localhost:8081"] {
        checked(&shop, other).await.ps_refused("IP not found", 0);
    }
    for wrong in ["", "null", "127.0.0.1", "127.0.0.1:x", "http://127.0.0.1"] {
        checked(&shop, wrong).await.ps_refused("Set existed [proxy]", 0);
    }
    assert_eq!(shop.ps_get("v2", "tools/proxy/check?proxy=x:1").await.status, 404);
}
