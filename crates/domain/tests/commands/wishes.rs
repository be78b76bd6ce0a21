//! Wishes drawn at random.

use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::auto_extend::SetAutoExtend;
use domain::command::Wish;
use domain::comment::SetComment;
use domain::credit::Credit;
use domain::deposit::Deposit;
use domain::extend::Extend;
use domain::funded::Funded;
use domain::ids::{AuthorisationId, CustomerId, LeaseId, OrderId, PaymentId};
use domain::kind::ProxyKind;
use domain::order::AccessWish;
use domain::payment::{AdvancePayment, Decline, Purpose, StartPayment, Step};
use domain::period::PeriodWish;
use domain::replace::{Replace, ReplaceReason};
use domain::select::{Among, Selection};
use domain::sweep::Sweep;
use proptest::prelude::*;

use crate::shop::{ANN, BOB, order, product, usd};

/// Any wish of Ann or Bob, about any lease.
pub(crate) fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        3 => ordered(),
        3 => (customer(), kind(), selection(), days(), code()).prop_map(
            |(customer, kind, leases, days, promo)| {
                let period = days.map_or(PeriodWish::Unreadable, PeriodWish::Days);
                Wish::Extend(Extend { customer, kind: Some(kind), leases, among: Among::All, period, promo })
            }
        ),
        2 => (customer(), kind(), selection(), days(), any::<bool>()).prop_map(
            |(customer, kind, leases, days, on)| {
                let period = days.map_or(PeriodWish::Missing, PeriodWish::Days);
                let (kind, on) = (Some(kind), Some(on));
                let card = None;
                Wish::SetAutoExtend(SetAutoExtend { customer, kind, leases, among: Among::All, period, on, card })
            }
        ),
        1 => (customer(), -10_i64..500).prop_map(|(customer, minor)| {
            Wish::Deposit(Deposit { customer, amount: usd(minor), note: "cash".into() })
        }),
        1 => (customer(), leases())
            .prop_map(|(customer, leases)| Wish::Sweep(Sweep { customer, leases })),
        2 => paid(),
        1 => (customer(), leases(), ".{0,3}").prop_map(|(customer, leases, comment)| {
            let (leases, comment) = (Some(leases), Some(comment));
            Wish::SetComment(SetComment { customer, leases, comment })
        }),
        2 => (customer(), leases(), any::<bool>()).prop_map(|(customer, leases, read)| {
            Wish::Replace(replace(customer, leases, read))
        }),
        1 => (customer(), 1_i64..14, any::<[u8; 16]>(), any::<u8>()).prop_map(
            |(customer, order, seed, by)| {
                let by = match by % 3 {
                    0 => AuthoriseBy::Usual,
                    1 => AuthoriseBy::Own,
                    _ => AuthoriseBy::SourceIp(Some([203, 0, 113, by].into())),
                };
                let order = Some(OrderId(order));
                Wish::Authorise(Authorise { customer, order, by, seed })
            }
        ),
        1 => (customer(), 1_i64..14, any::<Option<bool>>(), 0_u8..9).prop_map(
            |(customer, id, active, login)| {
                let authorisation = Some(AuthorisationId(id));
                let login = (login < 3).then(|| format!("login-{login}"));
                let (password, source) = (None, SourceWish::Kept);
                Wish::ChangeAuthorisation(ChangeAuthorisation {
                    customer, authorisation, active, login, password, source,
                })
            }
        ),
        1 => (customer(), 1_i64..14).prop_map(|(customer, id)| {
            let authorisation = Some(AuthorisationId(id));
            Wish::DeleteAuthorisation(DeleteAuthorisation { customer, authorisation })
        }),
    ]
}

/// Anything about a payment, begun or not.
fn paid() -> impl Strategy<Value = Wish> {
    let payment = || (10_i64..18).prop_map(PaymentId);
    let steps = vec![
        Step::Authorised,
        Step::Declined(Decline::Declined),
        Step::Declined(Decline::Silent),
        Step::Refused,
        Step::Void,
        Step::Finished,
    ];
    prop_oneof![
        2 => (customer(), 0_i64..2_000).prop_map(|(customer, minor)| {
            Wish::StartPayment(StartPayment {
                customer,
                amount: Some(usd(minor)),
                provider: "manual".into(),
                card: None,
                purpose: Purpose::TopUp,
            })
        }),
        2 => (customer(), payment(), prop::sample::select(steps)).prop_map(
            |(customer, payment, step)| {
                Wish::AdvancePayment(AdvancePayment { customer, payment, step })
            }
        ),
        2 => (customer(), payment())
            .prop_map(|(customer, payment)| Wish::Credit(Credit { customer, payment, card: None })),
        1 => (payment(), ordered()).prop_map(
            |(payment, wish)| Wish::Funded(Funded { payment, wish: Box::new(wish) })
        ),
    ]
}

/// A replacement whose pools were looked up, or not.
fn replace(customer: CustomerId, leases: Vec<LeaseId>, read: bool) -> Replace {
    let pools = ProxyKind::ALL.map(|kind| (product(kind), if read { 10 } else { 0 }));
    let (reason, comment) = (Some(ReplaceReason::LowSpeed), None);
    Replace { customer, leases: Some(leases), pools: pools.into(), reason, comment }
}

fn ordered() -> impl Strategy<Value = Wish> {
    let access = prop::sample::select(vec![
        AccessWish::Login,
        AccessWish::Usual,
        AccessWish::UsualAndOwn,
        AccessWish::SourceIpAndOwn(Some([203, 0, 113, 7].into())),
    ]);
    (customer(), kind(), 0_u32..4, days(), code(), access, any::<[u8; 16]>()).prop_map(
        |(customer, kind, many, days, promo, access, seed)| {
            let mut wish = order(customer, kind, many);
            wish.period = days.map_or(PeriodWish::Unreadable, PeriodWish::Days);
            wish.promo = promo;
            (wish.access, wish.seed) = (access, seed);
            Wish::Order(Box::new(wish))
        },
    )
}

fn customer() -> impl Strategy<Value = CustomerId> {
    prop_oneof![5 => Just(ANN), 3 => Just(BOB), 1 => Just(CustomerId(3))]
}

fn kind() -> impl Strategy<Value = ProxyKind> {
    prop::sample::select(vec![
        ProxyKind::Ipv4,
        ProxyKind::Ipv4,
        ProxyKind::Ipv6,
        ProxyKind::Mobile,
        ProxyKind::Isp,
    ])
}

fn days() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![6 => Just(Some(30)), 1 => Just(Some(90)), 1 => Just(Some(31)), 1 => Just(None)]
}

fn code() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![None, Some("spring".to_owned()), Some("none".to_owned())])
}

fn leases() -> impl Strategy<Value = Vec<LeaseId>> {
    let whole = Just(vec![4, 5, 6]);
    let ids = prop_oneof![3 => prop::collection::vec(1_i64..=3, 1..4), 2 => whole,
        1 => prop::collection::vec(1_i64..=12, 0..4)];
    ids.prop_map(|ids: Vec<i64>| ids.into_iter().map(LeaseId).collect())
}

fn selection() -> impl Strategy<Value = Selection> {
    prop_oneof![
        4 => leases().prop_map(|leases| Selection::Leases(Some(leases))),
        1 => prop::collection::vec((1_i64..=3).prop_map(OrderId), 0..3)
            .prop_map(|orders| Selection::Orders(Some(orders))),
    ]
}
