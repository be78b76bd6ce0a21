//! The table by itself.

use std::collections::HashSet;
use std::net::SocketAddr;

use feed::lease::{Access, Exit, Limits, Login, Source};

use super::*;

fn lease(id: u64) -> feed::lease::Lease {
    feed::lease::Lease {
        id,
        entries: Vec::new(),
        access: Access::from(Login { login: format!("u{id}"), password: format!("p{id}") }),
        exit: Exit::Address(IpAddr::from([127, 0, 0, 1])),
        ends_at: 1_000,
        suspended: false,
        exits: 0,
        dialing: false,
        limits: Limits::default(),
        ports: None,
    }
}

fn find(table: &Table, login: &str, password: &str) -> Option<u64> {
    let found = table.by_login(login.as_bytes(), password.as_bytes(), None).ok();
    found.map(|(lease, _)| lease.id())
}

fn find_at(table: &Table, entry: &str) -> Option<u64> {
    let entry: SocketAddr = entry.parse().unwrap();
    let found = table.by_login(b"u1", b"p1", Some(entry.into())).ok();
    found.map(|(lease, _)| lease.id())
}

/// The keys of all places where leases are.
fn places(table: &Table) -> Vec<u64> {
    table.shards.iter().flat_map(|shard| shard.load().keys().collect::<Vec<_>>()).collect()
}

/// Has these leases be all that `table` has.
fn replace<'a>(
    table: &Arc<Table>,
    leases: impl IntoIterator<Item = &'a feed::lease::Lease>,
) -> Vec<Unfit> {
    let mut fresh = Fresh::of(Arc::clone(table));
    leases.into_iter().for_each(|lease| fresh.put(lease));
    fresh.put_in_force()
}

#[test]
fn a_lease_is_found_until_it_is_removed() {
    let table = Arc::new(Table::new().unwrap());
    let leases: Vec<_> = (0..5_000).map(lease).collect();
    table.apply(leases.iter().map(Change::Put));
    assert_eq!(table.len(), 5_000);
    for id in 0..5_000 {
        assert_eq!(find(&table, &format!("u{id}"), &format!("p{id}")), Some(id));
        assert_eq!(find(&table, &format!("u{id}"), "p"), None);
    }
    table.apply((0..5_000).filter(|id| id % 2 == 0).map(Change::Remove));
    assert_eq!(table.len(), 2_500);
    for id in 0..5_000 {
        let found = find(&table, &format!("u{id}"), &format!("p{id}"));
        assert_eq!(found, (id % 2 == 1).then_some(id));
        assert_eq!(table.get(id).is_some(), id % 2 == 1);
    }
}

#[test]
fn a_changed_password_counts_at_once_and_the_old_one_no_longer() {
    let table = Arc::new(Table::new().unwrap());
    replace(&table, [&lease(1)]);
    let login = Login { login: "u1".into(), password: "new".into() };
    let changed = feed::lease::Lease { access: Access::from(login), ..lease(1) };
    let (told, unfit) = table.apply([Change::Put(&changed)]);
    assert!(unfit.is_empty() && told.len() == 1 && told[0].now.is_some());
    assert_eq!(find(&table, "u1", "p1"), None);
    assert_eq!(find(&table, "u1", "new"), Some(1));
}

#[test]
fn several_changes_of_one_lease_count_in_their_order() {
    let table = Arc::new(Table::new().unwrap());
    let (first, second) = (lease(1), lease(2));
    let again = feed::lease::Lease { id: 1, ..second.clone() };
    table.apply([
        Change::Put(&first),
        Change::Remove(1),
        Change::Put(&second),
        Change::Put(&again),
    ]);
    // Two leases with the same login and password: either may serve, none is lost.
    assert_eq!(table.len(), 2);
    table.apply([Change::Remove(1)]);
    assert_eq!(find(&table, "u2", "p2"), Some(2));
    assert_eq!(find(&table, "u1", "p1"), None);
}

