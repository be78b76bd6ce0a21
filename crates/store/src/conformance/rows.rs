//! What the operator puts in comes out again.

use domain::deposit::Deposit;
use domain::ids::{CustomerId, KeyId};
use domain::kind::ProxyKind;
use domain::money::{Currency, Money, Percent};
use domain::network::Network;
use domain::refusal::Refusal;
use domain::time::{Span, Time};

use super::Make;
use super::shop::{CATALOGUE, IntoCommand, Shop, extend, order, promo, usd};
use crate::records::{NewApiKey, NewCustomer};

/// Customers come with an empty wallet, are listed by id and can be suspended.
pub fn customers_are_kept_and_listed(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let euro = Currency::from_code("EUR").unwrap();
    let names = ["Ann", "Bob \"the\" Builder", "Çem; DROP TABLE customer"];
    let ids: Vec<CustomerId> = (0..)
        .zip(names)
        .map(|(n, name)| {
            let email = (n == 1).then(|| "bob@example.org".to_owned());
            let currency = if n == 2 { euro } else { Currency::USD };
            let new = NewCustomer { name: name.to_owned(), email, currency };
            shop.store.create_customer(&new, shop.now).unwrap()
        })
        .collect();
    assert!(ids.is_sorted() && ids[0] < ids[2], "ids ascend: {ids:?}");
    let (bob, wallet) = shop.store.customer(ids[1]).unwrap().unwrap();
    assert_eq!((bob.id, bob.name.as_str()), (ids[1], names[1]));
    assert_eq!(bob.email.as_deref(), Some("bob@example.org"));
    assert_eq!((bob.suspended, bob.created_at), (false, shop.now));
    assert_eq!((wallet.customer, wallet.balance, wallet.version), (ids[1], usd(0), 0));
    assert!(domain::ledger::FIRST_WALLET <= wallet.account);
    let (cem, purse) = shop.store.customer(ids[2]).unwrap().unwrap();
    assert_eq!((cem.name.as_str(), purse.balance), (names[2], Money::from_minor(0, euro)));
    assert_ne!(wallet.account, purse.account);
    assert_eq!(shop.store.customer(CustomerId(ids[2].0 + 1)).unwrap(), None);

    let page = |after, limit| -> Vec<CustomerId> {
        let page = shop.store.customers(after, limit).unwrap();
        page.into_iter().map(|(customer, _)| customer.id).collect()
    };
    assert_eq!(page(None, 10), ids);
    assert_eq!(page(None, 2), ids[..2]);
    assert_eq!(page(Some(ids[1]), 2), ids[2..]);
    assert_eq!(page(Some(ids[2]), 2), []);

    shop.deposit(ids[0], 1_000);
    shop.stock(ProxyKind::Ipv4, 1);
    assert!(shop.store.suspend_customer(ids[0], true).unwrap());
    assert!(!shop.store.suspend_customer(CustomerId(ids[2].0 + 1), true).unwrap());
    assert!(shop.store.customer(ids[0]).unwrap().unwrap().0.suspended);
    let wish = || order(ids[0], ProxyKind::Ipv4, 1).into_command();
    assert_eq!(shop.refused(wish()), Refusal::Suspended);
    shop.deposit(ids[0], 5);
    assert!(shop.store.suspend_customer(ids[0], false).unwrap());
    shop.done(wish());
    let stranger = CustomerId(ids[2].0 + 1);
    let lost = Deposit { customer: stranger, amount: usd(1), note: String::new() };
    let lost = shop.decide(domain::command::Command::plain(domain::command::Wish::Deposit(lost)));
    assert!(lost.result.is_err() && lost.balance.is_none(), "{lost:?}");
    shop.audit();
}

