//! Keeping the books.

use domain::command::Outcome;
use domain::ids::{CustomerId, EntryId, LeaseId};
use domain::kind::ProxyKind;
use domain::ledger::FIRST_WALLET;
use domain::refusal::Refusal;
use domain::time::Span;

use super::super::SqliteStore;
use super::shop::*;
use crate::Store;
use crate::error::Error;
use crate::records::{EntryFilter, NewApiKey, ProxyFilter};

/// The numbers of all entries of a customer, a few at a time.
fn entries_of(shop: &Shop, customer: Option<CustomerId>, page: u32) -> Vec<i64> {
    let filter = EntryFilter { customer, ..EntryFilter::default() };
    let mut ids: Vec<i64> = Vec::new();
    loop {
        let after = ids.last().map(|id| EntryId(*id));
        let entries = shop.store.entries(&filter, after, page).unwrap();
        if entries.is_empty() {
            return ids;
        }
        ids.extend(entries.iter().map(|entry| entry.id.0));
    }
}

fn balance(shop: &Shop, customer: CustomerId) -> i64 {
    shop.store.customer(customer).unwrap().unwrap().1.balance.minor()
}

#[track_caller]
fn check_books(shop: &Shop) {
    assert_eq!(shop.store.audit(&mut |_| {}).unwrap().violations, []);
}

#[test]
fn what_was_bought_is_there_after_a_restart() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    let leases = shop.order(ann, ProxyKind::Ipv4, 3);
    shop.order(ann, ProxyKind::Ipv6, 2);
    let list =
        |shop: &Shop| shop.store.proxies(ann, &ProxyFilter::default(), None, 100, START).unwrap();
    let before = list(&shop);
    assert_eq!(before.len(), 5);
    assert_eq!(password(&before[0].order.access).len(), 16);

    let shop = shop.reopened();
    assert_eq!(list(&shop), before);
    assert_eq!(done(&run(&shop.store, extend(ann, &leases), START)).name(), "extension");
    assert_eq!(balance(&shop, ann), 10_000 - 2 * 450 - 60);
    let (_, wallet) = shop.store.customer(ann).unwrap().unwrap();
    assert_eq!((wallet.account.0, wallet.version), (FIRST_WALLET.0 + ann.0, 4));
    check_books(&shop);
}

#[test]
fn a_refused_batch_leaves_no_trace() {
    let shop = Shop::new();
    let ann = shop.customer(100);
    let before = std::fs::read(shop.folder.path().join("sublet.db-wal")).unwrap();
    let refused = run(&shop.store, order(ann, ProxyKind::Ipv4, 1), START).result;
    assert!(matches!(refused, Err(Refusal::InsufficientFunds { .. })), "{refused:?}");
    let after = std::fs::read(shop.folder.path().join("sublet.db-wal")).unwrap();
    assert!(before == after, "the log has grown");
}

#[test]
fn an_answer_is_given_again_after_a_restart_and_forgotten_in_time() {
    let shop = Shop::new();
    let ann = shop.customer(1_000);
    let first = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 2), 1), START);
    let poor = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 9), 2), START);
    assert!(matches!(poor.result, Err(Refusal::InsufficientFunds { .. })));

    let shop = shop.reopened();
    let again = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 2), 1), START + Span::HOUR);
    assert_eq!(again.result, first.result);
    assert!(again.replayed);
    run(&shop.store, deposit(ann, 10_000), START + Span::HOUR);
    let again = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 9), 2), START + Span::HOUR);
    assert_eq!((again.result, again.balance), (poor.result, poor.balance));

    assert_eq!(shop.store.forget(START + Span::HOUR, 10).unwrap(), 0);
    assert_eq!(shop.store.forget(START + Span::DAY, 1).unwrap(), 1);
    assert_eq!(shop.store.forget(START + Span::DAY, 10).unwrap(), 1);
    let anew = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 2), 1), START + Span::DAY);
    assert!(!anew.replayed && anew.result.is_ok());
    // What nobody has swept yet is replaced.
    let late = START + days(3);
    let anew = run(&shop.store, keyed(order(ann, ProxyKind::Ipv4, 2), 1), late);
    assert!(!anew.replayed && anew.result.is_ok());
    check_books(&shop);
}

