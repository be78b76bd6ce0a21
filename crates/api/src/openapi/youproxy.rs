//! The calls of the Youproxy dialect.

use serde_json::{Map, Value, json};

use super::{answered, idempotency_key, object, parameter, schema};
use crate::youproxy::call::Call;

pub(super) fn add(paths: &mut Map<String, Value>) {
    for call in Call::ALL {
        let method = call.method().as_str().to_lowercase();
        let mut item = Map::new();
        item.insert(method, operation(call));
        paths.insert(call.template().to_owned(), Value::Object(item));
    }
}

/// What a call is called, what it is for, what it takes and what it answers.
struct Described {
    id: &'static str,
    summary: &'static str,
    takes: Option<&'static str>,
    gives: &'static str,
}

fn described(call: Call) -> Described {
    let (id, summary, takes, gives) = match call {
        Call::ProxyType => ("proxyTypes", "The kinds of proxy", None, "ProxyTypes"),
        Call::Balance => ("balance", "What is in the wallet", None, "Balance"),
        Call::Country => ("countries", "The countries of a kind", None, "Countries"),
        Call::RentPeriod => ("rentPeriods", "The rental periods of a kind", None, "RentPeriods"),
        Call::MobileOperator => {
            ("mobileOperators", "The mobile operators", None, "MobileOperators")
        }
        Call::PromoCode => ("promoCodes", "The promo codes you can use", None, "PromoCodes"),
        Call::IpAddress => ("ipAddresses", "What you have rented", None, "IpAddresses"),
        Call::IpAddressPage => {
            ("ipAddressesByPage", "What you have rented, by pages", None, "IpAddresses")
        }
        Call::CalculateOrder => {
            ("calculateOrder", "What an order would cost", Some("Order"), "Price")
        }
        Call::CalculateExtend => {
            ("calculateExtend", "What an extension would cost", Some("Extend"), "Price")
        }
        Call::CalculateExtendOrder => (
            "calculateExtendOrder",
            "What an extension of whole orders would cost",
            Some("ExtendOrder"),
            "Price",
        ),
        Call::Order => ("order", "Order proxies", Some("Order"), "Ordered"),
        Call::Extend => ("extend", "Extend addresses", Some("Extend"), "Extended"),
        Call::ExtendOrder => {
            ("extendOrder", "Extend whole orders", Some("ExtendOrder"), "Extended")
        }
        Call::ExtendAuto => (
            "extendAuto",
            "Turn the automatic extension of addresses on or off",
            Some("ExtendAuto"),
            "AutoExtended",
        ),
        Call::ExtendOrderAuto => (
            "extendOrderAuto",
            "Turn the automatic extension of whole orders on or off",
            Some("ExtendOrderAuto"),
            "AutoExtended",
        ),
    };
    Described { id, summary, takes, gives }
}

fn operation(call: Call) -> Value {
    let Described { id, summary, takes, gives } = described(call);
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let mut parameters = vec![parameter("path", "apiKey", true, &text, "The API key.")];
    let mut query = |name, required, schema: &Value, description| {
        parameters.push(parameter("query", name, required, schema, description));
    };
    match call {
        Call::Country | Call::RentPeriod => {
            query("proxyType", true, &schema("ProxyType"), "The kind.");
        }
        Call::MobileOperator => {
            query("country", false, &text, "Only of this country.");
            query("proxyType", false, &schema("ProxyType"), "Refused if it is none.");
        }
        Call::IpAddress | Call::IpAddressPage => {
            query("proxyType", false, &schema("ProxyType"), "Only of this kind.");
            query("page", false, &number, "Which page; the first is 0.");
            query("size", false, &number, "How many on a page; at most 500.");
        }
        _ => {}
    }
    if call.spends() {
        parameters.push(idempotency_key());
    }
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "tags": ["youproxy"],
        "parameters": parameters,
        "responses": {
            "200": answered("Done, or refused: see `success`.", gives),
            "405": answered("Not this method; nothing was done.", gives),
            "429": answered("Too many requests; nothing was done.", gives),
            "503": answered("With `success`: nothing was done. An empty object: not known.", gives)
        }
    });
    if let Some(takes) = takes {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(takes) } }
        });
        operation["responses"]["413"] = answered("The body is too large.", gives);
    }
    operation
}

