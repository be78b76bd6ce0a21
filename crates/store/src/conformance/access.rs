//! Who may use the addresses of an order, and what is written beside leases.

use std::collections::BTreeSet;

use domain::access::{Access, Login};
use domain::authorisation::Authorisation;
use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Command, Outcome, Wish};
use domain::comment::SetComment;
use domain::ids::{AuthorisationId, CustomerId, LeaseId, OrderId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::order::AccessWish;
use domain::refusal::Refusal;
use domain::time::Span;

use super::Make;
use super::races::{THREADS, race, winners};
use super::shop::{IntoCommand, Shop, keyed, order};

/// Orders one address with this kind of access; says the order and its lease.
fn ordered(shop: &Shop, customer: CustomerId, access: AccessWish, seed: u8) -> (OrderId, LeaseId) {
    let mut wish = order(customer, ProxyKind::Ipv4, 1);
    (wish.access, wish.seed) = (access, [seed; 16]);
    match shop.done(wish.into_command()).1 {
        Event::Order { order, leases, .. } => (order, leases[0].lease),
        other => panic!("{other:?}"),
    }
}

fn all(shop: &Shop, customer: CustomerId) -> Vec<Authorisation> {
    let list = shop.store.authorisations(customer, None, None, 1_000).unwrap();
    list.into_iter().map(|it| it.authorisation).collect()
}

fn authorise(customer: CustomerId, order: OrderId, by: AuthoriseBy, seed: u8) -> Command {
    let order = Some(order);
    Command::plain(Wish::Authorise(Authorise { customer, order, by, seed: [seed; 16] }))
}

fn change(customer: CustomerId, id: AuthorisationId) -> ChangeAuthorisation {
    ChangeAuthorisation {
        customer,
        authorisation: Some(id),
        active: None,
        login: None,
        password: None,
        source: SourceWish::Kept,
    }
}

fn delete(customer: CustomerId, id: AuthorisationId) -> Command {
    let authorisation = Some(id);
    Command::plain(Wish::DeleteAuthorisation(DeleteAuthorisation { customer, authorisation }))
}

#[track_caller]
fn pair(authorisation: &Authorisation) -> Login {
    let Access::Login(pair) = &authorisation.access else { panic!("{authorisation:?}") };
    pair.clone()
}

/// Orders have what was asked for, lists show the first of it, and the usual pair is one for all
/// of a customer's orders and nobody else's.
pub fn an_order_has_its_authorisations(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 9);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 10_000));
    let source = Some("203.0.113.9".parse().unwrap());
    let (own, own_lease) = ordered(&shop, ann, AccessWish::Login, 1);
    let (usual, usual_lease) = ordered(&shop, ann, AccessWish::Usual, 2);
    let (both, both_lease) = ordered(&shop, ann, AccessWish::UsualAndOwn, 3);
    let (by_ip, ip_lease) = ordered(&shop, ann, AccessWish::SourceIpAndOwn(source), 4);
    ordered(&shop, bob, AccessWish::Usual, 5);

    let list = shop.store.authorisations(ann, None, None, 100).unwrap();
    let facts: Vec<_> = list
        .iter()
        .map(|it| (it.authorisation.order, it.authorisation.usual, it.authorisation.shown))
        .collect();
    let expected = [
        (own, false, true),
        (usual, true, true),
        (both, true, true),
        (both, false, false),
        (by_ip, false, true),
        (by_ip, false, false),
    ];
    assert_eq!(facts, expected);
    for it in &list {
        let Authorisation { customer, order, active, chosen, .. } = it.authorisation;
        assert_eq!((customer, active, chosen), (ann, true, false));
        assert_eq!((it.order.id, it.ends_at), (order, shop.now + Span::from_days(30)));
    }
    let shown = |lease| shop.lease(ann, lease).order.access.clone().unwrap();
    for (lease, place) in [(own_lease, 0), (usual_lease, 1), (both_lease, 2), (ip_lease, 4)] {
        assert_eq!(shown(lease), list[place].authorisation.access);
    }
    assert_eq!(shown(usual_lease), shown(both_lease));
    assert_eq!(shown(ip_lease), Access::SourceIp("203.0.113.9".parse().unwrap()));
    let pairs: BTreeSet<String> = [0, 1, 3, 5]
        .map(|place| pair(&list[place].authorisation).login)
        .into_iter()
        .chain([pair(&all(&shop, bob)[0]).login])
        .collect();
    assert_eq!(pairs.len(), 5, "each has its own");
    let of_one = shop.store.authorisations(ann, Some(both), None, 100).unwrap();
    assert_eq!(of_one, list[2..4]);
    assert_eq!(shop.store.authorisations(bob, Some(both), None, 100).unwrap(), []);
    shop.audit();
}

