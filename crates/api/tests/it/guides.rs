//! The pages.

use crate::shop::{Shop, With};

#[tokio::test]
async fn guides_are_readable_pages_without_script() {
    let shop = Shop::open().await;
    let index = shop.get("/docs").await;
    let links: Vec<&str> = index
        .body
        .split("href=\"/docs/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|path| path.contains('/'))
        .collect();
    assert!(links.len() >= 15);
    for path in links.iter().map(|path| format!("/docs/{path}")).chain(["/docs".into(), "/".into()])
    {
        let page = shop.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"));
        assert!(page.body.contains("<h1") && !page.body.contains("<script"));
        assert!(!page.body.contains("style=\"") && !page.body.contains("<style"), "{path}");
    }
    let style = shop.get("/docs/style.css").await;
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(shop.get("/docs/customers/nothing").await.status, 404);
}

#[tokio::test]
async fn each_part_can_be_left_out() {
    let settings = |api, web| api::Settings { api, web, ..api::Settings::default() };
    let only_web =
        Shop::open_with(With { settings: settings(false, true), ..With::default() }).await;
    assert_eq!(only_web.get("/docs").await.status, 200);
    assert_eq!(only_web.look(&only_web.ka, "balance").await.status, 404);
    assert_eq!(only_web.native(&only_web.ka, "/api/v1/wallet").await.status, 404);
    let only_api =
        Shop::open_with(With { settings: settings(true, false), ..With::default() }).await;
    assert_eq!(only_api.get("/docs").await.status, 404);
    assert_eq!(only_api.get("/").await.status, 404);
    assert_eq!(only_api.look(&only_api.ka, "balance").await.status, 200);
    assert_eq!(only_api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn the_description_is_served() {
    let shop = Shop::open().await;
    let described = shop.get("/api/openapi.json").await;
    assert_eq!(described.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(described.json()["openapi"], "3.1.0");
}