#[test]
fn spends_before_an_unclean_end_are_remembered() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    let spend = |shop: &Shop, print: u8, at| {
        run(&shop.store, keyless(order(ann, ProxyKind::Ipv4, 1), print), at).replayed
    };
    let (window, kept) = (Span::from_seconds(5), Span::HOUR);
    assert_eq!(shop.store.note_start(START, window, kept).unwrap(), 0);
    assert!(!spend(&shop, 1, START));
    shop.store.note_quiet().unwrap();
    let later = |seconds| START + Span::from_seconds(seconds);
    assert!(!spend(&shop, 2, later(1)));
    assert!(!spend(&shop, 3, later(8)));
    run(&shop.store, deposit(ann, 1), later(10));

    let shop = shop.reopened();
    assert_eq!(shop.store.note_start(later(60), window, kept).unwrap(), 1);
    assert!(!spend(&shop, 1, later(61)), "that one was answered");
    assert!(!spend(&shop, 2, later(61)), "that one was too long before");
    assert!(spend(&shop, 3, later(61)));
    shop.store.note_quiet().unwrap();

    let shop = shop.reopened();
    assert_eq!(shop.store.note_start(later(70), window, kept).unwrap(), 0);
    // The engine saw that a client was gone.
    let Ok(Outcome::Done { entry: Some(entry), .. }) =
        run(&shop.store, keyless(order(ann, ProxyKind::Ipv4, 1), 9), later(80)).result
    else {
        panic!("it was placed")
    };
    shop.store.remember(&[entry, EntryId(1)], later(80), kept).unwrap();
    assert!(spend(&shop, 9, later(81)));
    assert!(!spend(&shop, 9, later(81) + kept));
    check_books(&shop);
}

#[test]
fn a_customers_journal_is_whole_and_in_order() {
    let shop = Shop::new();
    let (ann, bob) = (shop.customer(10_000), shop.customer(10_000));
    for round in 0..5 {
        let begin = START + days(40 * round);
        let leases = granted(&run(&shop.store, order(ann, ProxyKind::Ipv4, 1), begin));
        run(&shop.store, order(bob, ProxyKind::Ipv4, 1), begin);
        let over = begin + days(31);
        run(&shop.store, sweep(ann, &leases), over);
        run(&shop.store, deposit(ann, 1), over);
    }
    let all = entries_of(&shop, None, 1000);
    assert_eq!(all, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    for customer in [ann, bob] {
        let entries = shop.store.entries(&EntryFilter::default(), None, 1000).unwrap();
        let his: Vec<i64> =
            entries.iter().filter(|it| it.customer == customer).map(|it| it.id.0).collect();
        for page in [1, 2, 3, 1000] {
            assert_eq!(entries_of(&shop, Some(customer), page), his, "{page} at a time");
        }
    }
    // A deposit, and five times an order, an end, a release and a deposit.
    assert_eq!(entries_of(&shop, Some(ann), 7).len(), 1 + 5 * 4);
    check_books(&shop);
}

#[test]
fn time_does_not_go_back() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    run(&shop.store, deposit(ann, 1), START + Span::HOUR);
    let Ok(Outcome::Done { at, .. }) = run(&shop.store, deposit(ann, 1), START).result else {
        panic!("it was paid in")
    };
    assert_eq!(at, START + Span::HOUR);
}

#[test]
fn an_address_goes_back_cools_and_is_let_again() {
    let shop = Shop::new();
    let ann = shop.customer(1_000_000);
    let leases = shop.order(ann, ProxyKind::Ipv4, 512);
    let free = |at| shop.store.stock(at).unwrap()[0].free;
    assert_eq!(free(START), 0);
    let due = |at| shop.store.due(at, 1000).unwrap().len();
    let (end, released) = (START + days(30), START + days(31));
    assert_eq!((due(end - Span::from_millis(1)), due(end)), (0, 512));
    assert_eq!(shop.store.next_due().unwrap(), Some(end));
    run(&shop.store, sweep(ann, &leases), end);
    assert_eq!((due(end), shop.store.next_due().unwrap()), (0, Some(released)));
    run(&shop.store, sweep(ann, &leases), released);
    assert_eq!(shop.store.next_due().unwrap(), None);
    let line = &shop.store.stock(released).unwrap()[0];
    assert_eq!((line.free, line.leased, line.cooling), (0, 0, 512));
    let refused = run(&shop.store, order(ann, ProxyKind::Ipv4, 1), released).result;
    assert_eq!(refused, Err(Refusal::OutOfStock));
    let cooled = released + days(1);
    assert_eq!(free(cooled), 512);
    assert_eq!(granted(&run(&shop.store, order(ann, ProxyKind::Ipv4, 512), cooled)).len(), 512);
    check_books(&shop);
}

#[test]
fn two_stores_on_one_file_take_turns() {
    let shop = Shop::new();
    let ann = shop.customer(1_000_000);
    let (shop, other) = (&shop, &shop.neighbour());
    let ids: Vec<LeaseId> = std::thread::scope(|scope| {
        let buy = |store: &SqliteStore| -> Vec<LeaseId> {
            (0..40)
                .flat_map(|_| granted(&run(store, order(ann, ProxyKind::Ipv4, 2), START)))
                .collect()
        };
        let one = scope.spawn(move || buy(&shop.store));
        let two = scope.spawn(move || buy(other));
        [one.join().unwrap(), two.join().unwrap()].concat()
    });
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (160, 160));
}