pub(super) fn add_schemas(schemas: &mut Map<String, Value>) {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let flag = || json!({ "type": "boolean" });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let or_null = |schema: Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let kind = || schema("ProxyType");
    let error = || ("error", or_null(schema("Problem")));
    let success = || ("success", flag());
    let money = || [("balance", or_null(number())), ("currency", or_null(text()))];
    let promo = || ("promoCodeStatus", json!({ "enum": ["VALID", "NO_VALID", null] }));
    let mut add = |name: &str, members: Vec<(&str, Value)>, required: &[&str]| {
        schemas.insert(name.to_owned(), object(&members, required));
    };
    let answer = ["success", "error"];

    add("Problem", vec![("code", count()), ("message", text())], &["code", "message"]);
    add("ProxyTypes", vec![success(), ("proxyTypes", list(kind())), error()], &answer);
    let currency = ("currencyCode", or_null(text()));
    add("Balance", vec![success(), ("balance", or_null(number())), currency, error()], &answer);
    add("Country", vec![("alpha3code", text()), ("name", text())], &["alpha3code", "name"]);
    add("Countries", vec![success(), ("countries", list(schema("Country"))), error()], &answer);
    add("RentPeriods", vec![success(), ("rentPeriodDays", list(count())), error()], &answer);
    let operator = vec![
        ("tag", text()),
        ("name", text()),
        ("country", text()),
        ("rotationTimes", list(count())),
        ("code", text()),
    ];
    add("MobileOperator", operator, &["tag", "name", "country", "rotationTimes", "code"]);
    let operators = ("mobileOperators", list(schema("MobileOperator")));
    add("MobileOperators", vec![success(), operators, error()], &answer);
    let code = vec![
        ("code", text()),
        ("countUses", count()),
        ("startDate", text()),
        ("endDate", or_null(text())),
        ("endless", flag()),
        ("discount", number()),
        ("descriptionsByLocale", json!({ "type": "object", "additionalProperties": text() })),
    ];
    add("PromoCode", code, &["code", "discount"]);
    add("PromoCodes", vec![success(), ("promoCodes", list(schema("PromoCode"))), error()], &answer);

    let address = vec![
        ("ipAddressId", text()),
        ("ipAddressIp", text()),
        ("orderId", text()),
        ("proxyType", kind()),
        ("country", text()),
        ("dateStart", text()),
        ("dateEnd", text()),
        ("httpsPort", text()),
        ("socks5Port", text()),
        ("port", text()),
        ("protocol", text()),
        (
            "authInfo",
            object(
                &[("login", or_null(text())), ("password", or_null(text())), ("ip", text())],
                &["login", "password"],
            ),
        ),
        (
            "extendInfo",
            object(
                &[("autoExtend", flag()), ("extendDays", count())],
                &["autoExtend", "extendDays"],
            ),
        ),
        ("mobileOperator", text()),
        ("rotationTime", count()),
        ("rebootLink", text()),
    ];
    add("IpAddress", address, &["ipAddressId", "ipAddressIp", "orderId", "proxyType"]);
    let order = vec![
        ("orderId", text()),
        ("orderNumber", text()),
        ("ipAddresses", list(schema("IpAddress"))),
    ];
    add("IpAddressesOfOrder", order, &["orderId", "orderNumber", "ipAddresses"]);
    let mut listing = vec![success()];
    for kind in ["IPv4", "IPv6", "MOBILE", "ISP"] {
        listing.push((kind, list(schema("IpAddressesOfOrder"))));
    }
    for member in ["page", "size", "totalPages", "totalElements"] {
        listing.push((member, count()));
    }
    listing.push(error());
    add("IpAddresses", listing, &answer);

    let price = [
        vec![success(), ("proxyType", or_null(kind())), ("price", or_null(number()))],
        money().to_vec(),
        vec![
            ("discount", or_null(number())),
            promo(),
            error(),
            ("warnings", or_null(list(schema("Problem")))),
        ],
    ];
    add("Price", price.concat(), &answer);
    let ordered = [
        vec![success(), ("proxyType", or_null(kind())), ("orderNumber", or_null(text()))],
        money().to_vec(),
        vec![error(), promo()],
    ];
    add("Ordered", ordered.concat(), &answer);
    let changed = || {
        let lists = vec![
            success(),
            ("proxyType", or_null(kind())),
            ("rentPeriodDays", count()),
            ("quantity", count()),
            ("ipAddressIds", list(text())),
        ];
        [lists, money().to_vec(), vec![error()]].concat()
    };
    add("Extended", [changed(), vec![promo()]].concat(), &answer);
    add("AutoExtended", [changed(), vec![("orderIds", list(text()))]].concat(), &answer);

    let order = vec![
        ("proxyType", kind()),
        ("country", text()),
        ("quantity", count()),
        ("rentPeriodDays", count()),
        ("goal", json!({ "type": "string", "minLength": 1, "maxLength": 200 })),
        ("promoCode", text()),
        ("authType", json!({ "enum": ["LOGIN", "IP"] })),
        ("authIp", text()),
        ("protocol", json!({ "enum": ["HTTP", "SOCKS"] })),
        ("mobileOperator", text()),
        ("rotationTime", count()),
    ];
    add("Order", order, &["proxyType", "country", "quantity", "rentPeriodDays", "goal"]);
    let extend = |ids| {
        let ids = (ids, list(text()));
        vec![("proxyType", kind()), ids, ("rentPeriodDays", count()), ("promoCode", text())]
    };
    add("Extend", extend("ipAddressIds"), &["proxyType", "ipAddressIds", "rentPeriodDays"]);
    add("ExtendOrder", extend("orderIds"), &["proxyType", "orderIds", "rentPeriodDays"]);
    let auto = |ids| {
        let ids = (ids, list(text()));
        vec![("proxyType", kind()), ids, ("rentPeriodDays", count()), ("autoExtend", flag())]
    };
    add("ExtendAuto", auto("ipAddressIds"), &["proxyType", "ipAddressIds", "autoExtend"]);
    add("ExtendOrderAuto", auto("orderIds"), &["proxyType", "orderIds", "autoExtend"]);
    let kinds = json!({ "type": "string", "enum": ["IPv4", "IPv6", "MOBILE", "ISP"] });
    schemas.insert("ProxyType".to_owned(), kinds);
}
