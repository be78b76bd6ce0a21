//! What a catalogue may say, and what is said about one that cannot be used.

use domain::catalogue::{Catalogue, Package};
use domain::kind::ProxyKind;
use domain::limits::Limits;
use domain::modem::{Driver, HookMethod, Managed, ModemExit, Simulated, Which};
use domain::money::{Currency, UnitPrice};
use domain::period::Period;
use domain::ports::PortRange;
use domain::product::ProductKey;
use domain::time::Span;

use super::*;

const SAMPLE: &str = include_str!("../../../../docs/catalogue.sample.toml");

/// A small catalogue that can be used: IPv4 and mobile in the USA.
const SMALL: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[kinds.IPv4]
periods = [30, 90]
quantity = [1, 1000]
volume_discounts = { "100" = "12.5", "20" = "5" }

[kinds.MOBILE]
periods = [30]
quantity = [1, 10]

[[operators]]
tag = "verizon"
name = "Verizon"
country = "USA"
rotation_seconds = [0, 300]

[[products]]
kind = "IPv4"
countries = ["USA", "DEU"]
per_day.USD = "0.05"
per_period.USD = { "30" = "1.31" }

[[products]]
kind = "MOBILE"
country = "USA"
operator = "verizon"
per_day.USD = "2"
reserve_hours = 2
"#;

fn key(text: &str) -> ProductKey {
    ProductKey::parse(text).unwrap()
}

#[test]
fn the_sample_can_be_used_and_sells_every_kind_for_every_period() {
    let catalogue = read(SAMPLE, 7).unwrap();
    assert_eq!(catalogue.version, 7);
    for kind in ProxyKind::ALL {
        assert!(!catalogue.countries(kind).is_empty(), "{kind}");
    }
    assert!(catalogue.countries(ProxyKind::Ipv4).len() >= 12);
    assert!(catalogue.packages(ProxyKind::Ipv4).len() == 1);
    assert!(catalogue.packages(ProxyKind::Isp).len() == 1);
    let parts: Vec<ProductKey> = catalogue.packages.values().flat_map(Package::parts).collect();
    for product in catalogue.products.keys().chain(&parts) {
        for period in catalogue.periods(product.kind) {
            for currency in ["USD", "EUR"].map(|code| Currency::from_code(code).unwrap()) {
                let price = catalogue.price(product, *period, currency);
                assert!(price.is_some(), "{product} {period:?} {currency}");
            }
        }
    }
}

#[test]
fn what_is_written_is_what_is_sold() {
    let catalogue = read(SMALL, 1).unwrap();
    let thirty = Period::from_days(30).unwrap();
    for country in ["USA", "DEU"] {
        let product = key(&format!("IPv4/{country}"));
        let price = catalogue.price(&product, thirty, Currency::USD).unwrap();
        assert_eq!(price.unit, UnitPrice::parse("1.31").unwrap());
        assert_eq!(catalogue.reserve(&product), Span::DAY);
    }
    let mobile = &catalogue.products[&key("MOBILE/USA/verizon")];
    assert!(mobile.on_sale);
    assert_eq!(mobile.reserve, Span::from_hours(2));
    let terms = catalogue.terms(ProxyKind::Ipv4).unwrap();
    let steps: Vec<(u32, String)> =
        terms.volume_discounts.iter().map(|(from, share)| (*from, share.to_string())).collect();
    assert_eq!(steps, [(20, "5".to_owned()), (100, "12.5".to_owned())]);
    assert_eq!((terms.renew_lead, terms.renew_retry), (Span::DAY, Span::HOUR));
    assert_eq!(catalogue.gateways["main"].shared_ports, (20000, 29999));
}

/// The small catalogue with a package of its two countries.
fn with_package() -> String {
    format!("{SMALL}{PAIR}")
}

const PAIR: &str = r#"
[[packages]]
tag = "pair"
name = "A pair"
number = 7
kind = "IPv4"
countries = ["DEU", "USA"]
quantities = [2, 10]
per_day.USD = "0.04"
per_period.USD = { "30" = "1.10" }
reserve_hours = 3
"#;

