//! Leases as gateways have to know them.

use domain::access::Access;
use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Command, Wish};
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};
use domain::order::{AccessWish, Protocol};
use domain::replace::{Replace, ReplaceReason};
use domain::served::Served;
use domain::time::Span;

use super::Make;
use super::shop::{IntoCommand, Shop, extend, order, product};
use crate::records::Touched;

/// All that is served, page by page; so few are read that every page but the last is full.
fn all(shop: &Shop, limit: u32) -> Vec<Served> {
    let mut list: Vec<Served> = Vec::new();
    loop {
        let after = list.last().map(Served::place);
        let page = shop.store.served(after, limit).unwrap();
        let (read, most) = (page.len(), usize::try_from(limit).unwrap());
        list.extend(page);
        assert!(read <= most);
        if read < most {
            assert_eq!(shop.store.served(list.last().map(Served::place), limit).unwrap(), []);
            return list;
        }
    }
}

fn of_leases(shop: &Shop, leases: &[LeaseId]) -> Vec<Served> {
    let touched = Touched { leases: leases.iter().copied().collect(), ..Touched::default() };
    shop.store.served_of(&touched).unwrap()
}

/// One lease as it is served.
#[track_caller]
fn one(shop: &Shop, lease: LeaseId) -> Served {
    let [served] = <[_; 1]>::try_from(of_leases(shop, &[lease])).unwrap();
    served
}

fn ordered(
    shop: &Shop,
    customer: CustomerId,
    kind: ProxyKind,
    quantity: u32,
    access: AccessWish,
) -> Vec<LeaseId> {
    let mut wish = order(customer, kind, quantity);
    wish.access = access;
    // Logins are drawn from it.
    wish.seed = [u8::try_from(shop.journal().len()).unwrap(); 16];
    let granted = super::shop::grants(&shop.done(wish.into_command()).1);
    granted.iter().map(|granted| granted.lease).collect()
}

/// Every lease is there once, in pages of any size, with all that a gateway has to know: what its
/// customer is shown, and how he is known.
pub fn leases_are_served_as_they_are_shown(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    for kind in [ProxyKind::Ipv4, ProxyKind::Ipv6, ProxyKind::Mobile, ProxyKind::Isp] {
        shop.stock(kind, 6);
    }
    assert_eq!(all(&shop, 10), []);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 100_000));
    let source = "203.0.113.9".parse().unwrap();
    let both = AccessWish::SourceIpAndOwn(Some(source));
    for (customer, kind, access) in [
        (bob, ProxyKind::Ipv4, AccessWish::Login),
        (ann, ProxyKind::Isp, AccessWish::Usual),
        (ann, ProxyKind::Ipv4, both),
        (bob, ProxyKind::Mobile, AccessWish::Login),
        (ann, ProxyKind::Ipv6, AccessWish::UsualAndOwn),
        (ann, ProxyKind::Ipv4, AccessWish::Login),
    ] {
        ordered(&shop, customer, kind, 2, access);
    }

    let whole = all(&shop, 100);
    for limit in [1, 3, 12] {
        assert_eq!(all(&shop, limit), whole);
    }
    assert!(whole.is_sorted_by_key(Served::place));
    let catalogue = shop.store.catalogue().unwrap();
    let shown: Vec<_> = [ann, bob].iter().flat_map(|customer| shop.live(*customer)).collect();
    assert_eq!((whole.len(), shown.len()), (12, 12));
    for proxy in shown {
        let served = whole.iter().find(|served| served.lease == proxy.lease.id).unwrap();
        assert_eq!(*served, one(&shop, proxy.lease.id));
        assert_eq!((served.order, served.customer), (proxy.order.id, proxy.lease.customer));
        assert_eq!(
            (served.kind, &*served.product),
            (proxy.lease.product.kind, &proxy.lease.product)
        );
        assert_eq!(served.endpoint(&catalogue), proxy.endpoint(&catalogue));
        assert_eq!((served.ip, &*served.gateway), (proxy.ip, "main"));
        assert_eq!((served.port, served.ends_at), (proxy.port, proxy.lease.ends_at));
        let only_http = (proxy.lease.product.kind == ProxyKind::Ipv6).then_some(Protocol::Http);
        assert_eq!(served.protocol, only_http);
        assert!(!served.suspended);
        let of_order = shop.store.authorisations(served.customer, Some(served.order), None, 9);
        let ways: Vec<Access> =
            of_order.unwrap().into_iter().map(|it| it.authorisation.access).collect();
        assert_eq!(served.access.to_vec(), ways);
    }

    // By order and by customer, together and each once.
    let of = |touched: Touched| shop.store.served_of(&touched).unwrap();
    let whose = |wanted: &dyn Fn(&Served) -> bool| -> Vec<Served> {
        whole.iter().filter(|served| wanted(served)).cloned().collect()
    };
    let order = whole[0].order;
    let orders = Touched { orders: [order].into(), ..Touched::default() };
    assert_eq!(of(orders.clone()), whose(&|served| served.order == order));
    let customers = Touched { customers: [bob].into(), ..Touched::default() };
    assert_eq!(of(customers.clone()), whose(&|served| served.customer == bob));
    let leases = [whole[0].lease, whole[11].lease].into();
    let mixed = Touched { leases, ..Touched { customers: [bob].into(), ..orders } };
    assert_eq!(of(mixed), whose(&|served| served.order == order || served.customer == bob));
    let unknown = Touched {
        leases: [LeaseId(999)].into(),
        orders: [OrderId(999)].into(),
        customers: [CustomerId(999)].into(),
        modems: ["unknown".to_owned()].into(),
    };
    assert_eq!(of(unknown), []);
    assert_eq!(of(Touched::default()), []);
}