#[test]
fn what_would_admit_everybody_is_not_kept() {
    let table = Arc::new(Table::new().unwrap());
    replace(&table, [&lease(1)]);
    let with = |login: &str, password: &str| {
        let login = Login { login: login.into(), password: password.into() };
        feed::lease::Lease { access: Access::from(login), ..lease(1) }
    };
    let bits = |bits| {
        let sources = vec![Source { ip: IpAddr::from([192, 0, 2, 1]), bits }];
        feed::lease::Lease { access: Access::from(sources), ..lease(1) }
    };
    let none = feed::lease::Lease { access: Access::default(), ..lease(1) };
    let exit = |exit| feed::lease::Lease { exit, ..lease(1) };
    let address = |ip: &str| exit(Exit::Address(ip.parse().unwrap()));
    let interface = |name: &str| exit(Exit::Interface(name.to_owned()));
    for bad in [
        with("", "p"),
        with("u", ""),
        with("", ""),
        bits(33),
        bits(0),
        none,
        // The system would leave from anywhere.
        address("0.0.0.0"),
        address("::"),
        address("::ffff:0.0.0.0"),
        address("224.0.0.1"),
        interface(""),
        interface("\0"),
        interface("eth0\0"),
        interface("a b"),
        interface("sixteen-letters!"),
    ] {
        replace(&table, [&lease(1), &lease(2)]);
        let (changed, unfit) = table.apply([Change::Put(&bad)]);
        assert_eq!(unfit.len(), 1);
        assert!(changed[0].now.is_none());
        // What it was before is gone too; others are not touched.
        assert_eq!(find(&table, "u1", "p1"), None);
        assert_eq!(find(&table, "u2", "p2"), Some(2));
        assert_eq!(find(&table, "", ""), None);
        assert_eq!(replace(&table, [&bad, &lease(2)]).len(), 1);
        assert_eq!(table.len(), 1);
    }
}

#[test]
fn any_of_several_ways_leads_in_and_others_do_not() {
    let table = Arc::new(Table::new().unwrap());
    let login = |name: &str| Login { login: name.into(), password: format!("{name}!") };
    let source = |ip: &str| Source { ip: ip.parse().unwrap(), bits: 32 };
    let access = |names: &[&str], ips: &[&str]| Access {
        logins: names.iter().copied().map(login).collect(),
        sources: ips.iter().copied().map(source).collect(),
    };
    let by_source = |ip: &str| table.by_source(ip.parse().unwrap(), None).map(|it| it.id());
    let both = access(&["one", "two"], &["192.0.2.1", "192.0.2.2"]);
    table.apply([Change::Put(&feed::lease::Lease { access: both, ..lease(1) })]);
    for name in ["one", "two"] {
        assert_eq!(find(&table, name, &format!("{name}!")), Some(1));
    }
    assert_eq!(find(&table, "one", "two!"), None);
    assert_eq!((by_source("192.0.2.1"), by_source("192.0.2.2")), (Some(1), Some(1)));
    let fewer = access(&["two"], &["192.0.2.2"]);
    table.apply([Change::Put(&feed::lease::Lease { access: fewer, ..lease(1) })]);
    assert_eq!((find(&table, "one", "one!"), find(&table, "two", "two!")), (None, Some(1)));
    assert_eq!((by_source("192.0.2.1"), by_source("192.0.2.2")), (None, Some(1)));
    table.apply([Change::Remove(1)]);
    assert_eq!((find(&table, "two", "two!"), by_source("192.0.2.2")), (None, None));
}

#[test]
fn a_source_network_is_what_its_bits_say() {
    let table = Arc::new(Table::new().unwrap());
    let with = |id, ip: &str, bits| {
        let sources = vec![Source { ip: ip.parse().unwrap(), bits }];
        feed::lease::Lease { access: Access::from(sources), ..lease(id) }
    };
    replace(
        &table,
        [
            &with(1, "198.51.100.77", 24),
            &with(2, "198.51.100.64", 26),
            &with(3, "198.51.100.65", 32),
            &with(4, "2001:db8:1::", 48),
            &with(5, "::ffff:203.0.113.9", 32),
        ],
    );
    let rows = [
        ("198.51.100.1", Some(1)),
        ("198.51.100.64", Some(2)),
        ("198.51.100.127", Some(2)),
        ("198.51.100.128", Some(1)),
        ("198.51.100.65", Some(3)),
        ("::ffff:198.51.100.65", Some(3)),
        ("198.51.101.1", None),
        ("2001:db8:1:ffff::1", Some(4)),
        ("2001:db8:2::1", None),
        ("203.0.113.9", Some(5)),
    ];
    for (ip, expected) in rows {
        let found = table.by_source(ip.parse().unwrap(), None).map(|lease| lease.id());
        assert_eq!(found, expected, "{ip}");
    }
}