#[test]
fn a_package_is_sold_as_it_is_written() {
    let catalogue = read(&with_package(), 1).unwrap();
    let pair = &catalogue.packages["pair"];
    assert_eq!((pair.name.as_str(), pair.number, pair.kind), ("A pair", 7, ProxyKind::Ipv4));
    assert_eq!(pair.quantities, [2, 10]);
    assert!(pair.on_sale);
    let parts: Vec<String> = pair.parts().map(|part| part.to_string()).collect();
    assert_eq!(parts, ["IPv4/DEU+pair", "IPv4/USA+pair"]);
    for (days, unit) in [(30, "1.10"), (90, "3.60")] {
        let period = Period::from_days(days).unwrap();
        let price = catalogue.price(&key("IPv4/USA+pair"), period, Currency::USD).unwrap();
        assert_eq!(price.unit, UnitPrice::parse(unit).unwrap());
    }
    assert_eq!(catalogue.reserve(&key("IPv4/DEU+pair")), Span::from_hours(3));
    assert_eq!(catalogue.reserve(&key("IPv4/DEU")), Span::DAY);
    assert_eq!(catalogue.packages(ProxyKind::Ipv4), [pair]);
    let stopped = with_package().replace("reserve_hours = 3", "on_sale = false");
    let catalogue = read(&stopped, 1).unwrap();
    assert_eq!(catalogue.packages(ProxyKind::Ipv4), Vec::<&Package>::new());
    assert_eq!(catalogue.reserve(&key("IPv4/DEU+pair")), Span::DAY);
}

#[test]
fn a_package_that_could_not_be_sold_is_refused() {
    #[track_caller]
    fn refused(from: &str, to: &str, sentence: &str) {
        assert!(PAIR.contains(from), "{from}");
        let Err(Invalid(said)) = read(&format!("{SMALL}{}", PAIR.replacen(from, to, 1)), 1) else {
            panic!("it was accepted: {to}");
        };
        assert!(said.contains(sentence) && said.starts_with("line "), "{said}");
    }
    refused("\"pair\"", "\"Pair\"", "package \"Pair\": a tag is");
    refused("\"A pair\"", "\" \"", "package pair: a name has");
    refused("number = 7", "number = 10000", "not within 1 to 9999");
    refused("\"IPv4\"", "\"MOBILE\"", "package pair is of kind MOBILE; packages are");
    refused("\"IPv4\"", "\"ISP\"", "there is no [kinds.ISP]");
    refused("[\"DEU\", \"USA\"]", "[\"DEU\", \"GBR\"]", "there is no product IPv4/GBR");
    refused("[\"DEU\", \"USA\"]", "[\"DEU\", \"DEU\"]", "package pair has DEU twice");
    refused("[\"DEU\", \"USA\"]", "[]", "has 0 countries");
    refused("[2, 10]", "[10, 2]", "quantity 2 follows 10");
    refused("[2, 10]", "[2, 1001]", "quantity 1001 is not within 1 to 1000");
    refused("[2, 10]", "[]", "package pair has no quantities");
    refused("per_day.USD = \"0.04\"", "", "package pair has no price for 90 days");
    refused("\"30\" =", "\"31\" =", "package pair has a price for 31 days");
    refused("reserve_hours", "reserve_days", "reserve_days");
    let again = |from: &str, to: &str| format!("{}{}", with_package(), PAIR.replace(from, to));
    let Err(Invalid(said)) = read(&again("7", "8"), 1) else { panic!("it was accepted") };
    assert!(said.contains("package pair is described twice"), "{said}");
    let Err(Invalid(said)) = read(&again("\"pair\"", "\"other\""), 1) else {
        panic!("it was accepted")
    };
    assert!(said.contains("package pair of IPv4 has the number 7"), "{said}");
}

