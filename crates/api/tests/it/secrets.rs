//! Secrets stay secret: in logs at every level, metrics and errors.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::shop::{Shop, order_body};
use crate::trouble::Trouble;

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_in_any_log_metric_or_error() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let shop = Shop::open().await;
    let list = shop.look(&shop.ka, "ipAddress").await.json();
    let address = &list["MOBILE"][0]["ipAddresses"][0];
    let password = address["authInfo"]["password"].as_str().unwrap().to_owned();
    let link = address["rebootLink"].as_str().unwrap().to_owned();
    let token = link.split('=').nth(1).unwrap().to_owned();
    let canary = "canary0in0a0goal";
    let mut told = String::new();
    for trouble in [Trouble::None, Trouble::Full, Trouble::Unknown, Trouble::Panics, Trouble::Away]
    {
        shop.store.be(trouble);
        for key in [&shop.ka, &shop.krev, &shop.kip] {
            let order = order_body("IPv4", 1).replace("tests", canary);
            for answer in [
                shop.call(key, "order", &order).await,
                shop.call(key, "order", &order.replace("\"IPv4\"", canary)).await,
                shop.call(key, "extend", &json!({ "proxyType": canary }).to_string()).await,
                shop.call(key, "nothing", &order).await,
                shop.look(key, "balance?x=canary0in0a0goal").await,
                shop.look(key, "extend").await,
                shop.native(key, "/api/v1/wallet").await,
                shop.native(key, "/api/v1/receipts/canary0in0a0goal").await,
                shop.native(&shop.operator_token, "/sandbox/v1/clock").await,
                shop.get(&format!("/api/proxy/reboot?token={token}")).await,
                shop.get(&format!("/{key}/{canary}")).await,
            ] {
                told.push_str(&answer.head);
                told.push_str(&answer.body);
            }
        }
    }
    shop.store.be(Trouble::None);
    told.push_str(&shop.get("/metrics").await.body);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("Answered /client/api/v1/{apiKey}/order with 503"), "{log}");
    assert!(log.contains("key.id=1"));
    for secret in [&shop.ka, &shop.krev, &shop.kip, &shop.operator_token, &password, &token, canary]
    {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert!(!told.contains(secret), "{secret} is in an answer");
    }
}
