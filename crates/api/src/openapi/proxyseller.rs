//! The calls of the Proxy-Seller dialect, of both versions.

mod schemas;

use serde_json::{Map, Value, json};

pub(super) use self::schemas::add_schemas;
use super::{idempotency_key, parameter, schema};
use crate::proxyseller::Version;
use crate::proxyseller::call::{Call, LINES, Line, Typed};

pub(super) fn add(paths: &mut Map<String, Value>) {
    for (version, name) in [(Version::V1, "v1"), (Version::V2, "v2")] {
        for line in LINES {
            for (path, typed) in described_at(line, version) {
                let item = paths.entry(path).or_insert_with(|| json!({}));
                item[line.method.to_lowercase()] = operation(line, version, name, typed);
            }
        }
    }
}

/// The paths at which a call is described, and whether they end in a section.
pub(super) fn described_at(line: &Line, version: Version) -> Vec<(String, bool)> {
    let Some(template) = line.template(version) else { return Vec::new() };
    let mut paths = vec![(template.to_owned(), line.typed == Typed::Required)];
    if line.typed == Typed::Optional {
        paths.push((format!("{template}/{{type}}"), true));
    }
    paths
}

/// What a call is for, what it takes and what it answers.
struct Described {
    summary: &'static str,
    takes: Option<&'static str>,
    gives: Value,
}

fn described(call: Call, v2: bool) -> Described {
    let of = |name: &str| schema(name);
    let list = |name: &str| json!({ "type": "array", "items": schema(name) });
    let (summary, takes, gives) = match call {
        Call::AuthList => ("Who may use your proxies", None, list("PsAuthorization")),
        Call::AuthAdd => (
            "Let somebody use an order's proxies by a login",
            Some("PsAuthAdd"),
            of("PsAuthorization"),
        ),
        Call::AuthAddIp => {
            ("Let an address use an order's proxies", Some("PsAuthAddIp"), of("PsAuthorization"))
        }
        Call::AuthChange => {
            ("Change an authorization", Some("PsAuthChange"), of("PsAuthorization"))
        }
        Call::AuthActive => {
            ("Turn an authorization on or off", Some("PsAuthActive"), of("PsAuthorization"))
        }
        Call::AuthDelete => ("Delete an authorization", Some("PsAuthDelete"), of("PsDeleted")),
        Call::ProxyReplace => {
            ("Get other addresses for proxies", Some("PsReplace"), of("PsReplaced"))
        }
        Call::ProxyList => {
            ("Your proxies: of one section as `items`, else by section", None, of("PsProxies"))
        }
        // A file, see below.
        Call::ProxyDownload => {
            ("Your proxies of a section as a file", None, json!({ "type": "null" }))
        }
        Call::CommentSet => ("Write something beside proxies", Some("PsComment"), of("PsUpdated")),
        Call::ProxyCheck => ("Whether a proxy of yours works", None, of("PsChecked")),
        Call::BalanceGet => ("What is in the wallet", None, of("PsBalance")),
        Call::BalanceAdd => ("Pay into the wallet", Some("PsBalanceAdd"), of("PsPage")),
        Call::PaymentsList => ("The ways to pay into the wallet", None, of("PsPaymentSystems")),
        Call::AutoTopUpGet => ("How automatic top-up stands", None, of("PsAutoTopUp")),
        Call::AutoTopUpSet => ("Set automatic top-up", Some("PsAutoTopUpSet"), of("PsAutoTopUp")),
        Call::ReferenceList => ("What can be ordered", None, of("PsReference")),
        Call::OrderCalc => ("What an order would cost", Some("PsOrder"), of("PsPrice")),
        Call::OrderMake => ("Order proxies", Some("PsOrder"), of("PsOrdered")),
        Call::OrderList => ("Your orders and prolongations", None, of("PsOrders")),
        Call::ProlongCalc => {
            ("What a prolongation would cost", Some("PsProlong"), of("PsProlongPrice"))
        }
        Call::ProlongMake => ("Prolong proxies", Some("PsProlong"), of("PsProlonged")),
        Call::AutoProlongCalc => (
            "What an automatic prolongation would cost",
            Some("PsProlong"),
            of("PsAutoProlongPrice"),
        ),
        Call::AutoProlongEnable => {
            ("Have proxies prolonged automatically", Some("PsProlong"), of("PsAutoProlonged"))
        }
        Call::AutoProlongDisable => (
            "Have proxies prolonged automatically no more",
            Some("PsProlong"),
            of("PsAutoProlonged"),
        ),
        Call::Ping => ("The time", None, of("PsPong")),
        Call::Resident => {
            ("Not offered: answered as to a customer who has none", None, json!({ "type": "null" }))
        }
    };
    let takes = match takes {
        Some("PsOrder") if v2 => Some("PsOrderV2"),
        Some("PsProlong") if v2 => Some("PsProlongV2"),
        takes => takes,
    };
    Described { summary, takes, gives }
}