#[test]
fn mobile_addresses_are_not_kept_unless_said() {
    let catalogue = read(&SMALL.replace("reserve_hours = 2", ""), 1).unwrap();
    assert_eq!(catalogue.reserve(&key("MOBILE/USA/verizon")), Span::ZERO);
}

#[test]
fn an_empty_catalogue_sells_nothing() {
    assert_eq!(read("", 3).unwrap(), Catalogue { version: 3, ..Catalogue::default() });
}

/// Replaces `from` in the small catalogue and expects the sentence.
#[track_caller]
fn refused(from: &str, to: &str, sentence: &str) {
    assert!(SMALL.contains(from), "{from}");
    let Err(Invalid(said)) = read(&SMALL.replacen(from, to, 1), 1) else {
        panic!("it was accepted: {to}");
    };
    assert!(said.contains(sentence), "{said}\nlacks\n{sentence}");
    assert!(said.starts_with("line "), "{said}");
    assert!(!said.contains('\n'), "{said}");
}

#[test]
fn numbers_that_must_be_exact_are_quoted() {
    let hint =
        "line 26, column 15: write the number in quotes, \"0.05\", so that it is kept exactly";
    refused("per_day.USD = \"0.05\"", "per_day.USD = 0.05", hint);
    refused("\"30\" = \"1.31\"", "\"30\" = 1", "write the number in quotes, \"1\"");
    refused("\"20\" = \"5\"", "\"20\" = 5", "write the number in quotes, \"5\"");
    let finer = "product IPv4/USA: unusable price \"0.0500001\"";
    refused("\"0.05\"", "\"0.0500001\"", finer);
    refused("\"0.05\"", "\"-0.05\"", "product IPv4/USA: unusable price");
}

#[test]
fn unknown_words_are_named() {
    refused("http_port", "port", "unknown field `port`");
    refused(
        "[kinds.IPv4]",
        "[kinds.IPv5]",
        "unknown kind \"IPv5\"; known: IPv4, IPv6, MOBILE, ISP",
    );
    refused("\"DEU\"]", "\"GER\"]", "line 25, column 21: unknown country \"GER\"");
    refused("per_day.USD", "per_day.USX", "product IPv4/USA: unknown currency \"USX\"");
    refused("[kinds.MOBILE]", "[kinds.ISP]", "there is no [kinds.MOBILE]");
    refused("periods = [30, 90]", "periods = [30, 90", "line 10");
}

#[test]
fn terms_must_make_sense() {
    refused("[30, 90]", "[90, 30]", "kind IPv4: period 30 follows 90; they must ascend");
    refused("[30, 90]", "[30, 30]", "kind IPv4: period 30 follows 30");
    refused("[30, 90]", "[0, 90]", "kind IPv4: period 0 is not within 1 to 1098");
    refused("[30, 90]", "[]", "kind IPv4: the list of periods is empty");
    refused("[1, 1000]", "[10, 1]", "kind IPv4: quantity is the fewest and the most");
    refused("[1, 1000]", "[1, 10001]", "within 1 to 10000");
    refused("[1, 1000]", "[0, 10]", "kind IPv4: quantity");
    refused("\"12.5\"", "\"100.5\"", "from 100 on are per cent from \"0\" to \"100\"");
    refused("\"20\" =", "\"many\" =", "volume_discounts start at a whole number, not \"many\"");
    refused("\"20\" =", "\"0\" =", "volume_discounts start at a whole number, not \"0\"");
    refused("\"20\" =", "\"0100\" =", "volume_discounts say 100 twice");
    let quantity = "quantity = [1, 10]";
    let retry = "quantity = [1, 10]\nrenew_retry_minutes = 0";
    refused(quantity, retry, "kind MOBILE: renew_retry_minutes is within 1 to");
    let cooling = "quantity = [1, 10]\ncooling_hours = 9999";
    refused(quantity, cooling, "kind MOBILE: cooling_hours is at most 8784");
}

