//! API keys and operator tokens.

use serde_json::Value;
use store::Store;

use super::desk::Desk;

#[test]
fn a_key_is_shown_once_and_kept_as_a_hash() {
    let desk = Desk::new();
    let id = desk.object("customer create --name Ann")["customer_id"].clone();
    let line = format!(
        "key create --customer {id} --name shop --allow-ip 198.51.100.0/24 --allow-ip ::1 \
         --read-only --repeat-window 30 --requests-per-minute 60 --expires 30d"
    );
    let made = desk.object(&line);
    let secret = made["api_key"].as_str().unwrap();
    assert!(engine::secret::looks_like_api_key(secret), "{secret}");
    let (key, owner) =
        desk.store.key_by_hash(&engine::secret::hash(secret)).unwrap().expect("it is found");
    assert_eq!(owner.name, "Ann");
    assert!(key.read_only && key.allowed.len() == 2);
    assert_eq!(key.repeat_window.millis(), 30_000);
    assert_eq!(key.requests_per_minute, Some(60));
    assert_eq!(key.expires_at.unwrap().since(desk.now).millis(), 30 * 86_400_000);

    let other = desk.object(&format!("key create --customer {id}"));
    assert_ne!(other["api_key"], made["api_key"]);
    let list = desk.type_in("key list", "", true);
    assert!(!list.out.contains(secret));
    let number = &made["key_id"];
    assert_eq!(desk.object(&format!("key revoke {number}"))["revoked"], true);
    let states: Vec<Value> = desk
        .objects(&format!("key list --customer {id}"))
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    assert_eq!(states, ["revoked", "valid"]);
    desk.refused("key revoke 999", 1, "there is no key 999");
    desk.refused("key create --customer 999", 1, "there is no customer 999");
    desk.refused(&format!("key create --customer {id} --expires 2020-01-01"), 2, "in the past");
}

#[test]
fn an_operator_token_is_made_and_revoked() {
    let desk = Desk::new();
    let made = desk.object("operator token create --name clock");
    let secret = made["token"].as_str().unwrap();
    assert!(engine::secret::looks_like_operator_token(secret));
    let hash = engine::secret::hash(secret);
    assert_eq!(desk.store.operator_token_by_hash(&hash).unwrap().unwrap().name, "clock");
    desk.object(&format!("operator token revoke {}", made["token_id"]));
    assert_eq!(desk.store.operator_token_by_hash(&hash).unwrap(), None);
    assert_eq!(desk.object("operator token list")["state"], "revoked");
    desk.refused("operator token revoke 999", 1, "there is no operator token 999");
}