/// What is added, changed and deleted is so, also what lists show, and is told again under a key.
pub fn authorisations_are_changed_and_deleted(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 9);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 10_000));
    let (order, lease) = ordered(&shop, ann, AccessWish::Login, 1);
    let ip = AuthoriseBy::SourceIp(Some("203.0.113.7".parse().unwrap()));
    let wish = keyed(authorise(ann, order, ip, 2), 1, 1);
    let (first, again) = (shop.decide(wish.clone()), shop.decide(wish));
    assert_eq!(first.result, again.result);
    assert!(!first.replayed && again.replayed);
    shop.done(authorise(ann, order, AuthoriseBy::Own, 3));
    shop.done(authorise(ann, order, AuthoriseBy::Usual, 4));
    let [shown, by_ip, own, usual] = <[_; 4]>::try_from(all(&shop, ann)).unwrap();

    let (login, password) = (Some("ann.one".to_owned()), Some("s3cret!".to_owned()));
    let new = ChangeAuthorisation { login, password, ..change(ann, shown.id) };
    shop.done(Command::plain(Wish::ChangeAuthorisation(new)));
    let new = Login { login: "ann.one".into(), password: "s3cret!".into() };
    assert_eq!(shop.lease(ann, lease).order.access, Some(Access::Login(new.clone())));
    let off = ChangeAuthorisation { active: Some(false), ..change(ann, own.id) };
    shop.done(Command::plain(Wish::ChangeAuthorisation(off.clone())));
    let same = shop.decide(Command::plain(Wish::ChangeAuthorisation(off)));
    assert!(matches!(same.result, Ok(Outcome::Done { entry: None, .. })));
    let source = SourceWish::To("198.51.100.7".parse().unwrap());
    let moved = ChangeAuthorisation { source, ..change(ann, by_ip.id) };
    shop.done(Command::plain(Wish::ChangeAuthorisation(moved)));
    let now = all(&shop, ann);
    assert_eq!(pair(&now[0]), new);
    assert!(now[0].chosen && now[0].shown && now[0].active);
    assert_eq!(now[1].access, Access::SourceIp("198.51.100.7".parse().unwrap()));
    assert_eq!(now[2], Authorisation { active: false, ..own.clone() });
    assert_eq!(now[3], usual);

    assert_eq!(shop.refused(delete(bob, own.id)), Refusal::UnknownAuthorisation);
    shop.done(delete(ann, own.id));
    assert_eq!(shop.refused(delete(ann, own.id)), Refusal::UnknownAuthorisation);
    shop.done(delete(ann, shown.id));
    assert_eq!(shop.lease(ann, lease).order.access, None, "nothing is shown");
    assert_eq!(all(&shop, ann), [now[1].clone(), now[3].clone()]);
    let (_, event) = shop.done(authorise(ann, order, AuthoriseBy::Own, 5));
    let Event::Authorisation { authorisation: added, .. } = event else { panic!("{event:?}") };
    assert!(usual.id < added, "numbers are not given twice");
    let last = all(&shop, ann).pop().unwrap();
    assert_eq!((last.id, last.shown), (added, true));
    assert_eq!(shop.lease(ann, lease).order.access, Some(last.access));

    // What is over has none that could be listed or added to.
    shop.wait(Span::from_days(32));
    shop.sweep();
    assert_eq!(all(&shop, ann), []);
    let refused = shop.refused(authorise(ann, order, AuthoriseBy::Own, 6));
    assert_eq!(refused, Refusal::UnknownOrder);
    shop.audit();
}