#[test]
fn products_can_be_sold() {
    let per_day = "per_day.USD = \"0.05\"";
    refused(per_day, "", "product IPv4/USA has no price for 90 days, a period of IPv4");
    refused("\"0.05\"", "\"900000\"", "product IPv4/USA has no price for 90 days");
    refused("per_day.USD = \"2\"", "", "product MOBILE/USA/verizon has no price; write per_day");
    let other = "product IPv4/USA has a price for 45 days, which is no period of IPv4";
    refused("\"30\" = \"1.31\"", "\"45\" = \"1.31\"", other);
    refused("\"DEU\"]", "\"USA\"]", "line 25, column 21: product IPv4/USA is described twice");
    refused("countries = [\"USA\", \"DEU\"]", "countries = []", "a product has no countries");
    refused("countries = [\"USA\", \"DEU\"]", "", "a product needs country");
    let both = "countries = [\"USA\", \"DEU\"]\ncountry = \"USA\"";
    refused("countries = [\"USA\", \"DEU\"]", both, "either country or countries");
}

#[test]
fn mobile_products_have_an_operator_of_their_country() {
    let line = "operator = \"verizon\"";
    refused(line, "", "product MOBILE/USA needs operator");
    refused(line, "operator = \"nobody\"", "there is no mobile operator \"nobody\"");
    refused("country = \"USA\"\nrotation", "country = \"GBR\"\nrotation", "one of GBR, not of USA");
    refused("kind = \"IPv4\"", "kind = \"IPv4\"\noperator = \"verizon\"", "only MOBILE has");
    refused("tag = \"verizon\"", "tag = \"Verizon\"", "a tag is 1 to 32 of");
    refused("[0, 300]", "[300, 0]", "mobile operator verizon: rotation time 0 follows 300");
    refused("[0, 300]", "[]", "mobile operator verizon: the list of rotation times is empty");
    let twice = "[[operators]]\ntag = \"verizon\"\nname = \"V\"\ncountry = \"USA\"\nrotation_seconds = [0]\n\n[[operators]]";
    refused("[[operators]]", twice, "mobile operator \"verizon\" is described twice");
}

#[test]
fn gateways_can_be_reached() {
    refused("[gateways.main]", "[gateways.Main]", "gateway \"Main\": a name is");
    refused("\"127.0.0.1\"", "\"\"", "gateway main: \"\" is no host");
    refused("socks_port = 8082", "socks_port = 8081", "are both 8081");
    refused("http_port = 8081", "http_port = 0", "http_port cannot be 0");
    refused("http_port = 8081", "http_port = 70000", "70000");
    refused("[20000, 29999]", "[29999, 20000]", "not [29999, 20000]");
    refused("[20000, 29999]", "[8000, 9000]", "http_port 8081 lies within shared_ports");
    let start = SMALL.find("[kinds.IPv4]").unwrap();
    let Err(Invalid(said)) = read(&SMALL[start..], 1) else { panic!("it was accepted") };
    assert!(said.contains("no [gateways.NAME]"), "{said}");
}

#[test]
fn a_difference_says_what_comes_goes_and_changes() {
    let old = read(SMALL, 1).unwrap();
    assert_eq!(diff(&old, &read(SMALL, 2).unwrap()), []);
    let text = SMALL
        .replace("\"0.05\"", "\"0.06\"")
        .replace("\"USA\", \"DEU\"", "\"USA\", \"GBR\"")
        .replace("reserve_hours = 2", "on_sale = false")
        .replace("\"30\" = \"1.31\"", "");
    let lines: Vec<String> =
        diff(&old, &read(&text, 2).unwrap()).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "+ product IPv4/GBR: USD per day 0.06, reserve 24 h, on sale yes",
            "~ product IPv4/USA: USD per day 0.05 → 0.06",
            "~ product IPv4/USA: USD for 30 days 1.31 (gone)",
            "~ product MOBILE/USA/verizon: reserve 2 h → none",
            "~ product MOBILE/USA/verizon: on sale yes → no",
            "- product IPv4/DEU",
        ]
    );
}

