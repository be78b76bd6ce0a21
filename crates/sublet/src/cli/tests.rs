//! What the commands do, on books in memory.

use std::path::Path;

use clap::CommandFactory;
use domain::command::{Command, Outcome, Wish};
use domain::country::Country;
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::{AccessWish, PlaceOrder};
use domain::payment::{Purpose, StartPayment};
use domain::period::PeriodWish;
use domain::public_id::PublicIds;
use domain::time::Time;
use serde_json::Value;
use store::Store;
use store::memory::MemoryStore;

use super::*;

/// A shop in memory, some time in 2026.
struct Desk {
    store: MemoryStore,
    now: Time,
}

/// What a command line gave.
struct Answer {
    code: u8,
    out: String,
    notes: String,
}

impl Desk {
    fn new() -> Desk {
        let now = Time::from_millis(1_780_000_000_000);
        Desk { store: MemoryStore::new(false), now }
    }

    /// A desk whose shop sells what the sample says.
    fn with_catalogue() -> Desk {
        let desk = Desk::new();
        let text = include_str!("../../../../docs/catalogue.sample.toml");
        desk.store.apply_catalogue(text, desk.now).unwrap();
        desk
    }

    /// Does `line`, whose words are separated by single blanks; `input` is what is typed then.
    fn type_in(&self, line: &str, input: &str, json: bool) -> Answer {
        let words = ["sublet"].into_iter().chain(line.split(' ')).map(OsString::from);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut console = Console::on(input, &mut out, &mut notes, json);
        let code = match self.done(words, &mut console) {
            Ok(()) => 0,
            Err(problem) => {
                problem.tell(&mut console);
                problem.code()
            }
        };
        drop(console);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code, out: text(out), notes: text(notes) }
    }

    fn done(
        &self,
        words: impl Iterator<Item = OsString>,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let line = match CommandLine::try_parse_from(words) {
            Ok(line) => line,
            Err(error) => return misuse::answer(&error, console),
        };
        let Noun::Books(books) = line.noun else { panic!("it works on no books") };
        let key_file = Path::new("sublet.key");
        books.run(&mut Shop { store: &self.store, key_file, now: self.now, console })
    }

    /// The objects that `line` gives.
    #[track_caller]
    fn objects(&self, line: &str) -> Vec<Value> {
        let answer = self.type_in(line, "", true);
        assert_eq!(answer.code, 0, "{line}: {}", answer.notes);
        answer.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one object that `line` gives.
    #[track_caller]
    fn object(&self, line: &str) -> Value {
        let objects = self.objects(line);
        assert_eq!(objects.len(), 1, "{line}: {objects:?}");
        objects[0].clone()
    }

    /// What `line` shows to a person.
    #[track_caller]
    fn shown(&self, line: &str) -> String {
        let answer = self.type_in(line, "", false);
        assert_eq!(answer.code, 0, "{line}: {}", answer.notes);
        answer.out
    }

    /// That `line` is not done, and why.
    #[track_caller]
    fn refused(&self, line: &str, code: u8, says: &str) {
        let answer = self.type_in(line, "", false);
        assert_eq!(answer.code, code, "{line}: {}", answer.notes);
        let first = answer.notes.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(says), "{line}: {}", answer.notes);
        assert_eq!(answer.out, "", "{line}");
    }
}

#[test]
fn the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn what_is_typed_wrong_is_said_in_one_line_with_a_hint() {
    for (line, says, hint) in [
        ("custmer list", "unrecognized subcommand 'custmer'", "exists: 'customer'"),
        ("customer create", "--name <NAME>", "sublet customer create --help"),
        ("key create --customer x", "a customer's number is expected", "--help"),
        ("key", "'sublet key' requires a subcommand", "sublet key --help"),
        ("stock add --kind IPv5 --country USA --cidr ::1", "known are IPv4", "--help"),
        ("stock add --kind IPv4 --country USA --cidr 10.0.0.1/8", "a range begins with", "--help"),
        ("promo create X --percent 0", "more than 0 and at most 100", "--help"),
    ] {
        let answer = Desk::new().type_in(line, "", false);
        assert_eq!(answer.code, 2, "{line}");
        let lines: Vec<&str> = answer.notes.lines().collect();
        assert_eq!(lines.len(), 2, "{}", answer.notes);
        assert!(lines[0].starts_with("error: ") && lines[0].contains(says), "{}", answer.notes);
        assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "{}", answer.notes);
        assert_eq!(answer.out, "");
    }
}