/// Keys are found by their hash alone, with everything that limits them.
pub fn keys_are_kept_found_and_revoked(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 0), shop.customer("Bob", 0));
    let plain = |hash, customer| NewApiKey {
        hash,
        customer,
        name: "laptop".into(),
        allowed: Vec::new(),
        read_only: false,
        repeat_window: Span::ZERO,
        requests_per_minute: None,
        expires_at: None,
    };
    let first = shop.store.create_key(&plain([1; 32], ann), shop.now).unwrap();
    let narrow = NewApiKey {
        name: "office".into(),
        allowed: ["198.51.100.0/24", "2001:db8::/32"].map(|it| Network::parse(it).unwrap()).into(),
        read_only: true,
        repeat_window: Span::from_seconds(90),
        requests_per_minute: Some(600),
        expires_at: Some(shop.now + Span::DAY),
        ..plain([2; 32], ann)
    };
    let second = shop.store.create_key(&narrow, shop.now).unwrap();
    let third = shop.store.create_key(&plain([3; 32], bob), shop.now).unwrap();

    let (key, owner) = shop.store.key_by_hash(&[2; 32]).unwrap().unwrap();
    assert_eq!((key.id, key.customer, owner.id), (second, ann, ann));
    assert_eq!((key.name.as_str(), key.read_only), ("office", true));
    assert_eq!((key.allowed, key.repeat_window), (narrow.allowed, narrow.repeat_window));
    assert_eq!((key.requests_per_minute, key.expires_at), (Some(600), narrow.expires_at));
    assert_eq!((key.created_at, key.revoked_at), (shop.now, None));
    assert!(shop.store.key_by_hash(&[4; 32]).unwrap().is_none());

    let listed = |customer| -> Vec<KeyId> {
        shop.store.keys(customer).unwrap().into_iter().map(|key| key.id).collect()
    };
    assert_eq!(listed(Some(ann)), [first, second]);
    assert_eq!(listed(None), [first, second, third]);

    shop.now = shop.now + Span::HOUR;
    assert!(shop.store.revoke_key(first, shop.now).unwrap());
    assert!(!shop.store.revoke_key(KeyId(third.0 + 1), shop.now).unwrap());
    let valid = |hash| {
        let found = shop.store.key_by_hash(&hash).unwrap();
        found.is_some_and(|(key, _)| key.is_valid(shop.now))
    };
    assert_eq!([valid([1; 32]), valid([2; 32]), valid([3; 32])], [false, true, true]);
    let kept = shop.store.keys(Some(ann)).unwrap();
    assert_eq!(kept[0].revoked_at, Some(shop.now));
    // Its customer is suspended: the key still says whose it is.
    shop.store.suspend_customer(bob, true).unwrap();
    assert!(shop.store.key_by_hash(&[3; 32]).unwrap().unwrap().1.suspended);
}

/// Operator tokens are found by their hash unless they are revoked.
pub fn operator_tokens_are_kept_and_revoked(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let one = shop.store.create_operator_token("one", &[1; 32], shop.now).unwrap();
    let two = shop.store.create_operator_token("two", &[2; 32], shop.now).unwrap();
    let found = shop.store.operator_token_by_hash(&[1; 32]).unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str(), found.created_at), (one, "one", shop.now));
    assert!(shop.store.revoke_operator_token(one, shop.now + Span::HOUR).unwrap());
    assert!(!shop.store.revoke_operator_token(two + 1, shop.now).unwrap());
    assert!(shop.store.operator_token_by_hash(&[1; 32]).unwrap().is_none());
    assert!(shop.store.operator_token_by_hash(&[2; 32]).unwrap().is_some());
    let all = shop.store.operator_tokens().unwrap();
    let revoked: Vec<_> = all.iter().map(|token| (token.id, token.revoked_at)).collect();
    assert_eq!(revoked, [(one, Some(shop.now + Span::HOUR)), (two, None)]);
}