#[test]
fn a_difference_tells_of_packages() {
    let (plain, sold) = (read(SMALL, 1).unwrap(), read(&with_package(), 2).unwrap());
    let lines = |old: &Catalogue, new: &Catalogue| -> Vec<String> {
        diff(old, new).iter().map(ToString::to_string).collect()
    };
    let facts = "name A pair, number 7, kind IPv4, countries DEU/USA, quantities 2/10, \
                 USD per day 0.04, USD for 30 days 1.10, reserve 3 h, on sale yes";
    assert_eq!(lines(&plain, &sold), [format!("+ package pair: {facts}")]);
    assert_eq!(lines(&sold, &plain), ["- package pair"]);
    let text = with_package().replace("[2, 10]", "[5]").replace("\"0.04\"", "\"0.03\"");
    let changed =
        ["~ package pair: quantities 2/10 → 5", "~ package pair: USD per day 0.04 → 0.03"];
    assert_eq!(lines(&sold, &read(&text, 3).unwrap()), changed);
}

#[test]
fn limits_are_those_of_the_kind_but_for_what_a_product_says() {
    let usual = read(SMALL, 1).unwrap();
    assert_eq!(usual.limits(&key("IPv4/USA")), Limits::default());
    let text = SMALL
        .replace("quantity = [1, 1000]", "quantity = [1, 1000]\nlimits = { connections = 7, udp = true }")
        .replace(
            "per_day.USD = \"0.05\"",
            "per_day.USD = \"0.05\"\nlimits = { bytes_per_second = 4096, new_connections_per_second = 0 }",
        );
    let limited = read(&text, 2).unwrap();
    let own =
        Limits { connections: 7, new_connections_per_second: 0, bytes_per_second: 4096, udp: true };
    assert_eq!(limited.limits(&key("IPv4/USA")), own);
    let of_kind = Limits { connections: 7, udp: true, ..Limits::default() };
    // Of what is not sold any more, too.
    assert_eq!(limited.limits(&key("IPv4/FRA")), of_kind);
    assert_eq!(limited.limits(&key("MOBILE/USA/verizon")), Limits::default());
    assert!(!limited.is_served_like(&usual) && limited.is_served_like(&limited.clone()));
    let told: Vec<String> = diff(&usual, &limited).iter().map(ToString::to_string).collect();
    let changed = "~ kind IPv4: limits 500 connections/50 new a second/any bytes a second/UDP off \
                   → 7 connections/50 new a second/any bytes a second/UDP on";
    assert!(told.iter().any(|line| line == changed), "{told:?}");
    let added = "~ product IPv4/USA: limits 7 connections/any new a second/4096 bytes a second/UDP \
                 on (new)";
    assert!(told.iter().any(|line| line == added), "{told:?}");
    let with = |limits: &str| format!("quantity = [1, 1000]\nlimits = {{ {limits} }}");
    refused("quantity = [1, 1000]", &with("bytes_per_second = 100"), "at least 4096");
    refused("quantity = [1, 1000]", &with("connections = -1"), "-1");
    refused("quantity = [1, 1000]", &with("conections = 1"), "conections");
}

