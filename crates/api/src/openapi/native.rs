//! The native API, the sandbox, the rotation link, and what is there for machines.

use serde_json::{Map, Value, json};

use super::{answered, idempotency_key, object, parameter, schema};

pub(super) fn add(paths: &mut Map<String, Value>, sandbox: bool) {
    let mut path = |path: &str, item: Value| paths.insert(path.to_owned(), item);
    path("/api/v1/wallet", json!({ "get": wallet() }));
    path("/api/v1/leases", json!({ "get": leases() }));
    path("/api/v1/packages", json!({ "get": packages() }));
    path("/api/v1/orders", json!({ "post": order() }));
    path("/api/v1/leases/extend", json!({ "post": extend() }));
    path("/api/v1/receipts", json!({ "get": receipts() }));
    path("/api/v1/receipts/{id}", json!({ "get": receipt() }));
    path("/api/proxy/reboot", json!({ "get": reboot() }));
    for (at, id, summary) in [
        ("/api/openapi.json", "openapi", "This description"),
        ("/healthz", "healthz", "Whether the process is alive"),
        ("/readyz", "readyz", "Whether requests can be served"),
    ] {
        path(at, json!({ "get": machine(id, summary, "application/json") }));
    }
    let metrics = machine("metrics", "Numbers for Prometheus", "application/openmetrics-text");
    path("/metrics", json!({ "get": metrics }));
    if sandbox {
        path("/sandbox/v1/clock", json!({ "get": clock(), "post": turn_clock() }));
    }
}

/// An operation of a customer's program.
fn customers(id: &str, summary: &str, parameters: &[Value], gives: &str) -> Value {
    json!({
        "operationId": id,
        "summary": summary,
        "tags": ["native"],
        "security": [{ "apiKey": [] }],
        "parameters": parameters,
        "responses": {
            "200": answered("Done.", gives),
            "400": problem("The request cannot be read."),
            "401": problem("The key is missing or wrong."),
            "403": problem("The key may not do this, or not from here."),
            "429": problem("Too many requests; nothing was done."),
            "503": problem("Cannot be served now.")
        }
    })
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": schema("ProblemDetails") } }
    })
}

fn paging() -> [Value; 2] {
    let text = json!({ "type": "string" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 100 });
    [
        parameter("query", "after", false, &text, "The `next` of the page before."),
        parameter("query", "limit", false, &limit, "How many at most."),
    ]
}

fn wallet() -> Value {
    customers("wallet", "What is in the wallet", &[], "Wallet")
}

fn leases() -> Value {
    let state = json!({ "type": "string", "enum": ["live", "reserved"], "default": "live" });
    let [after, limit] = paging();
    let parameters = [
        parameter("query", "state", false, &state, "Live ones, or those kept in reserve."),
        parameter("query", "kind", false, &schema("ProxyType"), "Only of this kind."),
        after,
        limit,
    ];
    customers("leases", "What is rented", &parameters, "Leases")
}

fn packages() -> Value {
    customers("packages", "Packages of several countries that can be ordered", &[], "Packages")
}

fn order() -> Value {
    let summary = "Order proxies in a country, or a package";
    let mut operation = spend("placeOrder", summary, "PlaceOrder", "ReceiptOfOrder");
    operation["responses"]["409"] = problem("There are not enough addresses, or sales are locked.");
    operation
}

fn extend() -> Value {
    let summary = "Extend leases, or restore them from their reserve";
    spend("extendLeases", summary, "ExtendLeases", "ReceiptOfExtension")
}

/// An operation that spends.
fn spend(id: &str, summary: &str, takes: &str, gives: &str) -> Value {
    let mut operation = customers(id, summary, &[idempotency_key()], gives);
    operation["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": schema(takes) } }
    });
    operation["responses"]["402"] = problem("The wallet does not cover the price.");
    operation["responses"]["413"] = problem("The body is too large.");
    operation["responses"]["422"] = problem("Refused; `type` says why. Nothing was done.");
    operation
}

fn receipts() -> Value {
    customers("receipts", "What happened to money and leases", &paging(), "Receipts")
}

fn receipt() -> Value {
    let id = parameter("path", "id", true, &json!({ "type": "string" }), "The receipt's id.");
    let mut operation = customers("receipt", "One thing that happened", &[id], "Receipt");
    operation["responses"]["404"] = problem("There is no such receipt.");
    operation
}

fn reboot() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "operationId": "reboot",
        "summary": "Rotate a mobile exit; not served by this version",
        "tags": ["native"],
        "parameters": [parameter("query", "token", true, &text, "From the `rebootLink`.")],
        "responses": {
            "404": { "description": "There is no such link." },
            "503": { "description": "Traffic is not served by this installation yet." }
        }
    })
}

fn machine(id: &str, summary: &str, content: &str) -> Value {
    json!({
        "operationId": id,
        "summary": summary,
        "tags": ["machines"],
        "responses": { "200": { "description": "Yes.", "content": { content: {} } } }
    })
}

fn clock() -> Value {
    json!({
        "operationId": "clock",
        "summary": "The time of the sandbox",
        "tags": ["sandbox"],
        "security": [{ "operatorToken": [] }],
        "responses": {
            "200": answered("The time.", "Clock"),
            "401": problem("The token is missing or wrong.")
        }
    })
}

fn turn_clock() -> Value {
    json!({
        "operationId": "turnClock",
        "summary": "Move the clock of the sandbox forward, and do what is due on the way",
        "tags": ["sandbox"],
        "security": [{ "operatorToken": [] }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schema("TurnClock") } }
        },
        "responses": {
            "200": answered("What was done.", "ClockTurned"),
            "400": problem("The body cannot be read."),
            "401": problem("The token is missing or wrong."),
            "409": problem("The clock cannot be moved back.")
        }
    })
}

pub(super) fn add_schemas(schemas: &mut Map<String, Value>) {
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
            ("access", json!({ "type": "object" })),
            ("goal", text()),
            ("starts_at", moment()),
            ("ends_at", moment()),
            ("reserved_until", maybe("string")),
            ("auto_extend_days", maybe("integer")),
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
        ],
        &["receipt_id", "at", "order_id", "total", "balance", "currency", "leases"],
    );
    add(
        "ExtendLeases",
        &[("ids", list(text())), ("period_days", count()), ("promo_code", maybe("string"))],
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
            ("leases", list(json!({ "type": "object" }))),
        ],
        &["id", "at", "event"],
    );
    let receipts = [("receipts", list(schema("Receipt"))), ("next", maybe("string"))];
    add("Receipts", &receipts, &["receipts", "next"]);
    add("Clock", &[("now", moment())], &["now"]);
    add("TurnClock", &[("advance", text()), ("now", moment())], &[]);
    let turned = ["renewed", "failed", "ended", "released"].map(|name| (name, count()));
    let turned = [vec![("now", moment())], turned.to_vec()].concat();
    add("ClockTurned", &turned, &["now", "renewed", "failed", "ended", "released"]);
}
