//! The catalogue.

use store::Store;

use super::desk::{Desk, SAMPLE};

#[test]
fn a_catalogue_is_applied_after_a_yes() {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.toml");
    std::fs::write(&file, SAMPLE).unwrap();
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

    std::fs::write(&file, SAMPLE.replace("\"0.047\"", "\"0.048\"")).unwrap();
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
    assert_eq!(desk.shown("catalogue show"), SAMPLE);
    let applied = desk.type_in("catalogue apply - --yes", SAMPLE, true);
    assert!(applied.out.contains("\"changed\":false"), "{}", applied.out);
    let asked = desk.type_in("catalogue apply -", &SAMPLE.replace("0.047", "0.048"), false);
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
