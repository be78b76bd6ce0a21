//! The native API, the sandbox, the rotation link, and what is there for machines.

mod schemas;

use serde_json::{Map, Value, json};

pub(super) use self::schemas::add_schemas;
use super::{answered, idempotency_key, parameter, schema};

pub(super) fn add(paths: &mut Map<String, Value>, sandbox: bool) {
    let mut path = |path: &str, item: Value| paths.insert(path.to_owned(), item);
    path("/api/v1/wallet", json!({ "get": wallet() }));
    path("/api/v1/leases", json!({ "get": leases() }));
    path("/api/v1/packages", json!({ "get": packages() }));
    path("/api/v1/orders", json!({ "post": order() }));
    path("/api/v1/leases/extend", json!({ "post": extend() }));
    path("/api/v1/leases/replace", json!({ "post": replace() }));
    path("/api/v1/leases/{id}/replacements", json!({ "get": replacements() }));
    path("/api/v1/leases/comment", json!({ "post": comment() }));
    path("/api/v1/authorisations", json!({ "get": authorisations(), "post": add_authorisation() }));
    path(
        "/api/v1/authorisations/{id}",
        json!({ "patch": change_authorisation(), "delete": delete_authorisation() }),
    );
    path("/api/v1/receipts", json!({ "get": receipts() }));
    path("/api/v1/receipts/{id}", json!({ "get": receipt() }));
    path("/api/v1/usage", json!({ "get": usage() }));
    path("/api/v1/leases/{id}/usage", json!({ "get": usage_of_lease() }));
    path("/api/v1/payments", json!({ "get": payments(), "post": pay() }));
    path("/api/v1/payment-methods", json!({ "get": payment_methods() }));
    path("/api/v1/cards", json!({ "get": cards() }));
    path("/api/v1/cards/{id}", json!({ "delete": remove_card() }));
    path("/api/v1/auto-top-up", json!({ "get": auto_top_up(), "patch": set_auto_top_up() }));
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
        path("/sandbox/v1/cards", json!({ "post": sandbox_card() }));
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
    spend("placeOrder", summary, "PlaceOrder", "ReceiptOfOrder")
}

fn extend() -> Value {
    let summary = "Extend leases, or restore them from their reserve";
    spend("extendLeases", summary, "ExtendLeases", "ReceiptOfExtension")
}

/// An operation that charges the wallet or a saved card.
fn spend(id: &str, summary: &str, takes: &str, gives: &str) -> Value {
    let mut operation = changes(id, summary, &[], takes, gives);
    operation["responses"]["402"] =
        problem("The wallet does not cover the price, or the card does not pay it.");
    operation["responses"]["502"] =
        problem("The provider of the card does not answer. Nothing was done.");
    operation
}

/// An operation that changes something without charging for it.
fn changes(id: &str, summary: &str, parameters: &[Value], body: &str, gives: &str) -> Value {
    let parameters = [parameters, &[idempotency_key()]].concat();
    let mut operation = customers(id, summary, &parameters, gives);
    if !body.is_empty() {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(body) } }
        });
    }
    operation["responses"]["409"] = problem("Refused for the state of things; `type` says why.");
    operation["responses"]["413"] = problem("The body is too large.");
    operation["responses"]["422"] = problem("Refused; `type` says why. Nothing was done.");
    operation
}

fn id_in_path(description: &str) -> Value {
    parameter("path", "id", true, &json!({ "type": "string" }), description)
}

fn replace() -> Value {
    let summary = "Give leases other addresses of the same kind and place";
    changes("replaceLeases", summary, &[], "ReplaceLeases", "ReceiptOfReplacement")
}

fn replacements() -> Value {
    let id = id_in_path("The lease's id.");
    let mut operation =
        customers("replacements", "Which exits a lease had before", &[id], "Replacements");
    operation["responses"]["404"] = problem("There is no such lease.");
    operation
}