#[test]
fn an_entry_is_an_address_with_a_port_or_with_any() {
    let table = Arc::new(Table::new().unwrap());
    let at = |id, entry: &str| feed::lease::Lease {
        id,
        entries: vec![entry.parse().unwrap()],
        ..lease(1)
    };
    replace(
        &table,
        [
            &at(1, "192.0.2.1:1080"),
            &at(2, "192.0.2.2:0"),
            &at(3, "[2001:db8::1]:80"),
            &at(4, "0.0.0.0:8000"),
            &at(5, "[::]:8001"),
        ],
    );
    let find = |entry| find_at(&table, entry);
    assert_eq!(find("192.0.2.1:1080"), Some(1));
    assert_eq!(find("192.0.2.1:1081"), None);
    assert_eq!(find("192.0.2.2:1081"), Some(2));
    assert_eq!(find("[2001:db8::1]:80"), Some(3));
    assert_eq!(find("[::ffff:192.0.2.2]:80"), Some(2));
    assert_eq!(find("192.0.2.1:8000"), Some(4));
    assert_eq!(find("[2001:db8::1]:8000"), Some(4));
    assert_eq!(find("192.0.2.1:8001"), Some(5));
    assert_eq!(find("192.0.2.1:8002"), None);
    assert!(table.by_login(b"u1", b"p1", None).is_err());
    // Any port of any address, in either family: who comes in elsewhere than the others do.
    for anywhere in ["0.0.0.0:0", "[::]:0"] {
        table.apply([Change::Put(&at(6, anywhere))]);
        assert_eq!(find("192.0.2.1:1080"), Some(1));
        assert_eq!(find("192.0.2.1:1081"), Some(6));
        assert_eq!(find("[2001:db8::2]:8002"), Some(6));
        table.apply([Change::Remove(6)]);
        assert_eq!((find("192.0.2.1:1081"), places(&table).len()), (None, 5));
    }
}

#[test]
fn no_login_fails_while_the_table_changes() {
    let table = Arc::new(Table::new().unwrap());
    let leases: Vec<_> = (0..2_000).map(lease).collect();
    replace(&table, &leases);
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..20 {
                replace(&table, &leases);
                table.apply(leases.iter().map(Change::Put));
            }
        });
        while !changes.is_finished() {
            for id in (0..2_000).step_by(97) {
                assert_eq!(find(&table, &format!("u{id}"), &format!("p{id}")), Some(id));
            }
        }
    });
}

#[test]
fn what_is_built_aside_is_in_force_when_it_is_put_so() {
    let table = Arc::new(Table::new().unwrap());
    replace(&table, [&lease(1), &lease(2)]);
    let bad = feed::lease::Lease { access: Access::default(), ..lease(5) };
    let again = feed::lease::Lease { id: 3, ..lease(4) };
    let mut fresh = Fresh::of(Arc::clone(&table));
    for lease in [&lease(2), &lease(3), &bad, &again] {
        fresh.put(lease);
    }
    drop(Fresh::of(Arc::clone(&table)));
    assert_eq!((find(&table, "u1", "p1"), find(&table, "u3", "p3")), (Some(1), None));
    assert_eq!(fresh.put_in_force(), [Unfit::NoAccess(5)]);
    assert_eq!((find(&table, "u1", "p1"), find(&table, "u3", "p3")), (None, None));
    assert_eq!((find(&table, "u2", "p2"), find(&table, "u4", "p4")), (Some(2), Some(3)));
    assert_eq!((table.len(), table.get(1).is_some(), table.get(3).is_some()), (2, false, true));
}

#[test]
fn of_what_is_told_of_a_lease_aside_the_last_counts() {
    let table = Arc::new(Table::new().unwrap());
    replace(&table, [&lease(1), &lease(2), &lease(3)]);
    let bad = feed::lease::Lease { access: Access::default(), ..lease(2) };
    let mut fresh = Fresh::of(Arc::clone(&table));
    [&lease(1), &lease(2), &lease(3), &bad].into_iter().for_each(|lease| fresh.put(lease));
    [1, 3, 4].into_iter().for_each(|id| fresh.remove(id));
    fresh.put(&lease(3));
    assert_eq!(fresh.put_in_force(), [Unfit::NoAccess(2)]);
    let found = |id: u64| find(&table, &format!("u{id}"), &format!("p{id}"));
    assert_eq!([1, 2, 3].map(found), [None, None, Some(3)]);
    assert_eq!((table.len(), places(&table).len()), (1, 1));
    assert!(table.get(1).is_none() && table.get(2).is_none());
}

