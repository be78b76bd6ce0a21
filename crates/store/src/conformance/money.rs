//! What is bought is paid for, and the other way round.

use domain::access::Access;
use domain::command::{Command, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::ids::{LeaseId, OrderId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::Currency;
use domain::order::{AccessWish, Protocol};
use domain::period::PeriodWish;
use domain::promo::PromoOutcome;
use domain::refusal::Refusal;
use domain::select::Selection;
use domain::time::Span;

use super::Make;
use super::digest::digest;
use super::shop::{
    CATALOGUE, IntoCommand, Shop, auto_extend, extend, extend_orders, grants, order, product, usd,
};
use crate::records::NewCustomer;

/// Two addresses at $1.31 for a customer with $10.
pub fn an_order_charges_and_lets(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 1_000);
    shop.stock(ProxyKind::Ipv4, 3);
    let decision = shop.decide(order(ann, ProxyKind::Ipv4, 2).into_command());
    assert_eq!((decision.balance, decision.replayed), (Some(usd(738)), false));
    let Ok(Outcome::Done { entry: Some(entry), at, event }) = decision.result else {
        panic!("{decision:?}")
    };
    let Event::Order { order: id, bill, period, leases } = *event else { panic!("{event:?}") };
    assert_eq!((at, period.days(), leases.len()), (shop.now, 30, 2));
    assert_eq!((bill.quote.total, bill.balance_after), (usd(262), usd(738)));
    assert_eq!((shop.balance(ann), shop.stocked(ProxyKind::Ipv4)), (738, (1, 2, 0, 0)));

    let proxies = shop.live(ann);
    assert_eq!(
        proxies.iter().map(|it| it.lease.id).collect::<Vec<_>>(),
        [leases[0].lease, leases[1].lease]
    );
    for proxy in &proxies {
        assert_eq!((proxy.lease.order, proxy.lease.customer, proxy.order.id), (id, ann, id));
        assert_eq!((proxy.lease.starts_at, proxy.lease.ends_at), (at, at + Span::from_days(30)));
        assert_eq!((proxy.gateway.as_str(), proxy.port), ("main", 0));
        assert_eq!((proxy.order.goal.as_str(), proxy.order.quantity), ("parsing", 2));
        let endpoint = proxy.endpoint(&shop.store.catalogue().unwrap());
        assert_eq!((endpoint.host, endpoint.http_port), (proxy.ip.to_string(), 8081));
    }
    let journal = shop.journal();
    assert_eq!(journal.last().unwrap().id, entry);
    assert_eq!(journal.last().unwrap().postings.len(), 2);
    let wallet = shop.store.customer(ann).unwrap().unwrap().1;
    assert_eq!(wallet.version, 2);
    shop.audit();
}

/// Every kind is let with what it takes to use it, kept word for word.
pub fn every_kind_can_be_ordered_and_used(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    let catalogue = shop.store.catalogue().unwrap();
    let mut ports = Vec::new();
    for kind in ProxyKind::ALL {
        shop.stock(kind, 2);
        let mut wish = order(ann, kind, 2);
        wish.protocol = Some(Protocol::Socks);
        wish.goal = Some("  Größe \"messen\"  ".into());
        wish.seed = [9; 16];
        let leases = grants(&shop.done(wish.into_command()).1);
        let proxy = shop.lease(ann, leases[0].lease);
        assert_eq!(
            (&proxy.lease.product, proxy.order.goal.as_str()),
            (&product(kind), "Größe \"messen\"")
        );
        assert_eq!(proxy.order.protocol, (kind == ProxyKind::Ipv6).then_some(Protocol::Socks));
        assert_eq!(proxy.order.rotation_seconds, (kind == ProxyKind::Mobile).then_some(300));
        let Some(Access::Login(login)) = &proxy.order.access else {
            panic!("a login was asked for")
        };
        assert_eq!((login.login.len(), login.password.len()), (10, 16));
        let other = shop.lease(ann, leases[1].lease);
        let endpoints = [&proxy, &other].map(|it| it.endpoint(&catalogue));
        assert_ne!(endpoints[0], endpoints[1], "every lease has an endpoint of its own");
        if kind.shares_host() {
            ports.extend([proxy.port, other.port]);
            assert_eq!(endpoints[0].host, "127.0.0.1");
        }
    }
    ports.sort_unstable();
    assert!(ports.windows(2).all(|pair| pair[0] + 2 <= pair[1]), "pairs of ports: {ports:?}");
    assert!((20_000..=29_999).contains(&ports[0]), "{ports:?}");

    shop.stock(ProxyKind::Isp, 4);
    let mut wish = order(ann, ProxyKind::Isp, 1);
    wish.access = AccessWish::SourceIp(Some("::ffff:203.0.113.9".parse().unwrap()));
    let lease = grants(&shop.done(wish.into_command()).1)[0].lease;
    let access = shop.lease(ann, lease).order.access.clone();
    assert_eq!(access, Some(Access::SourceIp("203.0.113.9".parse().unwrap())));
    shop.audit();
}

/// A live lease is extended from its end, one in reserve from now, one that is over not at all.
pub fn an_extension_charges_and_moves(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(ProxyKind::Ipv4, 2);
    let leases: Vec<LeaseId> =
        shop.ordered(ann, ProxyKind::Ipv4, 2).iter().map(|granted| granted.lease).collect();
    let end = shop.now + Span::from_days(30);
    shop.wait(Span::from_days(3));
    let twice = [leases[1], leases[0], leases[1]];
    let (_, event) = shop.done(extend(ann, ProxyKind::Ipv4, &twice).into_command());
    let Event::Extension { bill, leases: moved, automatic, .. } = event else { panic!() };
    assert_eq!((bill.quote.total, automatic, moved.len()), (usd(262), false, 2));
    assert_eq!((moved[0].lease, moved[0].from), (leases[1], end));
    assert_eq!(shop.lease(ann, leases[0]).lease.ends_at, end + Span::from_days(30));
    assert_eq!(shop.balance(ann), 10_000 - 262 - 262);

    shop.now = end + Span::from_days(30);
    assert_eq!(shop.live(ann), [], "the end is decided by the clock, not by the sweep");
    assert_eq!(shop.sweep().ended, 2);
    assert_eq!(shop.reserved(ann).len(), 2);
    shop.wait(Span::from_hours(23));
    shop.done(extend(ann, ProxyKind::Ipv4, &leases[..1]).into_command());
    let restored = shop.lease(ann, leases[0]).lease;
    assert_eq!(restored.ends_at, shop.now + Span::from_days(30));
    assert_eq!(restored.reserved_until, None);
    shop.wait(Span::HOUR);
    let late = extend(ann, ProxyKind::Ipv4, &leases).into_command();
    assert_eq!(shop.refused(late), Refusal::UnknownLease);
    assert_eq!(shop.sweep().released, 1);
    assert_eq!((shop.live(ann).len(), shop.reserved(ann).len()), (1, 0));
    let by_order = extend_orders(ann, ProxyKind::Ipv4, &[restored.order]).into_command();
    let Event::Extension { leases: moved, .. } = shop.done(by_order).1 else { panic!() };
    assert_eq!(moved.iter().map(|it| it.lease).collect::<Vec<_>>(), leases[..1]);
    shop.audit();
}

/// Uses are counted in all and by customer, also by several customers of one batch, and no longer
/// taken off when they are used up.
pub fn promo_codes_are_counted(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 10_000), shop.customer("Bob", 10_000));
    shop.stock(ProxyKind::Ipv4, 20);
    shop.promo("TWICE", "10", Some(4), Some(2));
    let wish = |customer| {
        let mut wish = order(customer, ProxyKind::Ipv4, 1);
        wish.promo = Some("twice".into());
        wish.into_command()
    };
    // Ann, whose id is the lower one, comes last: what is kept in all is her count.
    let decisions = shop.batch(&[wish(bob), wish(bob), wish(ann), wish(bob)]);
    let applied: Vec<bool> = decisions
        .iter()
        .map(|decision| match &decision.result {
            Ok(Outcome::Done { event, .. }) => {
                matches!(event.bill().unwrap().quote.promo, PromoOutcome::Applied { .. })
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(applied, [true, true, true, false]);
    assert_eq!(shop.store.promos().unwrap()[0].uses, 3);
    let lease = shop.live(ann)[0].lease.id;
    for total in [118, 131] {
        let mut more = extend(ann, ProxyKind::Ipv4, &[lease]);
        more.promo = Some("TWICE".into());
        let (_, event) = shop.done(more.into_command());
        assert_eq!(event.bill().unwrap().quote.total, usd(total));
    }
    assert_eq!(shop.store.promos_of(bob).unwrap()[0].1, 2);
    assert_eq!(shop.store.promos_of(ann).unwrap()[0].1, 2);
    assert_eq!(shop.store.promos().unwrap()[0].uses, 4);
    // A use that was refused for money is given back.
    shop.promo("ONCE", "1", Some(1), None);
    let mut dear = order(ann, ProxyKind::Isp, 2);
    shop.stock(ProxyKind::Isp, 2);
    (dear.period, dear.promo) = (PeriodWish::Days(360), Some("ONCE".into()));
    let poor = shop.customer("Poor", 1);
    dear.customer = poor;
    let refusal = shop.refused(dear.clone().into_command());
    assert!(matches!(refusal, Refusal::InsufficientFunds { .. }), "{refusal:?}");
    dear.customer = bob;
    let (_, event) = shop.done(dear.into_command());
    assert!(matches!(event.bill().unwrap().quote.promo, PromoOutcome::Applied { .. }));
    shop.audit();
}

/// A batch is decided in its order; a refused command leaves the others alone.
pub fn commands_of_a_batch_see_each_other(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 0), shop.customer("Bob", 300));
    shop.stock(ProxyKind::Ipv4, 3);
    let deposit = Deposit { customer: ann, amount: usd(131), note: String::new() };
    let decisions = shop.batch(&[
        order(ann, ProxyKind::Ipv4, 1).into_command(),
        Command::plain(Wish::Deposit(deposit)),
        order(ann, ProxyKind::Ipv4, 1).into_command(),
        order(bob, ProxyKind::Ipv4, 2).into_command(),
        order(ann, ProxyKind::Ipv4, 1).into_command(),
        order(bob, ProxyKind::Ipv4, 1).into_command(),
    ]);
    let broke = Err(Refusal::InsufficientFunds { missing: usd(131) });
    assert_eq!(decisions[0].result, broke);
    assert_eq!(decisions[0].balance, Some(usd(0)));
    assert!(decisions[1].result.is_ok() && decisions[2].result.is_ok());
    assert_eq!((decisions[1].balance, decisions[2].balance), (Some(usd(131)), Some(usd(0))));
    assert!(decisions[3].result.is_ok(), "{:?}", decisions[3]);
    assert_eq!(decisions[4].result, Err(Refusal::OutOfStock));
    assert_eq!(decisions[5].result, Err(Refusal::OutOfStock));
    assert_eq!((shop.live(ann).len(), shop.live(bob).len()), (1, 2));
    assert_eq!((shop.balance(ann), shop.balance(bob)), (0, 38));
    assert_eq!(shop.batch(&[]), []);
    shop.audit();
}

