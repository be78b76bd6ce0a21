//! Who may use the addresses of an order.

use domain::access::{Access, Login};
use domain::authorisation::{AUTHORISATIONS_MAX, Authorisation};
use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Command, Decision, Outcome, Wish};
use domain::ids::{AuthorisationId, CustomerId, OrderId};
use domain::journal::{AuthorisationChange, Event};
use domain::kind::ProxyKind;
use domain::order::AccessWish;
use domain::refusal::Refusal;
use domain::world::World;

use crate::shop::{ANN, BOB, day, loaded, order};

fn decide(world: &mut World, wish: Wish) -> Decision {
    world.decide(&Command::plain(wish), day(1))
}

/// The authorisation that was changed, what became of it, and whether that was written down.
#[track_caller]
fn done(decision: Decision) -> (AuthorisationId, AuthorisationChange, bool) {
    match decision.result {
        Ok(Outcome::Done { entry, event, .. }) => match *event {
            Event::Authorisation { authorisation, change, .. } => {
                (authorisation, change, entry.is_some())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn authorise(order: i64, by: AuthoriseBy, seed: u8) -> Wish {
    let order = Some(OrderId(order));
    Wish::Authorise(Authorise { customer: ANN, order, by, seed: [seed; 16] })
}

fn change(id: AuthorisationId) -> ChangeAuthorisation {
    ChangeAuthorisation {
        customer: ANN,
        authorisation: Some(id),
        active: None,
        login: None,
        password: None,
        source: SourceWish::Kept,
    }
}

fn pair(authorisation: &Authorisation) -> &Login {
    let Access::Login(pair) = &authorisation.access else { panic!("{authorisation:?}") };
    pair
}

/// Ann's money reaches.
fn rich() -> World {
    let mut loaded = loaded();
    loaded.wallets[0].balance = loaded.wallets[1].balance;
    World::new(loaded)
}

#[test]
fn an_order_has_the_authorisations_that_were_wished_for() {
    let source = Some("::ffff:203.0.113.9".parse().unwrap());
    let ip = Access::SourceIp("203.0.113.9".parse().unwrap());
    for (access, usual, with_own) in [
        (AccessWish::Login, false, false),
        (AccessWish::Usual, true, false),
        (AccessWish::UsualAndOwn, true, true),
        (AccessWish::SourceIp(source), false, false),
        (AccessWish::SourceIpAndOwn(source), false, true),
    ] {
        let mut world = rich();
        let mut wish = order(ANN, ProxyKind::Ipv4, 1);
        wish.access = access;
        assert!(decide(&mut world, Wish::Order(Box::new(wish))).result.is_ok());
        let changes = world.into_changes();
        let made: Vec<&Authorisation> = changes.authorisations_new.values().collect();
        assert_eq!(made.len(), 1 + usize::from(with_own), "{access:?}");
        assert_eq!((made[0].shown, made[0].usual, made[0].active), (true, usual, true));
        assert_eq!(changes.orders[0].access.as_ref(), Some(&made[0].access));
        if matches!(access, AccessWish::SourceIp(_) | AccessWish::SourceIpAndOwn(_)) {
            assert_eq!(made[0].access, ip);
        }
        if usual {
            assert_eq!(&changes.usual_logins[&ANN], pair(made[0]));
        } else {
            assert!(changes.usual_logins.is_empty());
        }
        if with_own {
            assert!(!made[1].shown && !made[1].usual);
            assert_ne!(made[1].access, made[0].access);
        }
        assert!(made.iter().all(|it| (it.customer, it.order) == (ANN, OrderId(10))));
    }
}

#[test]
fn the_usual_pair_is_made_once_and_shared_by_its_customers_orders_alone() {
    let mut world = rich();
    for (customer, seed) in [(ANN, 1), (ANN, 2), (BOB, 3)] {
        let mut wish = order(customer, ProxyKind::Ipv4, 1);
        (wish.access, wish.seed) = (AccessWish::Usual, [seed; 16]);
        assert!(decide(&mut world, Wish::Order(Box::new(wish))).result.is_ok());
    }
    done(decide(&mut world, authorise(2, AuthoriseBy::Usual, 4)));
    let changes = world.into_changes();
    assert_eq!(changes.usual_logins.len(), 2);
    let made: Vec<&Authorisation> = changes.authorisations_new.values().collect();
    let [one, two, bobs, later] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(pair(one), pair(two));
    assert_eq!(pair(one), pair(later));
    assert_ne!(pair(one).login, pair(bobs).login);
}

#[test]
fn adding_what_is_there_changes_nothing_and_puts_it_in_force_again() {
    let mut world = World::new(loaded());
    let ip = AuthoriseBy::SourceIp(Some("203.0.113.7".parse().unwrap()));
    for by in [ip, AuthoriseBy::Usual] {
        let (id, change_made, written) = done(decide(&mut world, authorise(1, by, 1)));
        assert_eq!((change_made, written), (AuthorisationChange::Added, true));
        assert_eq!(done(decide(&mut world, authorise(1, by, 2))).0, id);
        let off = ChangeAuthorisation { active: Some(false), ..change(id) };
        assert!(done(decide(&mut world, Wish::ChangeAuthorisation(off))).2);
        assert!(!world.authorisation(id).unwrap().active);
        assert_eq!(
            done(decide(&mut world, authorise(1, by, 3))),
            (id, AuthorisationChange::Changed, true)
        );
        assert!(world.authorisation(id).unwrap().active);
        assert!(!done(decide(&mut world, authorise(1, by, 4))).2, "it is in force");
    }
    let own = AuthoriseBy::Own;
    let [one, two] = [1, 2].map(|seed| done(decide(&mut world, authorise(1, own, seed))).0);
    assert_ne!(pair(world.authorisation(one).unwrap()), pair(world.authorisation(two).unwrap()));
}

#[test]
fn lists_show_the_first_that_there_is() {
    let mut world = World::new(loaded());
    let delete = |id| {
        let authorisation = Some(id);
        Wish::DeleteAuthorisation(DeleteAuthorisation { customer: ANN, authorisation })
    };
    let (second, ..) = done(decide(&mut world, authorise(1, AuthoriseBy::Own, 1)));
    assert!(!world.authorisation(second).unwrap().shown);
    assert_eq!(
        done(decide(&mut world, delete(AuthorisationId(1)))),
        (AuthorisationId(1), AuthorisationChange::Deleted, true)
    );
    assert!(!world.authorisation(second).unwrap().shown, "it was not to be shown");
    let (third, ..) = done(decide(&mut world, authorise(1, AuthoriseBy::Own, 2)));
    assert!(world.authorisation(third).unwrap().shown);
    done(decide(&mut world, delete(third)));
    let changes = world.into_changes();
    assert_eq!(changes.authorisations_gone, [AuthorisationId(1)].into());
    assert_eq!(changes.authorisations_new.keys().collect::<Vec<_>>(), [&second]);
}

#[test]
fn what_is_anothers_is_as_if_it_were_not_there() {
    let nothing = World::new(loaded()).into_changes();
    for id in [Some(AuthorisationId(3)), Some(AuthorisationId(99)), None] {
        let changed = ChangeAuthorisation { authorisation: id, ..change(AuthorisationId(1)) };
        let deleted = DeleteAuthorisation { customer: ANN, authorisation: id };
        for wish in [Wish::ChangeAuthorisation(changed), Wish::DeleteAuthorisation(deleted)] {
            let mut world = World::new(loaded());
            assert_eq!(decide(&mut world, wish).result, Err(Refusal::UnknownAuthorisation));
            assert_eq!(world.into_changes(), nothing);
        }
    }
    for order in [Some(OrderId(3)), Some(OrderId(99)), None] {
        let by = AuthoriseBy::Own;
        let wish = Wish::Authorise(Authorise { customer: ANN, order, by, seed: [1; 16] });
        assert_eq!(decide(&mut World::new(loaded()), wish).result, Err(Refusal::UnknownOrder));
    }
    let ghost = CustomerId(9);
    let wish = DeleteAuthorisation { customer: ghost, authorisation: None };
    let refused = decide(&mut World::new(loaded()), Wish::DeleteAuthorisation(wish)).result;
    assert_eq!(refused, Err(Refusal::Suspended));
}

#[test]
fn a_change_is_checked_and_what_is_not_named_stays() {
    let refused = |wish: ChangeAuthorisation| {
        decide(&mut World::new(loaded()), Wish::ChangeAuthorisation(wish)).result.unwrap_err()
    };
    let one = change(AuthorisationId(1));
    let some = |text: &str| Some(text.to_owned());
    let to = |ip: &str| SourceWish::To(ip.parse().unwrap());
    for (wish, refusal) in [
        (ChangeAuthorisation { login: some("a:b:c"), ..one.clone() }, Refusal::BadLogin),
        (ChangeAuthorisation { login: some("login-3"), ..one.clone() }, Refusal::LoginTaken),
        (ChangeAuthorisation { password: some("short"), ..one.clone() }, Refusal::BadPassword),
        (ChangeAuthorisation { source: to("203.0.113.7"), ..one.clone() }, Refusal::UnknownAccess),
    ] {
        assert_eq!(refused(wish), refusal);
    }

    let mut world = World::new(loaded());
    let new = ChangeAuthorisation { login: some("ann.new"), ..one.clone() };
    assert!(done(decide(&mut world, Wish::ChangeAuthorisation(new.clone()))).2);
    assert!(!done(decide(&mut world, Wish::ChangeAuthorisation(new))).2, "it is so already");
    let known = world.authorisation(AuthorisationId(1)).unwrap();
    let login = Login { login: "ann.new".into(), password: "secret".into() };
    assert_eq!((pair(known), known.active, known.shown), (&login, true, true));
    assert!(known.chosen && !world.authorisation(AuthorisationId(2)).unwrap().chosen);

    let by = AuthoriseBy::SourceIp(Some("203.0.113.7".parse().unwrap()));
    let (id, ..) = done(decide(&mut world, authorise(1, by, 1)));
    for (wish, refusal) in [
        (ChangeAuthorisation { login: some("ann2"), ..change(id) }, Refusal::UnknownAccess),
        (ChangeAuthorisation { source: to("10.0.0.1"), ..change(id) }, Refusal::BadSourceIp),
        (
            ChangeAuthorisation { source: SourceWish::Unreadable, ..change(id) },
            Refusal::BadSourceIp,
        ),
    ] {
        assert_eq!(decide(&mut world, Wish::ChangeAuthorisation(wish)).result, Err(refusal));
    }
    let moved = ChangeAuthorisation { source: to("198.51.100.7"), ..change(id) };
    done(decide(&mut world, Wish::ChangeAuthorisation(moved)));
    let access = &world.authorisation(id).unwrap().access;
    assert_eq!(*access, Access::SourceIp("198.51.100.7".parse().unwrap()));
}

/// A batch may take a login once only, even if it is given up within it: rows are written one after
/// another.
#[test]
fn two_cannot_have_one_login() {
    let mut world = World::new(loaded());
    let named = |id, login: &str| {
        let login = Some(login.to_owned());
        Wish::ChangeAuthorisation(ChangeAuthorisation { login, ..change(AuthorisationId(id)) })
    };
    done(decide(&mut world, named(1, "wanted")));
    assert_eq!(decide(&mut world, named(2, "wanted")).result, Err(Refusal::LoginTaken));
    done(decide(&mut world, named(1, "other")));
    assert_eq!(decide(&mut world, named(2, "wanted")).result, Err(Refusal::LoginTaken));
    done(decide(&mut world, named(1, "wanted")));
}

#[test]
fn a_usual_pair_that_is_changed_is_the_orders_own_from_then_on() {
    let mut world = World::new(loaded());
    let [one, two] = [1, 2].map(|order| {
        let authorise = authorise(order, AuthoriseBy::Usual, 1);
        done(decide(&mut world, authorise)).0
    });
    let usual = pair(world.authorisation(one).unwrap()).clone();
    let new = ChangeAuthorisation { login: Some("own-one".into()), ..change(one) };
    done(decide(&mut world, Wish::ChangeAuthorisation(new)));
    let now = world.authorisation(one).unwrap();
    assert_eq!((now.usual, pair(now).login.as_str()), (false, "own-one"));
    assert_eq!(pair(world.authorisation(two).unwrap()), &usual, "the other order keeps it");
    let back = ChangeAuthorisation { login: Some(usual.login.clone()), ..change(one) };
    done(decide(&mut world, Wish::ChangeAuthorisation(back)));
    let now = world.authorisation(one).unwrap();
    assert!(now.usual && !now.chosen, "it may be shared again");
}

#[test]
fn an_order_has_only_so_many_authorisations() {
    let mut world = World::new(loaded());
    for seed in 1..AUTHORISATIONS_MAX {
        let seed = u8::try_from(seed).unwrap();
        done(decide(&mut world, authorise(1, AuthoriseBy::Own, seed)));
    }
    let refused = decide(&mut world, authorise(1, AuthoriseBy::Own, 200)).result;
    assert_eq!(refused, Err(Refusal::TooManyAuthorisations));
    done(decide(&mut world, authorise(2, AuthoriseBy::Own, 200)));
}
