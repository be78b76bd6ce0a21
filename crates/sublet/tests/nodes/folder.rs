//! A table that is saved is served after a restart only if it is whole, and the one that was in
//! force.

use std::path::Path;

use crate::fake::{Fake, Says, Told, proxy};
use crate::outpost::{Outpost, PATIENCE, port, soon};
use crate::town::Echo;

/// What is in the folder of a gateway.
type Files = Vec<(String, Vec<u8>)>;

fn files(data: &Path) -> Files {
    let read = |name: &str| std::fs::read(data.join(name)).ok();
    ["key", "shop.json", "table", "mark"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), read(name)?)))
        .collect()
}

fn put(data: &Path, files: &Files) {
    let _ = std::fs::remove_dir_all(data);
    std::fs::create_dir_all(data).unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(data.join(name), bytes).unwrap());
}

/// The folder of a gateway that has ended, after it was told `tables` one after another; with what
/// was there after each.
fn told(data: &Path, fake: &Fake, tables: &[Told]) -> Vec<Files> {
    let mut outpost = None;
    let mut all = Vec::new();
    for table in tables {
        let before = files(data);
        fake.says(Says::Tells(table.bytes()));
        fake.hang_up();
        if outpost.is_none() {
            outpost = Some(Outpost::start(data, &[&fake.control], &["--token", &fake.token()]));
        }
        let is_new = || {
            let (now, kept) = (files(data), |files: &Files, name: &str| {
                files.iter().find(|(its, _)| its == name).map(|(_, bytes)| bytes.clone())
            });
            ["table", "mark"]
                .iter()
                .all(|name| kept(&now, name).is_some() && kept(&now, name) != kept(&before, name))
        };
        soon(is_new, || "nothing is saved".to_owned());
        // The mark comes before the table.
        std::thread::sleep(std::time::Duration::from_millis(300));
        all.push(files(data));
    }
    outpost.unwrap().kill9();
    all
}

#[test]
fn what_is_damaged_cut_older_or_of_another_is_refused() {
    let (port, echo) = (port(), Echo::new());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    let fake = Fake::open(Says::Nothing);
    let table =
        |number, leases: &[u8]| Told { node: "fake", number, port, leases: leases.to_vec() };
    let all = told(&data, &fake, &[table(1, &[11]), table(2, &[12])]);
    let [older, whole] = &all[..] else { panic!("two were saved") };
    let another = folder.path().join("another");
    let of_another = told(&another, &fake, &[table(3, &[13])]).remove(0);
    fake.says(Says::Nothing);

    // As it is, it is served, though nobody answers.
    put(&data, whole);
    let outpost = Outpost::start(&data, &[&fake.control], &[]);
    assert_eq!(outpost.ready["saved"], true);
    assert!(echo.tunnel(&proxy(12, port)).is_ok());
    outpost.kill9();

    let with = |name: &str, change: &dyn Fn(&Vec<u8>) -> Vec<u8>| -> Files {
        let changed = |(its, bytes): &(String, Vec<u8>)| {
            (its.clone(), if its == name { change(bytes) } else { bytes.clone() })
        };
        whole.iter().map(changed).collect()
    };
    let of = |files: &Files, name: &str| -> Vec<u8> {
        files.iter().find(|(its, _)| its == name).unwrap().1.clone()
    };
    let flipped = |at: usize| {
        move |bytes: &Vec<u8>| {
            let mut bytes = bytes.clone();
            let at = at.min(bytes.len() - 1);
            bytes[at] ^= 1;
            bytes
        }
    };
    let cases: Vec<(&str, Files)> = vec![
        ("it is no table", with("table", &flipped(0))),
        ("it is older than the one", with("table", &flipped(8))),
        ("of its 1 pieces are whole", with("table", &flipped(24))),
        ("of its 1 pieces are whole", with("table", &flipped(60))),
        ("of its 1 pieces are whole", with("table", &flipped(usize::MAX))),
        ("it is no table", with("table", &|_| Vec::new())),
        ("of its 1 pieces are whole", with("table", &|bytes| bytes[..bytes.len() / 2].to_vec())),
        ("it is older than the one", with("table", &|_| of(older, "table"))),
        ("its mark is damaged", with("mark", &flipped(30))),
        ("its mark is damaged", with("mark", &|_| of(&of_another, "mark"))),
        ("it is older than the one", with("table", &|_| of(&of_another, "table"))),
        ("its mark is missing", {
            let mut files = whole.clone();
            files.retain(|(name, _)| name != "mark");
            files
        }),
    ];
    // All at once: each waits for a shop that says nothing.
    let outposts: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, (says, files))| {
            let data = folder.path().join(format!("case{number}"));
            put(&data, files);
            (says, Outpost::begin(&data, &[&fake.control], &[]))
        })
        .collect();
    for (says, outpost) in &outposts {
        outpost.soon_logs("The saved table is refused");
        assert!(outpost.logged().contains(*says), "no {says:?}: {}", outpost.logged());
    }
    assert!(echo.tunnel(&proxy(12, port)).is_err(), "what was refused is served");
    drop(outposts);

    // What the shop tells then is served, and saved again.
    let data = folder.path().join("case0");
    put(&data, &cases[0].1);
    fake.says(Says::Tells(table(4, &[14]).bytes()));
    let outpost = Outpost::start(&data, &[&fake.control], &[]);
    assert_eq!(outpost.ready["saved"], false);
    assert!(echo.tunnel(&proxy(14, port)).is_ok());
    let saved = std::time::Instant::now();
    while std::fs::read(data.join("table")).is_ok_and(|bytes| bytes == of(&cases[0].1, "table")) {
        assert!(saved.elapsed() < PATIENCE, "nothing is saved");
    }
    let second = Outpost::begin(&data, &[&fake.control], &[]);
    second.soon_logs("another gateway uses the folder");
    let kept = std::fs::read(data.join("table")).unwrap();
    assert!(!kept.windows(6).any(|part| part == b"canary"), "passwords lie in the folder");
}