/// Every refusal leaves everything that can be seen as it was, wherever the fault is in a list.
pub fn what_is_refused_changes_nothing(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 2_000), shop.customer("Bob", 1_000));
    shop.stock(ProxyKind::Ipv4, 5);
    shop.stock(ProxyKind::Ipv6, 6);
    let ids = |granted: &[domain::journal::Granted]| -> Vec<LeaseId> {
        granted.iter().map(|granted| granted.lease).collect()
    };
    let his = ids(&shop.ordered(bob, ProxyKind::Ipv4, 1))[0];
    let plain = ids(&shop.ordered(ann, ProxyKind::Ipv4, 3));
    let whole = ids(&shop.ordered(ann, ProxyKind::Ipv6, 3));
    let unknown = LeaseId(whole[2].0 + 1_000);
    let (v4, v6) = (ProxyKind::Ipv4, ProxyKind::Ipv6);

    let mut wishes: Vec<(Command, Option<Refusal>)> = Vec::new();
    for bad in [his, unknown, whole[0]] {
        for place in 0..=plain.len() {
            let mut list = plain.clone();
            list.insert(place, bad);
            let unknown = Some(Refusal::UnknownLease);
            wishes.push((extend(ann, v4, &list).into_command(), unknown.clone()));
            wishes.push((auto_extend(ann, v4, &list, true).into_command(), unknown));
        }
    }
    for left_out in 0..whole.len() {
        let mut list = whole.clone();
        let missing = vec![list.remove(left_out)];
        let refusal = Some(Refusal::WholeOrderOnly { missing });
        wishes.push((extend(ann, v6, &list).into_command(), refusal.clone()));
        wishes.push((auto_extend(ann, v6, &list, true).into_command(), refusal));
    }
    let theirs = shop.live(bob)[0].lease.order;
    for orders in [vec![theirs], vec![OrderId(theirs.0 + 1_000)], vec![]] {
        let wish = extend_orders(ann, v4, &orders).into_command();
        wishes.push((wish, Some(Refusal::UnknownOrder)));
    }
    let mut none = extend(ann, v4, &[]);
    wishes.push((none.clone().into_command(), Some(Refusal::UnknownLease)));
    none.leases = Selection::Leases(None);
    wishes.push((none.into_command(), Some(Refusal::UnknownLease)));
    let mut dear = extend(ann, v4, &plain);
    dear.period = PeriodWish::Days(360);
    wishes.push((dear.into_command(), None));
    type Fault = fn(&mut domain::order::PlaceOrder);
    let broken: [(Refusal, Fault); 12] = [
        (Refusal::UnknownKind, |it| it.kind = None),
        (Refusal::UnknownCountry, |it| it.country = None),
        (Refusal::CountryNotOffered, |it| it.country = Country::from_alpha3("FRA")),
        (Refusal::UnknownAccess, |it| it.access = AccessWish::Unknown),
        (Refusal::BadSourceIp, |it| it.access = AccessWish::SourceIp(None)),
        (Refusal::PeriodNotOnSale, |it| it.period = PeriodWish::Days(31)),
        (Refusal::BadGoal, |it| it.goal = Some("  ".into())),
        (Refusal::BadQuantity, |it| it.quantity = Some(0)),
        (Refusal::BadQuantity, |it| it.quantity = Some(u32::MAX)),
        (Refusal::OutOfStock, |it| it.quantity = Some(1_000)),
        (Refusal::UnknownOperator, |it| {
            (it.kind, it.operator) = (Some(ProxyKind::Mobile), Some("x".into()));
        }),
        (Refusal::UnknownRotation, |it| {
            (it.kind, it.rotation_seconds) = (Some(ProxyKind::Mobile), Some(1));
        }),
    ];
    for (refusal, fault) in broken {
        let mut wish = order(ann, v4, 1);
        fault(&mut wish);
        wishes.push((wish.into_command(), Some(refusal)));
    }
    let mut dear = order(ann, v4, 1);
    dear.period = PeriodWish::Days(360);
    wishes.push((dear.into_command(), None));
    let euro = Currency::from_code("EUR").unwrap();
    for amount in [usd(0), usd(-5), domain::money::Money::from_minor(5, euro)] {
        let deposit = Deposit { customer: ann, amount, note: String::new() };
        wishes.push((Command::plain(Wish::Deposit(deposit)), Some(Refusal::BadAmount)));
    }

    let before = digest(&*shop.store, shop.now);
    for (command, refusal) in &wishes {
        let decision = shop.decide(command.clone());
        match refusal {
            Some(refusal) => assert_eq!(decision.result, Err(refusal.clone()), "{command:?}"),
            None => assert!(
                matches!(decision.result, Err(Refusal::InsufficientFunds { .. })),
                "{command:?}: {decision:?}"
            ),
        }
        assert_eq!(decision.balance, Some(usd(shop.balance(ann))));
    }
    assert_eq!(digest(&*shop.store, shop.now), before);
    let all: Vec<Command> = wishes.into_iter().map(|(command, _)| command).collect();
    assert!(shop.batch(&all).iter().all(|decision| decision.result.is_err()));
    assert_eq!(digest(&*shop.store, shop.now), before);
    shop.audit();
}