/// Of many who choose a login at the same moment one gets it, and nobody gets an issued one.
pub fn a_login_has_one_owner(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, u32::try_from(THREADS).unwrap() + 1);
    let mut chosen = Vec::new();
    for number in 0..THREADS {
        let customer = shop.customer("One", 1_000);
        ordered(&shop, customer, AccessWish::Login, u8::try_from(number).unwrap());
        chosen.push(change(customer, all(&shop, customer)[0].id));
    }
    let wish = |number: usize, login: &str| {
        let login = Some(login.to_owned());
        Command::plain(Wish::ChangeAuthorisation(ChangeAuthorisation {
            login,
            ..chosen[number].clone()
        }))
    };
    for round in 0..3 {
        let decisions = race(&shop, |number| wish(number, &format!("wanted-{round}")));
        assert_eq!(winners(&decisions), 1);
        let taken = decisions.iter().filter(|it| it.result == Err(Refusal::LoginTaken)).count();
        assert_eq!(taken, THREADS - 1);
    }
    let ann = shop.customer("Ann", 1_000);
    ordered(&shop, ann, AccessWish::Usual, 200);
    let usual = pair(&all(&shop, ann)[0]).login;
    let first = all(&shop, chosen[1].customer).pop().unwrap();
    for login in [&usual, &pair(&first).login] {
        let refused = shop.refused(wish(0, login));
        assert_eq!(refused, Refusal::LoginTaken, "{login}");
    }
    shop.audit();
}

/// Page by page, in the order of orders, each once.
pub fn authorisations_are_listed_in_pages(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 9);
    let ann = shop.customer("Ann", 10_000);
    let orders: Vec<OrderId> =
        (1..=3).map(|seed| ordered(&shop, ann, AccessWish::UsualAndOwn, seed).0).collect();
    for (seed, order) in (10..).zip([orders[2], orders[0], orders[2]]) {
        shop.done(authorise(ann, order, AuthoriseBy::Own, seed));
    }
    let whole = shop.store.authorisations(ann, None, None, 100).unwrap();
    let of: Vec<OrderId> = whole.iter().map(|it| it.authorisation.order).collect();
    let counts = [3, 2, 4].into_iter().zip(&orders);
    assert_eq!(of, counts.flat_map(|(count, order)| vec![*order; count]).collect::<Vec<_>>());
    for order in [None, Some(orders[2])] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = shop.store.authorisations(ann, order, after, 2).unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.authorisation.order, last.authorisation.id));
            pages.extend(page);
        }
        let wanted = whole.iter().filter(|it| order.is_none_or(|order| order == it.order.id));
        assert_eq!(pages, wanted.cloned().collect::<Vec<_>>());
    }
}

/// Beside leases of any kind, through extensions, until they are taken back.
pub fn comments_are_kept(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 3);
    shop.stock(ProxyKind::Isp, 1);
    let ann = shop.customer("Ann", 10_000);
    let mut leases = shop.ordered(ann, ProxyKind::Ipv4, 2);
    leases.extend(shop.ordered(ann, ProxyKind::Isp, 1));
    let leases: Vec<LeaseId> = leases.iter().map(|granted| granted.lease).collect();
    let set = |leases: &[LeaseId], comment: &str| {
        let (leases, comment) = (Some(leases.to_vec()), Some(comment.to_owned()));
        Command::plain(Wish::SetComment(SetComment { customer: ann, leases, comment }))
    };
    let comment = |lease| shop.lease(ann, lease).lease.comment;
    let text = "Größe 7\n<b>“quoted”</b> 🦀";
    let (_, event) = shop.done(set(&leases[1..], text));
    assert_eq!(event, Event::Comment { leases: leases[1..].to_vec() });
    shop.done(super::shop::extend(ann, ProxyKind::Ipv4, &leases[..2]).into_command());
    assert_eq!(comment(leases[0]), None);
    assert_eq!(comment(leases[1]).as_deref(), Some(text));
    assert_eq!(comment(leases[2]).as_deref(), Some(text));
    let stranger = LeaseId(leases[2].0 + 7);
    assert_eq!(shop.refused(set(&[leases[0], stranger], "x")), Refusal::UnknownLease);
    assert_eq!(comment(leases[0]), None);
    shop.done(set(&leases[..2], ""));
    assert_eq!((comment(leases[1]), comment(leases[2]).as_deref()), (None, Some(text)));
    shop.audit();
}
