//! Every entry is read as it was written, and nothing else is read.

use domain::ids::{
    AccountId, AddressId, AuthorisationId, CardId, CustomerId, EntryId, LeaseId, OrderId,
    PaymentId, PromoId,
};
use domain::journal::{AuthorisationChange, Bill, Entry, Event, Granted, Moved, Replaced};
use domain::ledger::Posting;
use domain::money::{Currency, Money, Percent, UnitPrice};
use domain::payment::{Decline, Purpose};
use domain::period::Period;
use domain::pricing::{Quote, QuoteLine};
use domain::product::ProductKey;
use domain::promo::PromoOutcome;
use domain::replace::ReplaceReason;
use domain::time::Time;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::event;
use crate::error::Error;

fn money() -> impl Strategy<Value = Money> {
    let code = prop::sample::select(vec!["USD", "EUR", "JPY", "KWD"]);
    (any::<i64>(), code)
        .prop_map(|(minor, code)| Money::from_minor(minor, Currency::from_code(code).unwrap()))
}

fn time() -> impl Strategy<Value = Time> {
    (0..=Time::FAR.millis()).prop_map(Time::from_millis)
}

fn period() -> impl Strategy<Value = Period> {
    (1..=Period::DAYS_MAX).prop_map(|days| Period::from_days(days).unwrap())
}

fn percent() -> impl Strategy<Value = Percent> {
    (0..=10_000u32).prop_map(|hundredths| Percent::from_hundredths(hundredths).unwrap())
}

fn lease() -> impl Strategy<Value = LeaseId> {
    any::<i64>().prop_map(LeaseId)
}

fn product() -> impl Strategy<Value = ProductKey> {
    prop::sample::select(vec![
        "IPv4/USA",
        "IPv6/DEU",
        "MOBILE/USA/verizon-5g",
        "ISP/GBR",
        "ISP/GBR+eu-2",
    ])
    .prop_map(|name| ProductKey::parse(name).unwrap())
}

fn line() -> impl Strategy<Value = QuoteLine> {
    let unit = (0..=UnitPrice::MICROS_MAX).prop_map(|it| UnitPrice::from_micros(it).unwrap());
    (product(), period(), any::<u32>(), unit, percent()).prop_map(
        |(product, period, quantity, unit, discount)| QuoteLine {
            product,
            period,
            quantity,
            unit,
            discount,
        },
    )
}

fn promo() -> impl Strategy<Value = PromoOutcome> {
    let applied = (any::<i64>(), percent())
        .prop_map(|(id, discount)| PromoOutcome::Applied { promo: PromoId(id), discount });
    prop_oneof![Just(PromoOutcome::Absent), Just(PromoOutcome::NotApplicable), applied]
}

fn bill() -> impl Strategy<Value = Bill> {
    let quote = (vec(line(), 0..4), promo(), percent(), money(), money(), any::<i64>());
    let payment = option::of(any::<i64>().prop_map(PaymentId));
    (quote, money(), payment).prop_map(|(quote, balance_after, payment)| {
        let (lines, promo, discount, total, balance, catalogue) = quote;
        let quote = Quote { lines, promo, discount, total, balance, catalogue };
        Bill { quote, balance_after, payment }
    })
}