/// A quote is only looked at; what is charged is the price in force when it is.
pub fn the_charge_is_at_the_price_at_commit(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(ProxyKind::Ipv4, 2);
    let wish = order(ann, ProxyKind::Ipv4, 1);
    let quoted = wish.quote(&shop.store.load(&wish.needs(), shop.now).unwrap(), shop.now).unwrap();
    assert_eq!((quoted.total, quoted.catalogue), (usd(131), 1));
    let text = CATALOGUE.replace("1.31", "1.99").replace("reserve_hours = 24", "reserve_hours = 2");
    shop.store.apply_catalogue(&text, shop.now).unwrap();
    let (_, event) = shop.done(wish.clone().into_command());
    let charged = &event.bill().unwrap().quote;
    assert_eq!((charged.total, charged.catalogue), (usd(199), 2));
    let again = wish.quote(&shop.store.load(&wish.needs(), shop.now).unwrap(), shop.now).unwrap();
    let (_, event) = shop.done(wish.into_command());
    assert_eq!(event.bill().unwrap().quote, again, "without a change, the quote is the charge");
    // A lease that has ended keeps the reserve that it ended with.
    shop.wait(Span::from_days(30));
    assert_eq!(shop.sweep().ended, 2);
    shop.store.apply_catalogue(CATALOGUE, shop.now).unwrap();
    let until = shop.reserved(ann)[0].lease.reserved_until;
    assert_eq!(until, Some(shop.now + Span::from_hours(2)));
    // What is not on sale any more can still be extended.
    let text = CATALOGUE.replace("per_day.EUR = \"0.05\"", "on_sale = false");
    shop.store.apply_catalogue(&text, shop.now).unwrap();
    let refused = shop.refused(order(ann, ProxyKind::Ipv4, 1).into_command());
    assert_eq!(refused, Refusal::CountryNotOffered);
    let lease = shop.reserved(ann)[0].lease.id;
    shop.done(extend(ann, ProxyKind::Ipv4, &[lease]).into_command());
    shop.audit();
}