#[test]
fn another_process_puts_a_catalogue_in_force() {
    let shop = Shop::new();
    let ann = shop.customer(1_000_000);
    let other = shop.neighbour();
    assert_eq!(other.catalogue().unwrap().version, 1);
    let dearer = CATALOGUE.replace("0.05", "0.10");
    assert_eq!(other.apply_catalogue(&dearer, START).unwrap(), 2);
    assert_eq!(shop.store.catalogue().unwrap().version, 2);
    shop.order(ann, ProxyKind::Ipv4, 1);
    assert_eq!(balance(&shop, ann), 1_000_000 - 300);
    assert!(matches!(other.apply_catalogue("nonsense", START), Err(Error::Catalogue(_))));
    assert_eq!(shop.store.catalogue_text().unwrap(), Some(dearer));
}

#[test]
fn a_full_disk_refuses_what_grows_and_recovers() {
    let shop = Shop::new();
    let ann = shop.customer(1_000_000);
    let limit = |pages: i64| {
        let writer = shop.store.writer();
        let sql = format!("PRAGMA max_page_count = {pages}");
        writer.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    limit(1); // As many as there are.
    let mut placed = 0;
    let error = loop {
        match shop.store.transact(&[order(ann, ProxyKind::Ipv4, 8)], START) {
            Ok(_) => placed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full(_)), "{error:?}");
    assert_eq!(balance(&shop, ann), 1_000_000 - placed * 8 * 150);
    check_books(&shop);

    limit(i64::from(u32::MAX - 1));
    shop.order(ann, ProxyKind::Ipv4, 8);
    check_books(&shop);
}

#[test]
fn a_password_is_nowhere_to_be_read() {
    let shop = Shop::new();
    let ann = shop.customer(1_000_000);
    shop.order(ann, ProxyKind::Ipv4, 2);
    let proxies = shop.store.proxies(ann, &ProxyFilter::default(), None, 1, START).unwrap();
    let secret = password(&proxies[0].order.access).as_bytes();
    let goal = b"reading";
    let mut seen_goal = false;
    for file in ["sublet.db", "sublet.db-wal"] {
        let bytes = std::fs::read(shop.folder.path().join(file)).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{file}");
        seen_goal |= bytes.windows(goal.len()).any(|part| part == goal);
    }
    assert!(seen_goal, "the order is in the files, so its password would be");
}

#[test]
fn what_was_revoked_stays_so_in_an_older_copy() {
    let shop = Shop::new();
    let ann = shop.customer(1);
    let new = NewApiKey {
        hash: [3; 32],
        customer: ann,
        name: "shop".into(),
        allowed: vec![domain::network::Network::parse("198.51.100.0/24").unwrap()],
        read_only: true,
        repeat_window: Span::HOUR,
        requests_per_minute: Some(60),
        expires_at: Some(START + Span::DAY),
    };
    let key = shop.store.create_key(&new, START).unwrap();
    let token = shop.store.create_operator_token("ops", &[4; 32], START).unwrap();
    let copy = shop.folder.path().join("copy.db");
    shop.store.backup(&copy, &mut |_, _| {}).unwrap();
    assert!(shop.store.revoke_key(key, START).unwrap());
    assert!(shop.store.revoke_operator_token(token, START).unwrap());
    assert!(!shop.store.revoke_operator_token(token + 1, START).unwrap());

    let Shop { folder, store } = shop;
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("sublet.db{end}")));
    }
    std::fs::rename(copy, path(&folder)).unwrap();
    let store = SqliteStore::open(&options(&folder)).unwrap();
    let (found, customer) = store.key_by_hash(&[3; 32]).unwrap().unwrap();
    assert!(!found.is_valid(START));
    assert_eq!((found.name.as_str(), found.allowed.len(), customer.id), ("shop", 1, ann));
    assert_eq!(store.operator_token_by_hash(&[4; 32]).unwrap(), None);
}

#[test]
fn a_lost_update_meets_a_constraint() {
    let shop = Shop::new();
    let ann = shop.customer(1_000);
    let wallet = shop.store.customer(ann).unwrap().unwrap().1;
    // A wallet that somebody has put back to an earlier version.
    shop.store
        .writer()
        .connection
        .execute("UPDATE wallet SET version = 0 WHERE customer_id = ?1", [ann.0])
        .unwrap();
    let error = shop.store.transact(&[deposit(ann, 5)], START).unwrap_err();
    assert!(matches!(error, Error::Fault(_)), "{error:?}");
    assert_eq!(balance(&shop, ann), wallet.balance.minor());
}