#[test]
fn ports_are_those_of_the_kind_but_for_what_a_product_says() {
    let usual = read(SMALL, 1).unwrap();
    let said = |catalogue: &Catalogue, key: &ProductKey| {
        let rules = catalogue.ports(key).unwrap();
        let told = |ranges: &[PortRange]| ranges.iter().map(ToString::to_string).collect();
        let lists: (Vec<String>, Vec<String>) = (told(&rules.allow), told(&rules.deny));
        lists
    };
    let lists = |allow: &[&str], deny: &[&str]| {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let lists: (Vec<String>, Vec<String>) = (owned(allow), owned(deny));
        lists
    };
    assert_eq!(said(&usual, &key("IPv4/USA")), lists(&[], &[]));
    let text = SMALL
        .replace(
            "quantity = [1, 1000]",
            "quantity = [1, 1000]\nallow_ports = [993]\ndeny_ports = [80]",
        )
        .replace(
            "per_day.USD = \"0.05\"",
            "per_day.USD = \"0.05\"\nallow_ports = [\"8000-8999\", 25, 587, 465, \"25\"]",
        );
    let ruled = read(&text, 2).unwrap();
    let own = lists(&["25", "465", "587", "8000-8999"], &["80"]);
    assert_eq!(said(&ruled, &key("IPv4/USA")), own);
    // Of what is not sold any more, too.
    assert_eq!(said(&ruled, &key("IPv4/FRA")), lists(&["993"], &["80"]));
    assert_eq!(said(&ruled, &key("MOBILE/USA/verizon")), lists(&[], &[]));
    assert!(!ruled.is_served_like(&usual) && ruled.is_served_like(&ruled.clone()));
    let told: Vec<String> = diff(&usual, &ruled).iter().map(ToString::to_string).collect();
    for line in [
        "~ kind IPv4: ports allows 993, denies 80 (new)",
        "~ product IPv4/USA: ports allows 25/465/587/8000-8999, denies 80 (new)",
    ] {
        assert!(told.iter().any(|said| said == line), "{told:?}");
    }

    let with = |line: &str| format!("quantity = [1, 1000]\n{line}");
    for (line, sentence) in [
        ("allow_ports = [0]", "kind IPv4: allow_ports has \"0\"; a port or a range is expected"),
        ("deny_ports = [70000]", "deny_ports has \"70000\""),
        ("deny_ports = [\"90-80\"]", "deny_ports has \"90-80\""),
        ("allow_ports = [\"smtp\"]", "allow_ports has \"smtp\""),
        ("allow_ports = [true]", "a port or a range, such as 993"),
        ("allow_ports = 25", "invalid type"),
        ("allow_ports = [\"1-1000\"]", "allow_ports 1-1000 has port 25 among them"),
        ("allow_ports = [25, \"400-600\"]", "allow_ports 400-600 has port 465 among them"),
        ("allow_port = [25]", "allow_port"),
    ] {
        refused("quantity = [1, 1000]", &with(line), sentence);
    }
    // What is denied may have any port among it.
    let all = SMALL.replace("quantity = [1, 1000]", &with("deny_ports = [\"1-65535\"]"));
    assert_eq!(said(&read(&all, 1).unwrap(), &key("IPv4/USA")), lists(&[], &["1-65535"]));
    let many: Vec<String> = (1..=65).map(|port| port.to_string()).collect();
    let many = with(&format!("deny_ports = [{}]", many.join(", ")));
    refused("quantity = [1, 1000]", &many, "deny_ports has 65 entries; at most 64 fit");
}

#[test]
fn a_gateway_may_have_a_port_for_tls() {
    let with = |line: &str| format!("socks_port = 8082\n{line}");
    let catalogue = read(&SMALL.replace("socks_port = 8082", &with("https_port = 8083")), 1);
    assert_eq!(catalogue.unwrap().gateways["main"].https_port, Some(8083));
    refused("socks_port = 8082", &with("https_port = 8081"), "http_port and https_port are both");
    refused("socks_port = 8082", &with("https_port = 0"), "https_port cannot be 0");
    refused("socks_port = 8082", &with("https_port = 20001"), "https_port 20001 lies within");
}

/// `SMALL` with a modem whose description ends with `rest`.
fn with_modem(rest: &str) -> String {
    format!("{SMALL}\n[[modems]]\nname = \"m1\"\ngateway = \"main\"\n{rest}")
}

