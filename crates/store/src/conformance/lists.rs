//! Lists in pages.

use domain::command::Command;
use domain::ids::{CustomerId, EntryId, LeaseId};
use domain::kind::ProxyKind;
use domain::needs::Needs;
use domain::period::PeriodWish;
use domain::proxy::Proxy;
use domain::time::Span;

use super::Make;
use super::shop::{IntoCommand, Shop, address, extend, order, product};
use crate::records::{EntryFilter, NewAddress, ProxyFilter};

fn ids(proxies: &[Proxy]) -> Vec<LeaseId> {
    proxies.iter().map(|proxy| proxy.lease.id).collect()
}

/// Pages put together are the whole list, each lease once, by id, of its customer alone.
pub fn proxies_are_listed_in_pages(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 100_000), shop.customer("Bob", 100_000));
    for kind in ProxyKind::ALL {
        shop.stock(kind, 12);
        for customer in [ann, bob, ann] {
            shop.ordered(customer, kind, 3);
        }
    }
    let all = ids(&shop.live(ann));
    assert_eq!(all.len(), 24);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "by id: {all:?}");
    assert!(shop.live(ann).iter().all(|proxy| proxy.lease.customer == ann));
    let page = |filter: &ProxyFilter, after, limit| {
        ids(&shop.store.proxies(ann, filter, after, limit, shop.now).unwrap())
    };
    for kind in [None, Some(ProxyKind::Isp), Some(ProxyKind::Ipv6)] {
        let filter = ProxyFilter { kind, in_reserve: false };
        for limit in [1, 2, 5, 100] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = page(&filter, after, limit);
                assert!(page.len() <= usize::try_from(limit).unwrap());
                let Some(last) = page.last() else { break };
                after = Some(*last);
                found.extend(page);
            }
            let expected: Vec<LeaseId> = shop
                .live(ann)
                .iter()
                .filter(|proxy| kind.is_none_or(|kind| kind == proxy.lease.product.kind))
                .map(|proxy| proxy.lease.id)
                .collect();
            assert_eq!(found, expected, "{kind:?} in pages of {limit}");
        }
    }
    for kind in ProxyKind::ALL {
        assert_eq!(shop.store.count_proxies(ann, kind).unwrap(), 6);
        assert_eq!(shop.store.count_proxies(bob, kind).unwrap(), 3);
    }
    // Half of IPv4 ends; the modems are gone.
    let kept = shop.live(ann)[..3].iter().map(|proxy| proxy.lease.id).collect::<Vec<_>>();
    shop.done(extend(ann, ProxyKind::Ipv4, &kept).into_command());
    shop.wait(Span::from_days(30));
    shop.sweep();
    assert_eq!(ids(&shop.live(ann)), kept);
    assert_eq!(shop.reserved(ann).len(), 3 + 6 + 6);
    let filter = ProxyFilter { kind: Some(ProxyKind::Isp), in_reserve: true };
    let reserved = shop.store.proxies(ann, &filter, None, 4, shop.now).unwrap();
    assert_eq!(reserved.len(), 4);
    let rest = shop.store.proxies(ann, &filter, Some(reserved[3].lease.id), 4, shop.now).unwrap();
    assert_eq!(rest.len(), 2);
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap(), 3);
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Mobile).unwrap(), 0);
    // What is restored is listed again.
    shop.done(extend(ann, ProxyKind::Isp, &[reserved[0].lease.id]).into_command());
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Isp).unwrap(), 1);
    assert_eq!(shop.live(ann).len(), 4);
    shop.audit();
}