/// Pages of any size hold everything once, also where some of a customer's leases live on and others,
/// before and behind them, are kept for him after their ends.
pub fn pages_hold_live_leases_and_reserved_ones(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 100_000));
    let kinds = [ProxyKind::Ipv4, ProxyKind::Ipv6, ProxyKind::Isp];
    let mut every = Vec::new();
    for kind in kinds {
        shop.stock(kind, 12);
        for lives_on in [false, true, false, true] {
            for (customer, quantity) in [(bob, 2), (ann, 1)] {
                let leases = ordered(&shop, customer, kind, quantity, AccessWish::Login);
                if lives_on {
                    shop.done(extend(customer, kind, &leases).into_command());
                }
                every.extend(leases);
            }
        }
    }
    shop.wait(Span::from_days(30));
    shop.sweep();
    let whole = all(&shop, 100);
    let now = shop.now;
    assert_eq!(whole.iter().filter(|served| served.ends_at > now).count(), every.len() / 2);
    let mut told: Vec<LeaseId> = whole.iter().map(|served| served.lease).collect();
    told.sort_unstable();
    every.sort_unstable();
    assert_eq!(told, every);
    assert!(whole.is_sorted_by_key(Served::place));
    for limit in 1..9 {
        assert_eq!(all(&shop, limit), whole, "by {limit}");
    }
}

