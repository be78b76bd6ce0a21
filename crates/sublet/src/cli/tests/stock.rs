//! Stock.

use serde_json::Value;

use super::desk::Desk;

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