/// Five thousand leases of two customers, some ended: the page from any offset on is the right one.
pub fn a_page_far_down_is_the_right_one(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let customers = [shop.customer("Ann", 10_000_000), shop.customer("Bob", 10_000_000)];
    let kind = ProxyKind::Ipv4;
    let pool = product(kind);
    let exits: Vec<NewAddress> = (0..5_000u32)
        .map(|number| address(&pool, (0x0a00_0000_u32 + number).to_be_bytes().into(), 0, "main"))
        .collect();
    shop.store.add_addresses(&exits, shop.now).unwrap();
    let wishes: Vec<Command> = (0..50)
        .map(|turn: usize| {
            let mut wish = order(customers[turn % 2], kind, 100);
            wish.period = PeriodWish::Days(if turn % 5 == 3 { 30 } else { 60 });
            wish.into_command()
        })
        .collect();
    assert!(shop.batch(&wishes).iter().all(|decision| decision.result.is_ok()));
    let check = |shop: &Shop, customer: CustomerId, unnoted: usize| {
        let all = ids(&shop.live(customer));
        let count = shop.store.count_proxies(customer, kind).unwrap();
        assert_eq!(count, u64::try_from(all.len() + unnoted).unwrap());
        let length = all.len();
        for offset in [0, 1, 99, 100, 1_023, length / 2, length - 3, length, length + 9] {
            for limit in [1, 7, 250] {
                let at = u64::try_from(offset).unwrap();
                let page = shop.store.proxies_at(customer, kind, at, limit, shop.now).unwrap();
                let size = usize::try_from(limit).unwrap();
                let expected: Vec<LeaseId> = all.iter().skip(offset).take(size).copied().collect();
                assert_eq!(ids(&page), expected, "{limit} from {offset} of {length}");
            }
        }
        let none = shop.store.proxies_at(customer, ProxyKind::Isp, 0, 9, shop.now).unwrap();
        assert_eq!(none, []);
    };
    customers.iter().for_each(|customer| check(&shop, *customer, 0));
    shop.wait(Span::from_days(30));
    // What has ended is not shown any more, even if nobody has noted it.
    customers.iter().for_each(|customer| check(&shop, *customer, 500));
    let ended = shop.sweep().ended;
    assert_eq!(ended, 1_000);
    customers.iter().for_each(|customer| check(&shop, *customer, 0));
    shop.audit();
}

/// Leases that are looked up by their ids are a customer's live ones and those in reserve, as they
/// are listed.
#[track_caller]
fn named_ones(shop: &Shop, customer: CustomerId, everybodys: &[LeaseId]) {
    let mut listed = [shop.live(customer), shop.reserved(customer)].concat();
    listed.sort_by_key(|proxy| proxy.lease.id);
    let named = |ids: &[LeaseId]| {
        let named = shop.store.proxies_of(customer, ids, shop.now).unwrap();
        // With what a price needs, they are the same, and so is what else there is to see.
        let needs = Needs {
            customers: [customer].into(),
            leases: ids.iter().copied().collect(),
            ..Needs::default()
        };
        let (world, shown) = shop.store.load_shown(&needs, customer, shop.now).unwrap();
        let alone = shop.store.load(&needs, shop.now).unwrap();
        assert_eq!(shown, named);
        assert_eq!(
            (world.lease_ids(), world.wallet(customer)),
            (alone.lease_ids(), alone.wallet(customer))
        );
        named
    };
    assert_eq!(named(everybodys), listed);
    for id in everybodys.iter().chain([&LeaseId(77_777)]) {
        let one: Vec<Proxy> = listed.iter().filter(|it| it.lease.id == *id).cloned().collect();
        assert_eq!((named(&[*id]), named(&[*id, *id])), (one.clone(), one), "{id:?}");
    }
    assert_eq!(named(&[]), []);
}