#[test]
fn help_is_no_problem() {
    let answer = Desk::new().type_in("promo create --help", "", true);
    assert_eq!((answer.code, answer.notes.as_str()), (0, ""));
    assert!(answer.out.contains("sublet promo create SPRING --percent 10"), "{}", answer.out);
}

#[test]
fn a_customer_is_made_shown_suspended_and_resumed() {
    let desk = Desk::new();
    let made = desk.object("customer create --name Ann --email ann@example.org");
    assert!(made["customer_id"].is_i64(), "{made}");
    assert_eq!((&made["currency"], &made["balance"]), (&"USD".into(), &"0.00".into()));
    let id = &made["customer_id"];
    assert_eq!(desk.object(&format!("customer suspend {id}"))["suspended"], true);
    assert_eq!(desk.object(&format!("customer show {id}"))["suspended"], true);
    assert_eq!(desk.object(&format!("customer resume {id}"))["suspended"], false);
    desk.object("customer create --name Bob --currency jpy");
    let names: Vec<Value> =
        desk.objects("customer list").iter().map(|customer| customer["name"].clone()).collect();
    assert_eq!(names, ["Ann", "Bob"]);
    let table = desk.shown("customer list");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ID") && lines[0].contains("NAME"), "{table}");
    assert!(lines[1].contains("Ann") && lines[1].contains("0.00 USD"), "{table}");
    assert!(lines[2].contains("Bob") && lines[2].contains("0 JPY"), "{table}");
    desk.refused("customer show 999", 1, "there is no customer 999");
    desk.refused("customer suspend 999", 1, "there is no customer 999");
}

/// Two payments of the first customer's, begun as the API does; their references.
fn begin_payments(desk: &Desk) -> [String; 2] {
    let customer = CustomerId(1);
    let ids = PublicIds::new(desk.store.installation().unwrap().id_key);
    [500, 700].map(|minor| {
        let start = StartPayment {
            customer,
            amount: Some(Money::from_minor(minor, Currency::USD)),
            provider: "manual".into(),
            card: None,
            purpose: Purpose::TopUp,
        };
        let command = Command::plain(Wish::StartPayment(start));
        let decided = desk.store.transact(&[command], desk.now).unwrap().remove(0);
        let Ok(Outcome::Payment(payment)) = decided.result else { panic!("{decided:?}") };
        ids.payment(payment.id)
    })
}

#[test]
fn a_payment_is_confirmed_once_or_refused() {
    let desk = Desk::new();
    desk.object("customer create --name Ann");
    assert_eq!(desk.shown("payment list"), "No payment waits.\n");
    let [first, second] = begin_payments(&desk);
    let waiting = desk.objects("payment list --customer 1");
    assert_eq!((waiting.len(), &waiting[0]["payment_id"]), (2, &first.as_str().into()));
    assert_eq!(desk.objects(&format!("payment list --after {first}")).len(), 1);
    for _ in 0..2 {
        let confirmed = desk.object(&format!("payment confirm {first}"));
        assert_eq!((&confirmed["state"], &confirmed["entry"]), (&"settled".into(), &1.into()));
    }
    desk.object(&format!("payment refuse {second}"));
    desk.refused(&format!("payment refuse {first}"), 1, "is settled already");
    desk.refused(&format!("payment confirm {second}"), 1, "is refused already");
    desk.refused("payment confirm 123", 1, "there is no payment 123");
    assert_eq!(desk.object("wallet show --customer 1")["balance"], "5.00");
    assert_eq!(desk.objects("payment list"), Vec::<Value>::new());
    assert_eq!(desk.objects("payment list --all").len(), 2);
    let event = desk.object("events");
    assert_eq!((&event["event"], &event["payment_id"]), (&"payment".into(), &first.into()));
    assert_eq!(desk.object("audit")["payments"], 2);
}

#[test]
fn cards_are_played_with_in_sandboxes_only() {
    let desk = Desk::new();
    desk.object("customer create --name Ann");
    desk.refused("sandbox card --customer 1", 1, "only a sandbox");
    let desk = Desk { store: MemoryStore::new(true), ..desk };
    desk.refused("sandbox card --customer 1", 1, "there is no customer 1");
    desk.object("customer create --name Ann");
    let card = desk.object("sandbox card --customer 1");
    let again = desk.object("sandbox card --customer 1 --fail timeout");
    assert_eq!(card["card_id"], again["card_id"], "it is the same card");
    assert_eq!((&card["does"], &again["does"]), (&"pays".into(), &"timeout".into()));
}