fn happened() -> impl Strategy<Value = Event> {
    let granted = (lease(), any::<i64>(), time()).prop_map(|(lease, address, ends_at)| Granted {
        lease,
        address: AddressId(address),
        ends_at,
    });
    let moved = (lease(), time(), time()).prop_map(|(lease, from, to)| Moved { lease, from, to });
    let replaced = (lease(), any::<i64>(), any::<i64>()).prop_map(|(lease, from, to)| Replaced {
        lease,
        from: AddressId(from),
        to: AddressId(to),
    });
    prop_oneof![
        (money(), money(), ".*").prop_map(|(amount, balance_after, note)| Event::Deposit {
            amount,
            balance_after,
            note
        }),
        (any::<i64>(), bill(), period(), vec(granted, 0..5)).prop_map(
            |(order, bill, period, leases)| Event::Order {
                order: OrderId(order),
                bill,
                period,
                leases
            }
        ),
        (bill(), period(), vec(moved, 0..5), any::<bool>()).prop_map(
            |(bill, period, leases, automatic)| Event::Extension {
                bill,
                period,
                leases,
                automatic
            }
        ),
        (vec(lease(), 0..5), option::of(period()), option::of(any::<i64>().prop_map(CardId)))
            .prop_map(|(leases, period, card)| Event::AutoExtend { leases, period, card }),
        (vec(lease(), 0..5), option::of(money()))
            .prop_map(|(leases, missing)| Event::RenewalFailed { leases, missing }),
        vec((lease(), option::of(time())), 0..5).prop_map(|leases| Event::Ended { leases }),
        vec(lease(), 0..5).prop_map(|leases| Event::Released { leases }),
        (any::<i64>(), prop::sample::select(&Purpose::ALL[..]), money(), money()).prop_map(
            |(id, purpose, amount, balance_after)| Event::Payment {
                payment: PaymentId(id),
                purpose,
                amount,
                balance_after
            }
        ),
        (any::<bool>(), money(), money(), option::of(any::<i64>().prop_map(CardId))).prop_map(
            |(enabled, threshold, amount, card)| Event::AutoTopUp {
                enabled,
                threshold,
                amount,
                card
            }
        ),
        (money(), prop::sample::select(&Decline::ALL[..]), any::<bool>())
            .prop_map(|(amount, why, paused)| Event::TopUpFailed { amount, why, paused }),
        (any::<i64>(), any::<i64>(), any::<bool>(), 0..3_usize).prop_map(
            |(authorisation, order, active, change)| {
                let change = [
                    AuthorisationChange::Added,
                    AuthorisationChange::Changed,
                    AuthorisationChange::Deleted,
                ][change];
                let (authorisation, order) = (AuthorisationId(authorisation), OrderId(order));
                Event::Authorisation { authorisation, order, active, change }
            }
        ),
        vec(lease(), 0..5).prop_map(|leases| Event::Comment { leases }),
        (vec(replaced, 0..5), 0..5_usize, option::of(".*")).prop_map(
            |(leases, reason, comment)| Event::Replacement {
                leases,
                reason: ReplaceReason::ALL[reason],
                comment
            }
        ),
    ]
}

fn posting() -> impl Strategy<Value = Posting> {
    (any::<i64>(), any::<i64>(), any::<i64>(), option::of(any::<i64>())).prop_map(
        |(account, version, amount, balance_after)| Posting {
            account: AccountId(account),
            version,
            amount,
            balance_after,
        },
    )
}

proptest! {
    #[test]
    fn an_entry_is_read_as_it_was_written(event in happened(), postings in vec(posting(), 0..3)) {
        let entry = Entry {
            id: EntryId(1),
            at: Time::EPOCH,
            customer: CustomerId(1),
            event,
            postings,
            fingerprint: None,
        };
        let body = event::encode(&entry);
        let read = event::decode(entry.event.name(), &body).unwrap();
        prop_assert_eq!(read, (entry.event, entry.postings), "{}", body);
    }

    #[test]
    fn damaged_entries_are_told_not_guessed(event in happened(), cut in any::<prop::sample::Index>()) {
        let entry = Entry {
            id: EntryId(1),
            at: Time::EPOCH,
            customer: CustomerId(1),
            event,
            postings: vec![],
            fingerprint: None,
        };
        let body = event::encode(&entry);
        let short: String = body.chars().take(cut.index(body.chars().count())).collect();
        let read = event::decode(entry.event.name(), &short);
        let corrupt = matches!(read, Err(Error::Corrupt { column: "entry.body", .. }));
        prop_assert!(corrupt, "{}", short);
    }
}

#[test]
fn the_format_of_an_extension_stays() {
    let body = concat!(
        r#"{"event":{"bill":{"lines":[["IPv4/USA",30,1,1500000,0]],"promo":{"applied":[7,500]},"#,
        r#""discount":500,"total":[143,"USD"],"balance":[718,"USD"],"balance_after":[575,"USD"],"#,
        r#""catalogue":3},"period":30,"leases":[[12,1700000000000,1702592000000]]},"#,
        r#""postings":[[100001,2,-143,575],[8401,9,143,null]]}"#,
    );
    let (event, postings) = event::decode("renewal", body).unwrap();
    let Event::Extension { bill, automatic: true, .. } = &event else { panic!("{event:?}") };
    assert_eq!(bill.quote.total, Money::from_minor(143, Currency::USD));
    let entry = Entry {
        id: EntryId(9),
        at: Time::EPOCH,
        customer: CustomerId(1),
        event,
        postings,
        fingerprint: None,
    };
    assert_eq!(event::encode(&entry), body);
    assert!(event::decode("refund", body).is_err());
}