/// Whatever changes for a gateway is told; what is over is served no more.
pub fn what_is_served_changes_with_the_books(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 4);
    shop.stock(ProxyKind::Mobile, 1);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 100_000));
    let leases = ordered(&shop, ann, ProxyKind::Ipv4, 2, AccessWish::Login);
    let [modem] = ordered(&shop, bob, ProxyKind::Mobile, 1, AccessWish::Login)[..] else {
        panic!("one was ordered")
    };
    let before = one(&shop, leases[0]);

    // Who may use it.
    let by = AuthoriseBy::SourceIp(Some("203.0.113.7".parse().unwrap()));
    let order = Some(before.order);
    let authorise = Authorise { customer: ann, order, by, seed: [9; 16] };
    shop.done(Command::plain(Wish::Authorise(authorise)));
    let ways = shop.store.authorisations(ann, order, None, 9).unwrap();
    let [login, source] = [0, 1].map(|at| ways[at].authorisation.clone());
    assert_eq!(one(&shop, leases[1]).access[..], [login.access.clone(), source.access.clone()]);
    let change = |active, password: Option<&str>| {
        Command::plain(Wish::ChangeAuthorisation(ChangeAuthorisation {
            customer: ann,
            authorisation: Some(login.id),
            active,
            login: None,
            password: password.map(str::to_owned),
            source: SourceWish::Kept,
        }))
    };
    shop.done(change(Some(false), None));
    assert_eq!(one(&shop, leases[1]).access[..], [source.access]);
    shop.done(change(Some(true), Some("s3cret!")));
    let Access::Login(pair) = &one(&shop, leases[1]).access[0] else { panic!("a login") };
    assert_eq!(pair.password, "s3cret!");
    for id in [login.id, source.id] {
        let delete = DeleteAuthorisation { customer: ann, authorisation: Some(id) };
        shop.done(Command::plain(Wish::DeleteAuthorisation(delete)));
    }
    assert_eq!(one(&shop, leases[1]).access[..], []);

    // Whether its customer is suspended.
    assert_eq!(shop.store.suspended_customers().unwrap(), [].into());
    for suspended in [true, false] {
        shop.store.suspend_customer(ann, suspended).unwrap();
        let those = if suspended { [ann].into() } else { [].into() };
        assert_eq!(shop.store.suspended_customers().unwrap(), those);
        assert_eq!(one(&shop, leases[0]).suspended, suspended);
        assert!(!one(&shop, modem).suspended);
    }

    // When it ends, and where it leaves from.
    shop.done(extend(ann, ProxyKind::Ipv4, &leases[..1]).into_command());
    assert_eq!(one(&shop, leases[0]).ends_at, before.ends_at + Span::from_days(30));
    let replace = Replace {
        customer: ann,
        leases: Some(leases[..1].to_vec()),
        pools: [(product(ProxyKind::Ipv4), 1)].into(),
        reason: Some(ReplaceReason::NotWork),
        comment: None,
    };
    shop.done(Command::plain(Wish::Replace(replace)));
    assert_ne!(one(&shop, leases[0]).ip, before.ip);

    // Ended and kept for its customer, it is told with its end; over, it is not.
    shop.wait(Span::from_days(30));
    assert_eq!(all(&shop, 2).len(), 3, "the books have not noted the ends");
    shop.sweep();
    assert_eq!(one(&shop, leases[1]).ends_at, before.ends_at);
    let places: Vec<LeaseId> = all(&shop, 1).iter().map(|served| served.lease).collect();
    assert_eq!(places, leases, "a modem is not kept");
    assert_eq!(of_leases(&shop, &[modem]), []);
    shop.wait(Span::from_days(1));
    shop.sweep();
    assert_eq!(all(&shop, 9), [one(&shop, leases[0])]);
    shop.audit();
}

/// What a lease that is served is told of how much it may use.
fn told(served: &Served) -> Exception {
    served.exception.as_deref().copied().unwrap_or_default()
}