#[test]
fn lists_say_when_they_are_empty() {
    let desk = Desk::new();
    for (line, says) in [
        ("customer list", "There are no customers yet."),
        ("key list", "There are no keys yet."),
        ("promo list", "There are no promo codes yet."),
        ("stock list", "There is no stock yet."),
        ("operator token list", "There are no operator tokens yet."),
        ("events", "Nothing has happened yet."),
    ] {
        assert_eq!(desk.shown(line), format!("{says}\n"), "{line}");
        assert_eq!(desk.objects(line), Vec::<Value>::new(), "{line}");
    }
}

#[test]
fn a_deposit_is_a_transfer_in_the_books() {
    let desk = Desk::new();
    let id = desk.object("customer create --name Ann")["customer_id"].clone();
    let done = desk.object(&format!("wallet deposit --customer {id} --amount 100.00 --note INV-7"));
    assert_eq!((&done["balance"], &done["currency"]), (&"100.00".into(), &"USD".into()));
    desk.object(&format!("wallet deposit --customer {id} --amount 0.5"));
    let wallet = desk.object(&format!("wallet show --customer {id}"));
    assert_eq!(wallet["balance"], "100.50");
    let events = desk.objects("events");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event"], "deposit");
    assert_eq!((&events[0]["amount"], &events[0]["note"]), (&"100.00".into(), &"INV-7".into()));
    let sum: i64 = events[0]["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| posting["amount_minor"].as_i64().unwrap())
        .sum();
    assert_eq!(sum, 0);
    for (amount, says) in [
        ("100.005", "\"100.005\" is no amount in USD"),
        ("1e3", "is no amount in USD"),
        ("-5", "an amount must be more than nothing"),
        ("0", "an amount must be more than nothing"),
    ] {
        desk.refused(&format!("wallet deposit --customer {id} --amount {amount}"), 2, says);
    }
    desk.refused("wallet deposit --customer 999 --amount 1", 1, "there is no customer 999");
    assert_eq!(desk.objects("events list --after 1").len(), 1);
    assert_eq!(desk.objects("events list --limit 1").len(), 1);
    assert_eq!(desk.objects(&format!("events --customer {id}")).len(), 2);
}

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

#[test]
fn a_promo_code_is_made_once() {
    let desk = Desk::new();
    let line = "promo create spring-5 --percent 5 --max-uses 10 --per-customer 1 \
                --from 2026-01-01 --until 2035-01-01 --kinds IPv4,isp --for order \
                --description en=Five --description de=Fünf";
    let made = desk.object(line);
    assert_eq!((&made["code"], &made["percent"]), (&"SPRING-5".into(), &"5".into()));
    assert_eq!(made["kinds"], serde_json::json!(["IPv4", "ISP"]));
    assert_eq!((&made["for_orders"], &made["for_extensions"]), (&true.into(), &false.into()));
    let listed = desk.object("promo list");
    assert_eq!(listed, made);
    assert_eq!(listed["descriptions"][1], serde_json::json!({ "locale": "de", "text": "Fünf" }));
    desk.refused("promo create SPRING-5 --percent 7", 1, "there is a promo code SPRING-5 already");
    desk.refused("promo create X --percent 7 --until 2020-01-01", 2, "could never be used");
    desk.refused("promo create X --percent 7 --customer 999", 1, "there is no customer 999");
    let endless = desk.object("promo create ENDLESS --percent 2.5");
    assert_eq!((&endless["ends_at"], &endless["state"]), (&Value::Null, &"open".into()));
    assert_eq!((&endless["for_orders"], &endless["for_extensions"]), (&true.into(), &true.into()));
}

#[test]
fn a_catalogue_is_applied_after_a_yes() {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    let text = include_str!("../../../../docs/catalogue.sample.toml");
    std::fs::write(&file, text).unwrap();
    let apply = format!("catalogue apply {}", file.display());

    let no = desk.type_in(&apply, "n\n", false);
    assert_eq!(no.code, 1);
    assert!(no.notes.contains("nothing was changed"), "{}", no.notes);
    assert_eq!(desk.store.catalogue().unwrap().version, 0);

    let yes = desk.type_in(&apply, "y\n", false);
    assert_eq!(yes.code, 0, "{}", yes.notes);
    assert!(
        yes.out.contains(
            "+ product IPv4/USA: EUR per day 0.044, EUR for 30 days 1.22, USD per day 0.047"
        ),
        "{}",
        yes.out
    );
    assert!(yes.out.ends_with("Catalogue 1 is in force.\n"), "{}", yes.out);

    let again = desk.object(&apply);
    assert_eq!((&again["version"], &again["changed"]), (&1.into(), &false.into()));

    std::fs::write(&file, text.replace("\"0.047\"", "\"0.048\"")).unwrap();
    let changed = desk.object(&format!("{apply} --yes"));
    assert_eq!((&changed["version"], &changed["changed"]), (&2.into(), &true.into()));
    let change = "~ product IPv4/USA: USD per day 0.047 → 0.048";
    assert_eq!(changed["changes"], serde_json::json!([change]));

    std::fs::write(&file, "[kinds.IPv5]\nperiods = [1]\nquantity = [1, 1]\n").unwrap();
    desk.refused(&apply, 1, "catalogue.toml: line 1, column 8: unknown kind \"IPv5\"");
    std::fs::remove_file(&file).unwrap();
    desk.refused(&apply, 1, "catalogue.toml cannot be read");
    assert_eq!(desk.store.catalogue().unwrap().version, 2);
}

#[test]
fn a_catalogue_is_shown_as_it_was_written() {
    let desk = Desk::new();
    assert_eq!(desk.shown("catalogue show"), "");
    let desk = Desk::with_catalogue();
    let text = include_str!("../../../../docs/catalogue.sample.toml");
    assert_eq!(desk.shown("catalogue show"), text);
    let applied = desk.type_in("catalogue apply - --yes", text, true);
    assert!(applied.out.contains("\"changed\":false"), "{}", applied.out);
    let asked = desk.type_in("catalogue apply -", &text.replace("0.047", "0.048"), false);
    assert_eq!(asked.code, 2);
    assert!(asked.notes.contains("add --yes"), "{}", asked.notes);
    let prices = desk.shown("catalogue show --prices");
    assert!(prices.contains("IPv4/USA"), "{prices}");
    assert!(prices.contains("30d 1.31 USD"), "{prices}");
    let shown = desk.object("catalogue show");
    assert_eq!(shown["version"], 1);
    let first = &shown["products"][0];
    assert_eq!((&first["kind"], &first["on_sale"]), (&"IPv4".into(), &true.into()));
    let package = &shown["packages"][0];
    assert_eq!((&package["package"], &package["kind"]), (&"europe-5".into(), &"IPv4".into()));
    assert_eq!(package["quantities"], serde_json::json!([10, 25, 50, 100]));
    let price =
        package["prices"].as_array().unwrap().iter().find(|price| price["currency"] == "USD");
    assert_eq!((&price.unwrap()["days"], &price.unwrap()["unit"]), (&30.into(), &"1.25".into()));
    assert!(prices.contains("DEU/GBR/FRA/NLD/POL  10/25/50/100"), "{prices}");
}

#[test]
fn stock_is_added_and_listed() {
    let desk = Desk::with_catalogue();
    let add = "stock add --kind IPv4 --country USA --cidr 127.10.0.0/24";
    let added = desk.object(add);
    assert_eq!((&added["added"], &added["known"]), (&256.into(), &0.into()));
    let again = desk.object(add);
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &256.into()));
    let prefix = desk.object("stock add --kind IPv6 --country DEU --cidr 2001:db8:1::/48");
    assert_eq!((&prefix["added"], &prefix["prefixes_added"]), (&0.into(), &1.into()));
    let modems = "stock add --kind MOBILE --country USA --operator verizon --cidr 127.20.0.0/31";
    assert_eq!(desk.object(&format!("{modems} --slots 3"))["added"], 6);
    let list = desk.objects("stock list");
    let free = |pool: &str| {
        let line = list.iter().find(|line| line["pool"] == pool).unwrap();
        (line["free"].as_u64().unwrap(), line["undrawn"].as_u64().unwrap())
    };
    assert_eq!(free("IPv4/USA"), (256, 0));
    assert_eq!(free("MOBILE/USA/verizon"), (6, 0));
    assert!(free("IPv6/DEU").1 > 1_000_000_000);
    assert!(desk.shown("stock list").contains("plenty"));

    desk.refused("stock add --kind IPv4 --country USA --cidr ::1", 2, "::1 is no IPv4 address");
    desk.refused("stock add --kind MOBILE --country USA --cidr 127.0.0.1", 2, "have an operator");
    let stranger = modems.replace("verizon", "nobody");
    desk.refused(&stranger, 1, "has no mobile operator nobody");
    desk.refused(&format!("{add} --gateway far"), 1, "has no gateway far");
}

