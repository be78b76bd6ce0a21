//! The shapes of what the native API takes and gives.

use domain::replace::ReplaceReason;
use serde_json::{Map, Value, json};

use super::super::{object, schema};

/// Adds what the native API takes and gives.
pub(in super::super) fn add_schemas(schemas: &mut Map<String, Value>) {
    let text = || json!({ "type": "string" });
    let moment = || json!({ "type": "string", "format": "date-time" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let mut add = |name: &str, members: &[(&str, Value)], required: &[&str]| {
        schemas.insert(name.to_owned(), object(members, required));
    };
    add(
        "ProblemDetails",
        &[
            ("type", text()),
            ("title", text()),
            ("status", count()),
            ("detail", text()),
            ("missing_leases", list(text())),
        ],
        &["type", "title", "status", "detail"],
    );
    add("Wallet", &[("balance", text()), ("currency", text())], &["balance", "currency"]);
    add(
        "Lease",
        &[
            ("id", text()),
            ("order_id", text()),
            ("state", json!({ "enum": ["live", "reserved"] })),
            ("kind", schema("ProxyType")),
            ("country", text()),
            ("package", text()),
            ("exit", text()),
            ("host", text()),
            ("http_port", count()),
            ("socks_port", count()),
            ("access", maybe("object")),
            ("goal", text()),
            ("starts_at", moment()),
            ("ends_at", moment()),
            ("reserved_until", maybe("string")),
            ("auto_extend_days", maybe("integer")),
            ("comment", maybe("string")),
            ("auto_extend_card_id", text()),
            ("protocol", text()),
            ("operator", text()),
            ("rotation_seconds", count()),
            ("reboot_link", text()),
        ],
        &["id", "order_id", "state", "kind", "country", "exit", "host", "starts_at", "ends_at"],
    );
    let leases = [("leases", list(schema("Lease"))), ("next", maybe("string"))];
    add("Leases", &leases, &["leases", "next"]);
    let price = [("period_days", count()), ("unit_price", text()), ("discount_percent", text())];
    add("PackagePrice", &price, &["period_days", "unit_price", "discount_percent"]);
    add(
        "Package",
        &[
            ("package", text()),
            ("name", text()),
            ("number", count()),
            ("kind", schema("ProxyType")),
            ("countries", list(text())),
            ("quantities", list(count())),
            ("prices", list(schema("PackagePrice"))),
        ],
        &["package", "name", "number", "kind", "countries", "quantities", "prices"],
    );
    let packages = [("packages", list(schema("Package"))), ("currency", text())];
    add("Packages", &packages, &["packages", "currency"]);
    add(
        "PlaceOrder",
        &[
            ("kind", schema("ProxyType")),
            ("country", maybe("string")),
            ("package", maybe("string")),
            ("operator", maybe("string")),
            ("rotation_seconds", maybe("integer")),
            ("source_ip", maybe("string")),
            ("period_days", count()),
            ("protocol", json!({ "enum": ["HTTP", "SOCKS", null] })),
            ("goal", maybe("string")),
            ("quantity", count()),
            ("promo_code", maybe("string")),
            ("card_id", maybe("string")),
        ],
        &["kind", "period_days", "quantity"],
    );
    add("GrantedLease", &[("id", text()), ("ends_at", moment())], &["id", "ends_at"]);
    add(
        "ReceiptOfOrder",
        &[
            ("receipt_id", text()),
            ("at", moment()),
            ("order_id", text()),
            ("period_days", count()),
            ("total", text()),
            ("balance", text()),
            ("currency", text()),
            ("leases", list(schema("GrantedLease"))),
            ("payment_id", text()),
        ],
        &["receipt_id", "at", "order_id", "total", "balance", "currency", "leases"],
    );
    add(
        "ExtendLeases",
        &[
            ("ids", list(text())),
            ("period_days", count()),
            ("promo_code", maybe("string")),
            ("card_id", maybe("string")),
        ],
        &["ids", "period_days"],
    );
    let moved = [("id", text()), ("ended_at", moment()), ("ends_at", moment())];
    add("MovedLease", &moved, &["id", "ended_at", "ends_at"]);
    add(
        "ReceiptOfExtension",
        &[
            ("receipt_id", text()),
            ("at", moment()),
            ("period_days", count()),
            ("total", text()),
            ("balance", text()),
            ("currency", text()),
            ("leases", list(schema("MovedLease"))),
            ("payment_id", text()),
        ],
        &["receipt_id", "at", "total", "balance", "currency", "leases"],
    );
    let line = [
        ("product", text()),
        ("period_days", count()),
        ("quantity", count()),
        ("unit_price", text()),
        ("discount_percent", text()),
    ];
    add("QuoteLine", &line, &["product", "period_days", "quantity", "unit_price"]);
    let quote = [
        ("lines", list(schema("QuoteLine"))),
        ("discount_percent", text()),
        ("promo_code", json!({ "enum": ["none", "applied", "not_applicable"] })),
        ("total", text()),
        ("price_list", count()),
    ];
    add("Quote", &quote, &["lines", "discount_percent", "promo_code", "total"]);
    add(
        "Receipt",
        &[
            ("id", text()),
            ("at", moment()),
            ("event", text()),
            ("quote", schema("Quote")),
            ("amount", text()),
            ("missing", maybe("string")),
            ("balance_after", text()),
            ("currency", text()),
            ("note", text()),
            ("order_id", text()),
            ("period_days", count()),
            ("auto_extend_days", maybe("integer")),
            ("authorisation_id", text()),
            ("active", json!({ "type": "boolean" })),
            ("reason", text()),
            ("comment", maybe("string")),
            ("leases", list(json!({ "type": "object" }))),
            ("payment_id", text()),
            ("purpose", text()),
            ("card_id", maybe("string")),
            ("enabled", json!({ "type": "boolean" })),
            ("threshold", text()),
            ("reason", text()),
            ("paused", json!({ "type": "boolean" })),
        ],
        &["id", "at", "event"],
    );
    let receipts = [("receipts", list(schema("Receipt"))), ("next", maybe("string"))];
    add("Receipts", &receipts, &["receipts", "next"]);
    let way = [("method", text()), ("title", text())];
    add("PaymentMethod", &way, &["method", "title"]);
    add("PaymentMethods", &[("methods", list(schema("PaymentMethod")))], &["methods"]);
    add("Pay", &[("amount", text()), ("method", text())], &["amount", "method"]);
    let states = ["pending", "authorised", "settled", "refused", "void"];
    add(
        "Payment",
        &[
            ("id", text()),
            ("state", json!({ "enum": states })),
            ("purpose", text()),
            ("amount", text()),
            ("currency", text()),
            ("method", text()),
            ("card_id", maybe("string")),
            ("reason", maybe("string")),
            ("receipt_id", maybe("string")),
            ("created_at", moment()),
            ("url", text()),
        ],
        &["id", "state", "purpose", "amount", "currency", "method", "created_at"],
    );
    let payments = [("payments", list(schema("Payment"))), ("next", maybe("string"))];
    add("Payments", &payments, &["payments", "next"]);
    let card = ["id", "brand", "last4", "expires"].map(|name| (name, text()));
    let state = ("state", json!({ "enum": ["active", "expired", "removed"] }));
    let card = [card.to_vec(), vec![state]].concat();
    add("Card", &card, &["id", "brand", "last4", "expires", "state"]);
    add("Cards", &[("cards", list(schema("Card")))], &["cards"]);
    let change = ["threshold", "amount", "card_id"].map(|name| (name, maybe("string")));
    let enabled = json!({ "type": ["boolean", "null"] });
    add("SetAutoTopUp", &[change.to_vec(), vec![("enabled", enabled)]].concat(), &[]);
    let last =
        [("event", text()), ("amount", text()), ("at", moment()), ("reason", maybe("string"))];
    add("TopUpEvent", &last, &["event", "amount", "at"]);
    let or_none = |name: &str| json!({ "anyOf": [schema(name), { "type": "null" }] });
    let top_up_states =
        ["no_payment_method", "disabled", "active", "payment_invalid", "paused_failures"];
    add(
        "AutoTopUp",
        &[
            ("state", json!({ "enum": top_up_states })),
            ("enabled", json!({ "type": "boolean" })),
            ("threshold", maybe("string")),
            ("amount", maybe("string")),
            ("currency", maybe("string")),
            ("card", or_none("Card")),
            ("failures", count()),
            ("tried_at", maybe("string")),
            ("last", or_none("TopUpEvent")),
        ],
        &["state", "enabled", "failures"],
    );
    let fail = json!({ "enum": ["declined", "expired", "timeout", "gone", null] });
    add("SetSandboxCard", &[("customer_id", count()), ("fail", fail)], &["customer_id"]);
    let card = [("card_id", text()), ("last4", text())];
    add("SandboxCard", &card, &["card_id", "last4"]);
    add_access_schemas(&mut add);
    add("Clock", &[("now", moment())], &["now"]);
    add("TurnClock", &[("advance", text()), ("now", moment())], &[]);
    let turned = ["renewed", "failed", "ended", "released"].map(|name| (name, count()));
    let turned = [vec![("now", moment())], turned.to_vec()].concat();
    add("ClockTurned", &turned, &["now", "renewed", "failed", "ended", "released"]);
}

/// Adds a schema: its name, its members, and those of them that are always there.
type Add<'a> = dyn FnMut(&str, &[(&str, Value)], &[&str]) + 'a;

/// What authorisations, comments and replacements look like.
fn add_access_schemas(add: &mut Add<'_>) {
    let text = || json!({ "type": "string" });
    let moment = || json!({ "type": "string", "format": "date-time" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let flag = || json!({ "type": "boolean" });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let words = || json!({ "type": ["string", "null"], "maxLength": 256 });
    let reasons: Vec<&str> = ReplaceReason::ALL.iter().map(|reason| reason.name()).collect();
    let replace =
        [("ids", list(text())), ("reason", json!({ "enum": reasons })), ("comment", words())];
    add("ReplaceLeases", &replace, &["ids", "reason"]);
    let replaced = [("id", text()), ("exit_before", maybe("string")), ("exit", maybe("string"))];
    add("ReplacedLease", &replaced, &["id", "exit_before", "exit"]);
    let receipt =
        [("receipt_id", text()), ("at", moment()), ("leases", list(schema("ReplacedLease")))];
    add("ReceiptOfReplacement", &receipt, &["receipt_id", "at", "leases"]);
    let replacement = [
        ("receipt_id", text()),
        ("at", moment()),
        ("reason", text()),
        ("comment", maybe("string")),
        ("exit_before", text()),
        ("exit", text()),
    ];
    add("Replacement", &replacement, &["receipt_id", "at", "reason", "exit_before", "exit"]);
    let replacements = [("replacements", list(schema("Replacement")))];
    add("Replacements", &replacements, &["replacements"]);
    let day = || json!({ "type": "string", "format": "date" });
    let count = || json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let used = [
        ("day", day()),
        ("lease_id", text()),
        ("bytes_up", count()),
        ("bytes_down", count()),
        ("connections", count()),
    ];
    let names: Vec<&str> = used.iter().map(|(name, _)| *name).collect();
    add("UsedOnDay", &used, &names);
    let usage = [
        ("from", day()),
        ("to", day()),
        ("usage", list(schema("UsedOnDay"))),
        ("next", maybe("string")),
    ];
    add("Usage", &usage, &["from", "to", "usage", "next"]);
    add("CommentLeases", &[("ids", list(text())), ("comment", words())], &["ids"]);
    let commented =
        [("receipt_id", maybe("string")), ("updated", json!({ "type": "integer", "minimum": 0 }))];
    add("Commented", &commented, &["receipt_id", "updated"]);
    let access = [("login", text()), ("password", text()), ("source_ip", text())];
    add("Access", &access, &[]);
    let authorisation = [
        ("id", text()),
        ("order_id", text()),
        ("active", flag()),
        ("access", schema("Access")),
        ("usual", flag()),
        ("shown_in_lists", flag()),
        ("ends_at", moment()),
    ];
    let names: Vec<&str> = authorisation.iter().map(|(name, _)| *name).collect();
    add("Authorisation", &authorisation, &names);
    let page = [("authorisations", list(schema("Authorisation"))), ("next", maybe("string"))];
    add("Authorisations", &page, &["authorisations", "next"]);
    let by = json!({ "enum": ["usual", "own", "source_ip"] });
    let new = [("order_id", text()), ("by", by), ("source_ip", text())];
    add("AddAuthorisation", &new, &["order_id", "by"]);
    let change = [
        ("active", maybe("boolean")),
        ("login", maybe("string")),
        ("password", maybe("string")),
        ("source_ip", maybe("string")),
    ];
    add("ChangeAuthorisation", &change, &[]);
    let now = json!({ "oneOf": [schema("Authorisation"), { "type": "null" }] });
    let done = [("receipt_id", maybe("string")), ("id", text()), ("authorisation", now)];
    add("AuthorisationDone", &done, &["receipt_id", "id", "authorisation"]);
}