/// What has ended by the clock is shown where it belongs, whether or not the books have noted it.
pub fn what_has_ended_is_not_shown_as_live(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 100_000), shop.customer("Bob", 100_000));
    for kind in ProxyKind::ALL {
        shop.stock(kind, 8);
        shop.ordered(bob, kind, 2);
        shop.ordered(ann, kind, 3);
        shop.ordered(ann, kind, 3);
    }
    let everybodys = [ids(&shop.live(ann)), ids(&shop.live(bob))].concat();
    // Another's are not seen while they live either.
    named_ones(&shop, ann, &everybodys);
    let kept: Vec<LeaseId> = ids(&shop.live(ann)).into_iter().take(6).step_by(2).collect();
    shop.done(extend(ann, ProxyKind::Ipv4, &kept).into_command());
    shop.wait(Span::from_days(30));
    let shown = |shop: &Shop| {
        let in_reserve = ids(&shop.reserved(ann));
        named_ones(shop, ann, &everybodys);
        let filter = ProxyFilter { kind: Some(ProxyKind::Isp), in_reserve: true };
        let first = shop.store.proxies(ann, &filter, None, 4, shop.now).unwrap();
        let second =
            shop.store.proxies(ann, &filter, first.last().map(|it| it.lease.id), 4, shop.now);
        let at = |offset| shop.store.proxies_at(ann, ProxyKind::Ipv4, offset, 2, shop.now).unwrap();
        (
            ids(&shop.live(ann)),
            in_reserve,
            ids(&first),
            ids(&second.unwrap()),
            ids(&at(0)),
            ids(&at(2)),
        )
    };
    let (live, in_reserve, first, second, head, tail) = shown(&shop);
    assert_eq!((&live, &head[..], &tail[..]), (&kept, &kept[..2], &kept[2..]));
    assert_eq!(in_reserve.len(), 3 + 6 + 6, "a modem is not kept");
    assert!(in_reserve.is_sorted() && in_reserve.iter().all(|id| !kept.contains(id)));
    assert_eq!((first.len(), second.len()), (4, 2));
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap(), 6, "nobody has noted it");
    let before = (live, in_reserve, first, second, head, tail);
    shop.sweep();
    assert_eq!(shown(&shop), before);
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap(), 3);
    // The reserve ends too, first by the clock.
    shop.wait(Span::from_days(1));
    assert_eq!(shop.reserved(ann).len(), 0);
    assert_eq!(ids(&shop.live(ann)), kept);
    named_ones(&shop, ann, &everybodys);
    shop.sweep();
    named_ones(&shop, ann, &everybodys);
    assert_eq!(shop.reserved(ann).len(), 0);
    shop.audit();
}

/// The journal is listed oldest first, whole or of one customer.
pub fn entries_are_listed_in_pages(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 1_000), shop.customer("Bob", 1_000));
    shop.stock(ProxyKind::Ipv4, 9);
    for _ in 0..3 {
        shop.ordered(ann, ProxyKind::Ipv4, 1);
        shop.ordered(bob, ProxyKind::Ipv4, 1);
    }
    let lease = shop.live(ann)[0].lease.id;
    let on = super::shop::auto_extend(ann, ProxyKind::Ipv4, &[lease], true);
    shop.done(on.into_command());
    let page = |customer, moved_money, after, limit| -> Vec<EntryId> {
        let filter = EntryFilter { customer, moved_money };
        let entries = shop.store.entries(&filter, after, limit).unwrap();
        assert!(entries.iter().all(|it| customer.is_none_or(|customer| customer == it.customer)));
        let all = customer.is_none() || !moved_money;
        assert!(entries.iter().all(|it| all || !it.postings.is_empty()));
        entries.iter().map(|entry| entry.id).collect()
    };
    let all = page(None, false, None, 100);
    assert_eq!(all.len(), 9);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "oldest first: {all:?}");
    for (customer, moved, count) in [
        (None, false, 9),
        (None, true, 9),
        (Some(ann), false, 5),
        (Some(ann), true, 4),
        (Some(bob), false, 4),
        (Some(bob), true, 4),
    ] {
        let whole = page(customer, moved, None, 100);
        assert_eq!(whole.len(), count, "{customer:?} {moved}");
        for limit in [1, 2, 100] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = page(customer, moved, after, limit);
                let Some(last) = page.last() else { break };
                after = Some(*last);
                found.extend(page);
            }
            assert_eq!(found, whole, "{customer:?} {moved} in pages of {limit}");
        }
    }
    let entries = shop.journal();
    assert!(entries.iter().all(|entry| entry.at == shop.now));
}