/// Loading for a quote takes nothing and writes nothing, in any currency.
pub fn looking_changes_nothing(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    let currency = Currency::from_code("EUR").unwrap();
    let new = NewCustomer { name: "Eva".into(), email: None, currency };
    let eva = shop.store.create_customer(&new, shop.now).unwrap();
    shop.stock(ProxyKind::Ipv4, 2);
    let lease = shop.ordered(ann, ProxyKind::Ipv4, 1)[0].lease;
    let before = digest(&*shop.store, shop.now);
    let wish = order(eva, ProxyKind::Ipv4, 1);
    let quote = wish.quote(&shop.store.load(&wish.needs(), shop.now).unwrap(), shop.now).unwrap();
    assert_eq!((quote.total.to_string(), quote.balance.minor()), ("1.50 EUR".to_owned(), 0));
    let wish = extend(ann, ProxyKind::Ipv4, &[lease]);
    let world = shop.store.load(&wish.needs(), shop.now).unwrap();
    assert_eq!(wish.quote(&world, shop.now).unwrap().total, usd(131));
    let foreign = domain::extend::Extend { customer: eva, ..wish };
    let world = shop.store.load(&foreign.needs(), shop.now).unwrap();
    assert_eq!(foreign.quote(&world, shop.now), Err(Refusal::UnknownLease));
    assert_eq!(digest(&*shop.store, shop.now), before);
}