/// What an operator says of one lease or of one customer is kept, counted as something that may have
/// changed, and told with the leases that it is said of.
pub fn limits_are_kept_and_served(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 4);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 100_000));
    let of_bob = ordered(&shop, bob, ProxyKind::Ipv4, 2, AccessWish::Login);
    let of_ann = ordered(&shop, ann, ProxyKind::Ipv4, 2, AccessWish::Login);
    let none = Exception::default();
    let mut version = shop.store.keys_version().unwrap();
    let mut change = |shop: &Shop, whose, change| {
        let said = shop.store.change_exception(whose, change).unwrap();
        let before = std::mem::replace(&mut version, shop.store.keys_version().unwrap());
        assert!(said.is_none() || before < version, "it has to be noticed");
        said
    };
    // Each lease by itself, in pages of any size, and by its customer.
    let check = |shop: &Shop, expected: [Exception; 4]| {
        let of_each = [of_ann[0], of_ann[1], of_bob[0], of_bob[1]];
        for limit in [1, 3, 9] {
            let told: Vec<_> = all(shop, limit).iter().map(|it| (it.lease, told(it))).collect();
            assert_eq!(told, of_each.into_iter().zip(expected).collect::<Vec<_>>(), "{limit}");
        }
        assert_eq!(of_each.map(|lease| told(&one(shop, lease))), expected);
        let customers = Touched { customers: [ann, bob].into(), ..Touched::default() };
        let of_both = shop.store.served_of(&customers).unwrap();
        assert_eq!(of_both.iter().map(told).collect::<Vec<_>>(), expected);
    };
    assert_eq!(shop.store.exceptions(None).unwrap(), [].into());
    check(&shop, [none; 4]);

    // All of a customer, and one of them beside that.
    let few = ExceptionChange { connections: Some(Some(10)), ..ExceptionChange::default() };
    let said_of_ann = Exception { connections: Some(10), ..none };
    assert_eq!(change(&shop, ExceptionFor::Customer(ann), few), Some(said_of_ann));
    let slow = ExceptionChange {
        connections: Some(Some(0)),
        new_connections_per_second: Some(Some(u32::MAX)),
        bytes_per_second: Some(Some(1 << 50)),
    };
    let said = Exception {
        connections: Some(0),
        new_connections_per_second: Some(u32::MAX),
        bytes_per_second: Some(1 << 50),
    };
    assert_eq!(change(&shop, ExceptionFor::Lease(of_ann[1]), slow), Some(said));
    assert_eq!(change(&shop, ExceptionFor::Lease(of_bob[0]), slow), Some(said));
    check(&shop, [said_of_ann, said, said, none]);
    let anns = Exceptions { customer: said_of_ann, leases: [(of_ann[1], said)].into() };
    let bobs = Exceptions { customer: none, leases: [(of_bob[0], said)].into() };
    let both = [(ann, anns.clone()), (bob, bobs.clone())].into();
    assert_eq!(shop.store.exceptions(None).unwrap(), both);
    assert_eq!(shop.store.exceptions(Some(ann)).unwrap(), [(ann, anns)].into());

    // What is taken away of one lets the other be seen again.
    let usual = ExceptionChange { connections: Some(None), ..ExceptionChange::default() };
    let rest = Exception { connections: None, ..said };
    assert_eq!(change(&shop, ExceptionFor::Lease(of_ann[1]), usual), Some(rest));
    check(&shop, [said_of_ann, Exception { connections: Some(10), ..said }, said, none]);
    let clear = ExceptionChange::CLEAR;
    assert_eq!(change(&shop, ExceptionFor::Customer(ann), clear), Some(none));
    assert_eq!(change(&shop, ExceptionFor::Lease(of_ann[1]), clear), Some(none));
    assert_eq!(shop.store.exceptions(None).unwrap(), [(bob, bobs)].into());
    assert_eq!(change(&shop, ExceptionFor::Lease(of_bob[0]), clear), Some(none));
    assert_eq!(shop.store.exceptions(None).unwrap(), [].into());
    check(&shop, [none; 4]);

    // Of what is not there nothing can be said. What ends keeps what was said of it, which can be
    // taken away when it is over, but no more can be said.
    assert_eq!(change(&shop, ExceptionFor::Customer(CustomerId(999)), few), None);
    assert_eq!(change(&shop, ExceptionFor::Lease(LeaseId(999)), few), None);
    change(&shop, ExceptionFor::Lease(of_ann[0]), few);
    shop.wait(Span::from_days(30));
    shop.sweep();
    assert_eq!(told(&one(&shop, of_ann[0])), said_of_ann);
    shop.wait(Span::from_days(1));
    shop.sweep();
    assert_eq!(change(&shop, ExceptionFor::Lease(of_ann[0]), few), None);
    assert_eq!(shop.store.exceptions(None).unwrap().len(), 1);
    assert_eq!(change(&shop, ExceptionFor::Lease(of_ann[0]), clear), Some(none));
    assert_eq!(shop.store.exceptions(None).unwrap(), [].into());
    shop.audit();
}

/// The end of the feed is the number of the last entry, whatever has been read of it.
pub fn the_feed_tells_its_end(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    assert_eq!(shop.store.feed_end().unwrap(), 0);
    let ann = shop.customer("Ann", 10_000);
    for _ in 0..3 {
        shop.deposit(ann, 100);
        let end = shop.store.feed_end().unwrap();
        assert_eq!(end, i64::try_from(shop.journal().len()).unwrap());
        assert_eq!(shop.store.feed(end, 10).unwrap(), []);
        assert_eq!(shop.store.feed(end - 1, 10).unwrap().len(), 1);
    }
}