#[test]
fn a_modem_says_what_makes_it_dial_and_where_its_traffic_leaves_from() {
    let modem = |rest: &str| read(&with_modem(rest), 1).unwrap().modems["m1"].clone();
    let simulated = modem("driver.simulator = { exits = [\"127.0.0.2\"], takes_ms = 7 }");
    assert_eq!((simulated.gateway.as_str(), simulated.exit), ("main", ModemExit::Told));
    assert_eq!(simulated.interval, Span::from_seconds(60));
    let expected = Simulated {
        exits: vec!["127.0.0.2".parse().unwrap()],
        takes: Span::from_millis(7),
        fails_every: 0,
    };
    assert_eq!(simulated.driver, Driver::Simulator(expected));
    let managed = modem(
        "interface = \"wwan0\"\ninterval_seconds = 120\ndeadline_seconds = 45\n\
         driver.modem_manager = { method = \"reset\" }",
    );
    assert_eq!(managed.exit, ModemExit::Interface("wwan0".into()));
    let which = Which::Interface("wwan0".into());
    assert_eq!(managed.driver, Driver::ModemManager(Managed { which, reset: true }));
    assert_eq!(managed.deadline, Span::from_seconds(45));
    let hooked = modem(
        "source = \"192.168.8.100\"\ndriver.http = { url = \"http://farm.example/{modem}\", \
         method = \"POST\", headers = { Authorization = \"Bearer {secret}\" }, secret = \"farm\" }",
    );
    assert_eq!(hooked.exit, ModemExit::Source("192.168.8.100".parse().unwrap()));
    let Driver::Http(hook) = hooked.driver else { panic!("a hook") };
    assert_eq!(
        (hook.method, hook.expect, hook.secret.as_deref()),
        (HookMethod::Post, 200, Some("farm"))
    );
    assert_eq!(hook.headers, [("authorization".to_owned(), "Bearer {secret}".to_owned())]);
}

#[test]
fn a_modem_that_makes_no_sense_is_refused() {
    let hook = |fields: &str| format!("driver.http = {{ {fields} }}");
    for (rest, says) in [
        ("driver = {}".to_owned(), "driver is one of"),
        ("driver.simulator = { exits = [] }".to_owned(), "the list of exits is empty"),
        ("driver.simulator = { exits = [\"x\"] }".to_owned(), "\"x\" is no address"),
        ("driver.modem_manager = {}".to_owned(), "by its imei or interface"),
        ("driver.modem_manager = { imei = \"12\" }".to_owned(), "14 to 16 digits"),
        (
            "interface = \"a\"\nsource = \"127.0.0.1\"\ndriver.simulator = { exits = [\"::1\"] }"
                .to_owned(),
            "not both",
        ),
        (
            "interval_seconds = 0\ndriver.simulator = { exits = [\"::1\"] }".to_owned(),
            "within 1 to",
        ),
        (hook("url = \"ftp://x/\""), "begins with http:// or https://"),
        (hook("url = \"http://ann:pw@x/\""), "has no user in it"),
        (hook("url = \"http:///x\""), "names a host"),
        (hook("url = \"http://x/{imei}\""), "only {modem} and {secret}"),
        (hook("url = \"http://x/{secret}\""), "no secret to be filled in"),
        (hook("url = \"http://x/\", headers = { Authorization = \"Bearer abc\" }"), "is a secret"),
        (hook("url = \"http://x/\", headers = { Host = \"y\" }"), "no header field to be set"),
        (hook("url = \"http://x/\", method = \"HEAD\""), "GET, POST or PUT"),
        (hook("url = \"http://x/\", expect = 500"), "from 200 to 399"),
    ] {
        let error = read(&with_modem(&rest), 1).unwrap_err().to_string();
        assert!(error.contains(says), "{rest}: {error}");
    }
    let text = with_modem("driver.simulator = { exits = [\"::1\"] }");
    let twice = format!(
        "{text}\n[[modems]]\nname = \"m1\"\ngateway = \"main\"\ndriver.simulator = {{ exits = [\"::1\"] }}"
    );
    assert!(read(&twice, 1).unwrap_err().to_string().contains("described twice"));
    let elsewhere = text.replace("gateway = \"main\"", "gateway = \"other\"");
    assert!(read(&elsewhere, 1).unwrap_err().to_string().contains("there is no gateway"));
    let old = read(SMALL, 1).unwrap();
    let said = diff(&old, &read(&text, 2).unwrap());
    assert_eq!(said.len(), 1);
    assert!(
        said[0].to_string().starts_with("+ modem m1: gateway main, exit as it tells"),
        "{}",
        said[0]
    );
}