/// Flows are looked at by the ids of their leases: one that a new table has let in must not be closed
/// because the old one is found there.
#[test]
fn who_is_let_in_by_a_new_table_is_known_in_it() {
    let table = Arc::new(Table::new().unwrap());
    replace(&table, &(0..20_000).map(lease).collect::<Vec<_>>());
    let mut fresh = Fresh::of(Arc::clone(&table));
    for id in 0..20_000 {
        let login = Login { login: format!("u{id}"), password: "other".to_owned() };
        fresh.put(&feed::lease::Lease { access: Access::from(login), ..lease(id) });
    }
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| fresh.put_in_force());
        while !changes.is_finished() {
            // Wherever one of them stands among the shards.
            for id in 0..50 {
                let Ok((found, _)) = table.by_login(format!("u{id}").as_bytes(), b"other", None)
                else {
                    continue;
                };
                assert!(Arc::ptr_eq(&found, &table.get(id).unwrap()), "another is known: {id}");
            }
        }
    });
}

#[test]
fn a_lease_is_looked_up_while_the_table_is_replaced() {
    let table = Arc::new(Table::new().unwrap());
    let leases: Vec<_> = (0..100_000).map(lease).collect();
    replace(&table, &leases);
    let mut fresh = Fresh::of(Arc::clone(&table));
    leases.iter().for_each(|lease| fresh.put(lease));
    let mut looked = 0;
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| fresh.put_in_force());
        while !changes.is_finished() {
            assert!(table.get(7).is_some());
            looked += 1;
        }
    });
    // If that held look-ups up, there would be those alone that come before it begins.
    assert!(looked > 1_000, "{looked} look-ups while it was replaced");
}

#[test]
fn a_password_leaves_no_trace() {
    let table = Arc::new(Table::new().unwrap());
    let login = Login { login: "canary-login".into(), password: "canary-password".into() };
    let lease = feed::lease::Lease { access: Access::from(login), ..lease(1) };
    replace(&table, [&lease]);
    let shown = format!("{lease:?} {table:?} {:?}", table.get(1));
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("Keys(***)"));
}

#[test]
fn thousands_of_leases_may_share_a_login_at_a_shared_host() {
    let table = Arc::new(Table::new().unwrap());
    let at = |id: u16| feed::lease::Lease {
        id: id.into(),
        entries: [id, id + 1].map(|port| SocketAddr::from(([0; 4], port))).to_vec(),
        ..lease(1)
    };
    let leases: Vec<_> = (10_000..12_000).step_by(2).map(at).collect();
    replace(&table, &leases);
    // Each has a place for each of its ports, where it meets no other.
    assert_eq!(places(&table).len(), 2_000);
    assert_eq!(places(&table).into_iter().collect::<HashSet<_>>().len(), 2_000);
    for port in 10_000..12_000_u64 {
        assert_eq!(find_at(&table, &format!("192.0.2.1:{port}")), Some(port & !1));
    }
    assert_eq!(find_at(&table, "192.0.2.1:9999"), None);
    table.apply([Change::Remove(10_004)]);
    assert_eq!(find_at(&table, "192.0.2.1:10005"), None);
    assert_eq!(find_at(&table, "192.0.2.1:10006"), Some(10_006));
    assert_eq!(places(&table).len(), 1_998);
}

#[test]
fn a_few_leases_may_share_a_login_at_one_address() {
    let table = Arc::new(Table::new().unwrap());
    let with = |id, entries: &[&str]| feed::lease::Lease {
        id,
        entries: entries.iter().map(|entry| entry.parse().unwrap()).collect(),
        ..lease(1)
    };
    let (one, two, three) = (
        with(1, &["192.0.2.1:80", "192.0.2.1:1080"]),
        with(2, &["192.0.2.1:81", "192.0.2.1:1081"]),
        with(3, &["192.0.2.1:0"]),
    );
    // Whatever their order, a lease that has a port goes before one that has any.
    for leases in [[&one, &two, &three], [&three, &two, &one]] {
        replace(&table, leases);
        assert_eq!(places(&table).len(), 3);
        let found = ["80", "1080", "81", "1081", "82"]
            .map(|port| find_at(&table, &format!("192.0.2.1:{port}")).unwrap());
        assert_eq!(found, [1, 1, 2, 2, 3]);
    }
    table.apply([Change::Remove(3)]);
    assert_eq!(find_at(&table, "192.0.2.1:82"), None);
    table.apply([Change::Remove(1)]);
    assert_eq!(find_at(&table, "192.0.2.1:80"), None);
    assert_eq!(find_at(&table, "192.0.2.1:81"), Some(2));
}