#[test]
fn stock_may_come_before_the_catalogue() {
    let desk = Desk::new();
    let line = "stock add --kind IPv4 --country USA --cidr 127.10.0.0/30";
    assert_eq!(desk.object(line)["added"], 4);
}

#[test]
fn more_shared_addresses_than_ports_are_refused_before_any_is_added() {
    let desk = Desk::with_catalogue();
    let line = "stock add --kind MOBILE --country USA --operator verizon --cidr 127.20.0.0/20";
    desk.refused(&format!("{line} --slots 2"), 1, "ports for 5000");
    assert_eq!(desk.objects("stock list"), Vec::<Value>::new());
}

#[test]
fn a_file_of_stock_is_imported_wholly_or_not_at_all() {
    let desk = Desk::with_catalogue();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.csv");
    let import = format!("stock import {}", file.display());
    let text =
        "ip,kind,country,operator,gateway,slots\n127.10.0.0/29,IPv4,USA\n127.11.0.1,ISP,DEU\n";
    std::fs::write(&file, text).unwrap();
    let imported = desk.object(&import);
    assert_eq!((&imported["added"], &imported["known"]), (&9.into(), &0.into()));
    let again = desk.object(&import);
    assert_eq!((&again["added"], &again["known"]), (&0.into(), &9.into()));

    std::fs::write(&file, format!("{text}127.12.0.1,IPv4,USA\n127.12.0.x,IPv4,USA\nx\n")).unwrap();
    desk.refused(&import, 1, "stock.csv, line 5: ip \"127.12.0.x\": a range");
    let free: u64 =
        desk.objects("stock list").iter().map(|line| line["free"].as_u64().unwrap()).sum();
    assert_eq!(free, 9);
    std::fs::remove_file(&file).unwrap();
    desk.refused(&import, 1, "stock.csv cannot be read");
}