/// What a call can be asked in its query, with what for.
fn queries(call: Call) -> &'static [(&'static str, &'static str)] {
    const LATEST: (&str, &str) = ("latest", "`Y`: only those of the last order.");
    const ORDER: (&str, &str) = ("orderId", "Only those of this order, by its id or number.");
    const COUNTRY: (&str, &str) = ("country", "Only those in this country, by its alpha-3 code.");
    const ENDS: (&str, &str) = (
        "ends",
        "`Y`: in v1, those that end soon or have ended and can be prolonged still; in v2, the latter.",
    );
    const PAGE: (&str, &str) = ("page", "Which page, from 1; of one section.");
    const PER_PAGE: (&str, &str) = ("per_page", "How many are on a page; of one section.");
    const EXT: (&str, &str) = ("ext", "`txt`, `csv`, `json`, or a template such as `%ip%:%port%`.");
    const PROTO: (&str, &str) = ("proto", "`socks5` for the ports of that, else those for HTTP.");
    match call {
        Call::ProxyList => &[LATEST, ORDER, COUNTRY, ENDS, PAGE, PER_PAGE],
        Call::ProxyDownload => &[EXT, PROTO, LATEST, ORDER, COUNTRY, ENDS],
        Call::ProxyCheck => &[("proxy", "`user:password@host:port` or `host:port`.")],
        Call::OrderList => &[
            ("order_id", "Only this order and its prolongations, or this prolongation."),
            ("start_date", "Only from this day or moment on."),
            ("end_date", "Only until this day or moment."),
            ("status", "`PAYED`; of `NOT_PAYED` and `RETURN` there are none."),
            ("is_extend", "`Y`: only prolongations; `N`: only orders."),
            ("auto_order", "`Y`: only those that are prolonged automatically; `N`: the others."),
            ("page", "Which page, from 1."),
            ("limit", "How many are on a page; without it, all are on one."),
            ("sort_by", "`date_insert`, `summ` or `status`."),
            ("order", "`asc` or `desc`, which it is otherwise."),
        ],
        _ => &[],
    }
}

fn operation(line: &Line, version: Version, name: &str, typed: bool) -> Value {
    let Described { summary, takes, gives } = described(line.call, version == Version::V2);
    let text = json!({ "type": "string" });
    let mut parameters = vec![parameter("path", "apiKey", true, &text, "The API key.")];
    if typed {
        let what = "The section.";
        parameters.push(parameter("path", "type", true, &schema("PsSection"), what));
    }
    if line.call.spends() {
        parameters.push(idempotency_key());
    }
    let queried = queries(line.call).iter();
    parameters.extend(queried.map(|(name, what)| parameter("query", name, false, &text, what)));
    let envelope = |data: Value| {
        json!({
            "type": "object",
            "properties": {
                "status": { "enum": ["success", "error"] },
                "data": { "anyOf": [data, { "type": "null" }] },
                "errors": { "type": "array", "items": schema("PsProblem") }
            },
            "required": ["status", "data", "errors"]
        })
    };
    let answered = |description: &str, schema: Value| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
    let mut responses = json!({
        "200": answered(
            "Done, or refused: see `status`. `X-Sublet-Reason` names the reason of a refusal.",
            envelope(gives)
        ),
        "429": answered("Nothing was done; ask again after `Retry-After`.", schema("PsFlood")),
        "503": answered("It is not known what was done, if anything.", schema("PsBare"))
    });
    if line.call == Call::ProxyDownload {
        for media in ["text/plain", "text/csv"] {
            responses["200"]["content"][media] = json!({ "schema": text });
        }
    }
    let id: String = line.path.split('/').map(capital).collect();
    // One call may be made by a GET too.
    let by = if line.method == "GET" && takes.is_some() { "ByQuery" } else { "" };
    let of = if typed && line.typed == Typed::Optional { "OfType" } else { "" };
    let mut operation = json!({
        "operationId": format!("proxySeller{}{id}{of}{by}", name.to_uppercase()),
        "summary": summary,
        "tags": [format!("proxy-seller {name}")],
        "parameters": parameters,
    });
    if let Some(takes) = takes.filter(|_| line.method != "GET") {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(takes) } }
        });
        let bad = "The body cannot be read; in v1 this is told with status 200.";
        responses["400"] = answered(bad, schema("PsBare"));
    }
    operation["responses"] = responses;
    operation
}

fn capital(word: &str) -> String {
    let mut signs = word.chars();
    signs.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(signs).collect()
}