/// Promo codes keep all they say, and a customer is told of those that he could use.
pub fn promo_codes_are_kept_and_shown(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 10_000), shop.customer("Bob", 0));
    let mut whole = promo("SPRING", "12.5", Some(9), Some(2));
    whole.starts_at = Time::from_millis(5);
    whole.ends_at = Some(shop.now + Span::DAY);
    whole.kinds = vec![ProxyKind::Ipv4, ProxyKind::Isp];
    whole.for_extensions = false;
    whole.customer = Some(ann);
    whole.descriptions = vec![("en".into(), "Spring".into()), ("de".into(), "Frühling".into())];
    let id = shop.store.create_promo(&whole, shop.now).unwrap().unwrap();
    assert_eq!(shop.store.create_promo(&promo("SPRING", "1", None, None), shop.now).unwrap(), None);
    shop.promo("ALL", "1", None, None);

    let all = shop.store.promos().unwrap();
    assert_eq!(all.len(), 2);
    let kept = all.iter().find(|promo| promo.id == id).unwrap();
    assert_eq!((kept.code.as_str(), kept.discount), ("SPRING", Percent::parse("12.5").unwrap()));
    assert_eq!((kept.starts_at, kept.ends_at), (whole.starts_at, whole.ends_at));
    assert_eq!((kept.max_uses, kept.per_customer, kept.uses), (Some(9), Some(2), 0));
    assert_eq!((&kept.kinds, &kept.descriptions), (&whole.kinds, &whole.descriptions));
    assert_eq!((kept.for_orders, kept.for_extensions), (true, false));
    assert_eq!(kept.customer, Some(ann));

    shop.stock(ProxyKind::Ipv4, 2);
    for code in ["spring", " All "] {
        let mut wish = order(ann, ProxyKind::Ipv4, 1);
        wish.promo = Some(code.to_owned());
        shop.done(wish.into_command());
    }
    let told = |customer| -> Vec<(String, u32, u32)> {
        let promos = shop.store.promos_of(customer).unwrap();
        promos.into_iter().map(|(promo, used)| (promo.code, promo.uses, used)).collect()
    };
    assert_eq!(told(ann), [("SPRING".into(), 1, 1), ("ALL".into(), 1, 1)]);
    assert_eq!(told(bob), [("ALL".into(), 1, 0)]);
    shop.audit();
}

/// A catalogue counts; a text that cannot be used changes nothing.
pub fn catalogues_count(make: &mut Make<'_>) {
    let store = make();
    let now = Time::from_millis(1_800_000_000_000);
    assert_eq!((store.catalogue().unwrap().version, store.catalogue_text().unwrap()), (0, None));
    assert_eq!(store.apply_catalogue(CATALOGUE, now).unwrap(), 1);
    let first = store.catalogue().unwrap();
    assert_eq!((first.version, first.products.len(), first.gateways.len()), (1, 5, 2));
    assert!(store.apply_catalogue("[kinds.IPv4", now).is_err());
    assert_eq!(store.catalogue().unwrap(), first);
    let dearer = CATALOGUE.replace("1.31", "1.99");
    assert_eq!(store.apply_catalogue(&dearer, now).unwrap(), 2);
    assert_eq!(store.catalogue().unwrap().version, 2);
    assert_eq!(store.catalogue_text().unwrap(), Some(dearer));
}

/// What never changes about an installation does not, and its sales can be stopped.
pub fn an_installation_keeps_its_nature(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let made = shop.store.installation().unwrap();
    assert_eq!((made.clock_offset, shop.store.installation().unwrap()), (Span::ZERO, made));
    if made.sandbox {
        shop.store.set_clock_offset(Span::DAY).unwrap();
        let moved = shop.store.installation().unwrap();
        assert_eq!((moved.clock_offset, moved.id_key), (Span::DAY, made.id_key));
    } else {
        assert!(shop.store.set_clock_offset(Span::DAY).is_err(), "only a sandbox's clock moves");
    }
    let ann = shop.customer("Ann", 10_000);
    shop.stock(ProxyKind::Ipv4, 2);
    let lease = shop.ordered(ann, ProxyKind::Ipv4, 1)[0].lease;
    assert!(!shop.store.sales_locked().unwrap());
    shop.store.set_sales_locked(true).unwrap();
    assert!(shop.store.sales_locked().unwrap());
    let wish = || order(ann, ProxyKind::Ipv4, 1).into_command();
    assert_eq!(shop.refused(wish()), Refusal::SalesLocked);
    shop.done(extend(ann, ProxyKind::Ipv4, &[lease]).into_command());
    shop.store.set_sales_locked(false).unwrap();
    shop.done(wish());
}