/// Ann has 10.00 USD and rents two addresses in the USA for 30 days.
fn order_two(desk: &Desk, customer: i64) {
    let order = PlaceOrder {
        customer: CustomerId(customer),
        kind: Some(ProxyKind::Ipv4),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: None,
        rotation_seconds: None,
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: None,
        goal: Some("price monitoring".into()),
        quantity: Some(2),
        promo: None,
        seed: [7; 16],
    };
    let command = Command::plain(Wish::Order(Box::new(order)));
    let decisions = desk.store.transact(&[command], desk.now).unwrap();
    assert!(decisions[0].result.is_ok(), "{decisions:?}");
}

#[test]
fn an_order_is_shown_with_its_price_its_leases_and_its_postings() {
    let desk = Desk::with_catalogue();
    desk.object("stock add --kind IPv4 --country USA --cidr 127.10.0.0/24");
    let id = desk.object("customer create --name Ann")["customer_id"].as_i64().unwrap();
    desk.object(&format!("wallet deposit --customer {id} --amount 10"));
    order_two(&desk, id);

    let receipt = desk.object("events --after 1");
    assert_eq!((&receipt["event"], &receipt["amount"]), (&"order".into(), &"-2.62".into()));
    assert_eq!((&receipt["balance_after"], &receipt["currency"]), (&"7.38".into(), &"USD".into()));
    assert_eq!((&receipt["period_days"], &receipt["quote"]["total"]), (&30.into(), &"2.62".into()));
    assert_eq!(receipt["quote"]["lines"][0]["product"], "IPv4/USA");
    let leases = receipt["leases"].as_array().unwrap();
    assert_eq!(leases.len(), 2);
    for lease in leases {
        assert_eq!(lease["lease_id"].as_str().unwrap().len(), 24);
        assert_eq!(lease["ends_at"], "2026-06-27T20:26:40Z");
    }
    let amounts: Vec<i64> = receipt["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| posting["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!((amounts.len(), amounts.iter().sum::<i64>()), (2, 0));
    let table = desk.shown("events");
    assert!(table.contains("-2.62") && table.contains("2 leases from"), "{table}");
    let stock = desk.object("stock list");
    assert_eq!((&stock["free"], &stock["leased"]), (&254.into(), &2.into()));
}

#[test]
fn sound_books_are_audited() {
    let desk = Desk::new();
    let id = desk.object("customer create --name Ann")["customer_id"].clone();
    desk.object(&format!("wallet deposit --customer {id} --amount 1"));
    let report = desk.object("audit");
    assert_eq!((&report["ok"], &report["violations"]), (&true.into(), &0.into()));
    assert_eq!((&report["entries"], &report["postings"]), (&1.into(), &2.into()));
}

#[test]
fn orders_are_unlocked() {
    let desk = Desk::new();
    desk.store.set_sales_locked(true).unwrap();
    let unlocked = desk.object("unlock");
    assert_eq!((&unlocked["sales_locked"], &unlocked["was_locked"]), (&false.into(), &true.into()));
    assert!(!desk.store.sales_locked().unwrap());
    assert_eq!(desk.shown("unlock"), "orders  taken, as before\n");
}