fn comment() -> Value {
    changes("commentLeases", "Write something beside leases", &[], "CommentLeases", "Commented")
}

fn authorisations() -> Value {
    let text = json!({ "type": "string" });
    let [after, limit] = paging();
    let order = parameter("query", "order_id", false, &text, "Only of this order.");
    let parameters = [order, after, limit];
    customers("authorisations", "Who may use what is rented", &parameters, "Authorisations")
}

fn add_authorisation() -> Value {
    let summary = "Let somebody use the addresses of an order";
    changes("addAuthorisation", summary, &[], "AddAuthorisation", "AuthorisationDone")
}

fn change_authorisation() -> Value {
    let (summary, id) = ("Change who may", id_in_path("The authorisation's id."));
    changes("changeAuthorisation", summary, &[id], "ChangeAuthorisation", "AuthorisationDone")
}

fn delete_authorisation() -> Value {
    let (summary, id) = ("Let him do so no more", id_in_path("The authorisation's id."));
    changes("deleteAuthorisation", summary, &[id], "", "AuthorisationDone")
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

fn days_and_paging() -> [Value; 4] {
    let day = json!({ "type": "string", "format": "date" });
    let [after, limit] = paging();
    [
        parameter("query", "from", false, &day, "The first day, in UTC; 30 days if it is missing."),
        parameter("query", "to", false, &day, "The last day, in UTC; today if it is missing."),
        after,
        limit,
    ]
}

fn usage() -> Value {
    let summary = "How much went through what is rented, by day and lease";
    customers("usage", summary, &days_and_paging(), "Usage")
}

fn usage_of_lease() -> Value {
    let parameters = [&[id_in_path("The lease's id.")], &days_and_paging()[..]].concat();
    let summary = "How much went through a lease, by day";
    let mut operation = customers("usageOfLease", summary, &parameters, "Usage");
    operation["responses"]["404"] = problem("There is no such lease.");
    operation
}

fn body(name: &str) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema(name) } } })
}

fn payments() -> Value {
    customers("payments", "Money that comes in from outside", &paging(), "Payments")
}

fn pay() -> Value {
    let summary = "Begin a payment into the wallet; it is made where `url` says";
    let mut operation = customers("pay", summary, &[], "Payment");
    operation["requestBody"] = body("Pay");
    operation["responses"]["422"] = problem("Refused; `type` says why. Nothing was done.");
    operation
}

fn payment_methods() -> Value {
    customers("paymentMethods", "The ways to pay into the wallet", &[], "PaymentMethods")
}

fn cards() -> Value {
    customers("cards", "Saved cards", &[], "Cards")
}

fn remove_card() -> Value {
    let id = parameter("path", "id", true, &json!({ "type": "string" }), "The card's id.");
    let mut operation = customers("removeCard", "Forget a card", &[id], "Card");
    operation["responses"]["404"] = problem("There is no such card.");
    operation
}

fn auto_top_up() -> Value {
    customers("autoTopUp", "How automatic top-up stands", &[], "AutoTopUp")
}

fn set_auto_top_up() -> Value {
    let summary = "Set automatic top-up; what is not named stays as it is";
    let mut operation = customers("setAutoTopUp", summary, &[], "AutoTopUp");
    operation["requestBody"] = body("SetAutoTopUp");
    operation["responses"]["422"] = problem("Refused; `type` says why. Nothing was done.");
    operation
}

fn sandbox_card() -> Value {
    json!({
        "operationId": "sandboxCard",
        "summary": "Give a customer a card that is only played with, or tell his card what to do",
        "tags": ["sandbox"],
        "security": [{ "operatorToken": [] }],
        "requestBody": body("SetSandboxCard"),
        "responses": {
            "200": answered("It is so from now on.", "SandboxCard"),
            "400": problem("The body cannot be read."),
            "401": problem("The token is missing or wrong."),
            "404": problem("There is no such customer."),
            "409": problem("The customer cannot have another card.")
        }
    })
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