#[test]
fn a_lease_leaves_each_of_its_places_whatever_it_has() {
    let table = Arc::new(Table::new().unwrap());
    let logins = |count: usize| {
        let login = |at| Login { login: format!("u{at}"), password: format!("p{at}") };
        Access { logins: (1..=count).map(login).collect(), sources: Vec::new() }
    };
    let source = Source { ip: IpAddr::from([198, 51, 100, 0]), bits: 24 };
    let both = Access { sources: vec![source], ..logins(1) };
    let rows: &[(_, &[&str], usize)] = &[
        (logins(1), &[], 1),
        (logins(1), &["192.0.2.1:80", "192.0.2.1:1080"], 1),
        (logins(1), &["192.0.2.1:80", "192.0.2.1:80"], 1),
        (logins(1), &["192.0.2.1:80", "192.0.2.1:0", "192.0.2.1:81", "192.0.2.1:82"], 1),
        (logins(3), &["192.0.2.1:80", "192.0.2.2:80", "192.0.2.1:81"], 6),
        (logins(3), &["0.0.0.0:80", "[::]:80", "0.0.0.0:81", "192.0.2.2:80"], 9),
        (both.clone(), &["192.0.2.1:80", "[2001:db8::1]:80"], 4),
        (both, &["192.0.2.1:80", "192.0.2.1:1080", "192.0.2.1:8443"], 2),
        (Access::from(vec![source]), &[], 1),
    ];
    let all: Vec<_> = rows
        .iter()
        .map(|(access, entries, _)| feed::lease::Lease {
            entries: entries.iter().map(|entry| entry.parse().unwrap()).collect(),
            access: access.clone(),
            ..lease(1)
        })
        .collect();
    let check = |at: usize| {
        let (access, entries, count) = &rows[at];
        assert_eq!(places(&table).len(), *count, "{at}");
        for entry in if entries.is_empty() { &["192.0.2.9:9"] } else { *entries } {
            let entry = entry
                .replace(":0", ":7")
                .replace("0.0.0.0", "192.0.2.7")
                .replace("[::]", "192.0.2.8");
            let at_entry = |entry: &str| Some(Entry::from(entry.parse::<SocketAddr>().unwrap()));
            let found = |lease: Option<Arc<Lease>>| lease.map(|lease| lease.id());
            for login in &access.logins {
                let (login, password) = (login.login.as_bytes(), login.password.as_bytes());
                let by_login = table.by_login(login, password, at_entry(&entry)).ok();
                assert_eq!(found(by_login.map(|(lease, _)| lease)), Some(1), "{at} {entry}");
            }
            let near = IpAddr::from([198, 51, 100, 7]);
            let by_source = found(table.by_source(near, at_entry(&entry)));
            assert_eq!(by_source, (!access.sources.is_empty()).then_some(1), "{at} {entry}");
            if !entries.is_empty() {
                assert!(table.by_source(near, at_entry("192.0.2.1:99")).is_none());
                assert!(table.by_source(near, at_entry("192.0.2.9:80")).is_none());
            }
        }
    };
    // From each to each other, and to nothing.
    for (from, first) in all.iter().enumerate() {
        for (to, second) in all.iter().enumerate() {
            table.apply([Change::Put(first)]);
            check(from);
            table.apply([Change::Put(second)]);
            check(to);
        }
        table.apply([Change::Remove(1)]);
        assert_eq!((places(&table).len(), table.len()), (0, 0));
        // Of those that are built aside, the last counts.
        replace(&table, [first, &all[0], first]);
        check(from);
    }
}

#[test]
fn a_usual_lease_takes_one_small_piece_of_memory() {
    // What counts the references to it lies beside it.
    let piece = size_of::<Lease>() + 2 * size_of::<usize>();
    assert!(piece <= 128, "{piece} bytes");
    let table = Table::new().unwrap();
    let usual = feed::lease::Lease {
        entries: [80, 1080].map(|port| SocketAddr::from(([192, 0, 2, 1], port))).to_vec(),
        ..lease(1)
    };
    let different = feed::lease::Lease { ends_at: 7, ..lease(2) };
    table.apply([&usual, &different].map(Change::Put));
    let [usual, different] = [1, 2].map(|id| table.get(id).unwrap());
    assert!(usual.owns_no_memory() && different.owns_no_memory());
    assert!(usual.shares_terms_with(&different));
}
