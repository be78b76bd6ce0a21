//! The shapes of the Proxy-Seller dialect.

use serde_json::{Map, Value, json};

use super::super::{object, schema};

pub(in super::super) fn add_schemas(schemas: &mut Map<String, Value>) {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let flag = || json!({ "type": "boolean" });
    // A number in v1, a text in v2.
    let id = || json!({ "type": ["integer", "string"] });
    let ids = || json!({ "type": "array", "items": { "type": ["integer", "string"] } });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let list = |name: &str| json!({ "type": "array", "items": schema(name) });
    let or_null = |schema: Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let yes = || json!({ "enum": ["Y", "N"] });
    let sections = ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp", "resident", "scraper"];
    schemas.insert("PsSection".to_owned(), json!({ "type": "string", "enum": sections }));
    let mut add = |name: &str, members: Vec<(&str, Value)>, required: &[&str]| {
        schemas.insert(name.to_owned(), object(&members, required));
    };

    let problem = vec![
        ("message", text()),
        ("code", count()),
        ("customData", json!({ "type": ["object", "null"] })),
    ];
    add("PsProblem", problem.clone(), &["message", "code", "customData"]);
    add("PsBare", problem, &["message", "code", "customData"]);
    add("PsFlood", vec![("error", text())], &["error"]);
    add("PsPong", vec![("pong", count())], &["pong"]);

    let pair = [("login", text()), ("password", text()), ("ip", text())];
    let known = vec![("id", text()), ("active", flag())];
    let item = [known.clone(), pair.to_vec(), vec![("orderNumber", text())]].concat();
    add("PsAuthorization", item, &["id", "active", "orderNumber"]);
    let order = ("orderNumber", text());
    add("PsAuthAdd", vec![order.clone(), ("generateAuth", yes())], &["orderNumber"]);
    add("PsAuthAddIp", vec![order, ("ip", text())], &["orderNumber", "ip"]);
    let maybe = pair.map(|(name, _)| (name, json!({ "type": ["string", "null"] })));
    add("PsAuthChange", [known, maybe.to_vec()].concat(), &["id"]);
    add("PsAuthActive", vec![("id", text()), ("active", yes())], &["id", "active"]);
    add("PsAuthDelete", vec![("id", text())], &["id"]);
    add("PsDeleted", vec![("deleted", flag())], &["deleted"]);

    let reasons = ["NOT_WORK", "INCORRECT_LOCATION", "CANT_CHANGE_NETWORK", "LOW_SPEED", "CUSTOM"];
    let replace = vec![("ids", ids()), ("type", json!({ "enum": reasons })), ("comment", text())];
    add("PsReplace", replace, &["ids", "type"]);
    let done = object(&[("ips", texts()), ("msg", text())], &["ips", "msg"]);
    add("PsReplaced", vec![("ok", done)], &["ok"]);

    add("PsComment", vec![("ids", ids()), ("comment", text())], &["ids"]);
    add("PsUpdated", vec![("updated", count())], &["updated"]);
    let checked = vec![
        ("ip", text()),
        ("port", count()),
        ("user", text()),
        ("password", text()),
        ("valid", flag()),
        ("protocol", json!({ "type": ["string", "null"] })),
        ("time", count()),
    ];
    add("PsChecked", checked, &["ip", "port", "valid", "protocol", "time"]);

    let part = ["order_part_id", "order_id", "base_order_number", "country_alpha3", "price"];
    let part = part.map(|name| (name, text())).to_vec();
    add("PsOrderPart", [part, vec![("quantity", count())]].concat(), &["order_part_id", "price"]);
    let order =
        ["id", "order_id", "order_number", "base_order_number", "summ", "status", "date_insert"];
    let named = order.map(|name| (name, text())).to_vec();
    let others = vec![
        ("status_type", json!({ "enum": ["PAYED", "NOT_PAYED", "RETURN"] })),
        ("auto_order", yes()),
        ("is_extend", yes()),
        ("date_payed", json!({ "type": ["string", "null"] })),
        ("items", list("PsOrderPart")),
    ];
    add("PsOrderListed", [named, others].concat(), &order);
    let pages = ["total_orders", "total_pages", "current_page", "current_limit"];
    let metadata = object(&pages.map(|name| (name, count())), &pages);
    let orders = vec![("metadata", metadata), ("items", list("PsOrderListed"))];
    add("PsOrders", orders, &["metadata", "items"]);

    add("PsBalance", vec![("summ", number())], &["summ"]);
    add("PsBalanceAdd", vec![("summ", number()), ("paymentId", id())], &["summ", "paymentId"]);
    add("PsPage", vec![("url", text())], &["url"]);
    add("PsNamed", vec![("id", id()), ("name", text())], &["id", "name"]);
    add("PsPaymentSystems", vec![("items", list("PsNamed"))], &["items"]);
    let set = vec![
        ("enabled", flag()),
        ("threshold", number()),
        ("amount", number()),
        ("subscriptionId", json!({ "type": ["string", "null"] })),
    ];
    add("PsAutoTopUpSet", set.clone(), &[]);
    let card = ["id", "status", "paymentMethod", "brand", "last4", "exp"];
    add("PsPaymentMethod", card.map(|name| (name, text())).to_vec(), &["id", "status"]);
    let event = vec![
        ("status", text()),
        ("amount", number()),
        ("at", text()),
        ("reason", json!({ "type": ["string", "null"] })),
    ];
    add("PsTopUpEvent", event, &["status", "amount", "at"]);
    let states = ["NO_PAYMENT_METHOD", "DISABLED", "ACTIVE", "PAYMENT_INVALID", "PAUSED_FAILURES"];
    let stands = vec![
        ("configured", flag()),
        ("state", json!({ "enum": states })),
        ("paymentMethod", or_null(schema("PsPaymentMethod"))),
        ("failCount", count()),
        ("lastAttemptAt", json!({ "type": ["string", "null"] })),
        ("lastEvent", or_null(schema("PsTopUpEvent"))),
    ];
    add("PsAutoTopUp", [set, stands].concat(), &["configured", "enabled", "state"]);

    let section = vec![
        ("country", json!({ "type": "array", "items": { "type": "object" } })),
        ("period", list("PsNamed")),
        ("quantities", json!({ "type": "array", "items": { "type": "object" } })),
        ("tarifs", json!({ "type": "array", "items": { "type": "object" } })),
    ];
    add("PsReferenceOfSection", section, &[]);
    let all = sections.map(|name| (name, schema("PsReferenceOfSection")));
    let items = ("items", schema("PsReferenceOfSection"));
    add("PsReference", [all.to_vec(), vec![items]].concat(), &[]);

    let order = |place: &[(&'static str, Value)]| {
        let common = vec![
            ("periodId", text()),
            ("quantity", count()),
            ("paymentId", id()),
            ("authorization", text()),
            ("coupon", text()),
            ("generateAuth", yes()),
            ("customTargetName", text()),
            ("protocol", text()),
            ("mobileServiceType", text()),
            ("operatorId", id()),
            ("rotationId", id()),
        ];
        [place.to_vec(), common].concat()
    };
    let v1 = [("countryId", id()), ("targetSectionId", id()), ("targetId", id())];
    add("PsOrder", order(&v1), &["countryId", "periodId", "quantity"]);
    let codes = ["countryCode", "periodCode", "paymentCode", "mixId", "mixCode", "operatorCode"];
    let codes = codes.map(|name| (name, text()));
    let place = [("sectionCode", schema("PsSection")), ("countryId", id())];
    let v2 = [place.to_vec(), codes.to_vec()].concat();
    add("PsOrderV2", order(&v2), &["sectionCode", "quantity"]);
    let price = || {
        vec![
            ("warning", text()),
            ("balance", number()),
            ("total", number()),
            ("quantity", count()),
            ("currency", text()),
            ("discount", number()),
            ("price", number()),
        ]
    };
    let priced = ["warning", "balance", "total", "quantity", "currency", "discount"];
    add("PsPrice", price(), &priced);
    let bought = vec![
        ("orderId", id()),
        ("total", number()),
        ("listBaseOrderNumbers", texts()),
        ("balance", number()),
    ];
    let required = ["orderId", "total", "listBaseOrderNumbers", "balance"];
    add("PsOrdered", bought.clone(), &required);
    add("PsProlonged", [bought, vec![("orderIds", ids())]].concat(), &required);

    let prolong = vec![("periodId", text()), ("coupon", text()), ("paymentId", id())];
    let v1 = [vec![("ids", ids())], prolong.clone()].concat();
    add("PsProlong", v1, &["ids", "periodId"]);
    let chosen = vec![
        ("ids", ids()),
        ("ips", texts()),
        ("orderIds", ids()),
        ("periodCode", text()),
        ("paymentCode", text()),
        ("subscriptionId", text()),
    ];
    add("PsProlongV2", [chosen, prolong].concat(), &[]);
    let words = [
        "order_number",
        "base_order_number",
        "ip",
        "login",
        "password",
        "auth_ip",
        "country",
        "date_start",
        "date_end",
        "comment",
        "status",
        "rotation",
        "link_reboot",
    ];
    let words = words.map(|name| (name, text())).to_vec();
    let numbers =
        vec![("id", id()), ("order_id", id()), ("port_http", count()), ("port_socks", count())];
    let listed = ["ip_only", "protocol", "country_alpha3", "status_type", "auto_renew_period"];
    let listed = listed.map(|name| (name, text())).to_vec();
    let others = vec![
        ("basket_id", text()),
        ("auto_renew", yes()),
        ("is_uptime", flag()),
        // 1 or 0 in v1.
        ("can_prolong", json!({ "type": ["integer", "boolean"] })),
    ];
    add("PsListedProxy", [numbers.clone(), words.clone(), listed, others].concat(), &["id", "ip"]);
    let lists = sections[..7].iter().map(|name| (*name, list("PsListedProxy")));
    let items = ("items", list("PsListedProxy"));
    add("PsProxies", lists.chain([items]).collect(), &[]);
    add("PsProxy", [numbers, words, vec![("can_prolong", flag())]].concat(), &["id", "ip"]);
    let items = || vec![("orders", count()), ("items", list("PsProxy"))];
    add("PsProlongPrice", [price(), items()].concat(), &priced);
    let automatic = || {
        vec![
            ("days", json!({ "type": ["integer", "null"] })),
            ("chargeDate", json!({ "type": ["string", "null"] })),
            ("dateEnd", json!({ "type": ["string", "null"] })),
            ("paymentId", json!({ "type": ["string", "null"] })),
            ("autoProlong", flag()),
        ]
    };
    let nothing = vec![("tarifId", json!({ "type": "null" }))];
    let quoted = [price(), items(), nothing, automatic()].concat();
    let quoted = quoted.into_iter().filter(|(name, _)| *name != "price").collect();
    add("PsAutoProlongPrice", quoted, &priced);
    let switched = vec![
        ("warning", text()),
        ("quantity", count()),
        ("ids", ids()),
        ("ipIds", ids()),
        ("orderIds", ids()),
    ];
    let required = ["autoProlong", "quantity", "ids", "orderIds"];
    add("PsAutoProlonged", [switched, automatic()].concat(), &required);
}
