//! What the books of these tests are made of.

use domain::ids::{
    AccountId, AddressId, CustomerId, EntryId, LeaseId, OrderId, PaymentId, PromoId,
};
use domain::journal::{Bill, Event, Granted, Moved, Replaced};
use domain::kind::ProxyKind;
use domain::lease::{Lease, LeaseState};
use domain::money::{Currency, Money, Percent, UnitPrice};
use domain::payment::{Payment, PaymentState, Purpose};
use domain::period::Period;
use domain::pricing::{Quote, QuoteLine};
use domain::product::ProductKey;
use domain::promo::{Promo, PromoOutcome};
use domain::replace::ReplaceReason;
use domain::time::{Span, Time};

pub(super) const ANN: CustomerId = CustomerId(1);
pub(super) const BOB: CustomerId = CustomerId(2);
pub(super) const WALLET: AccountId = AccountId(100_001);
pub(super) const SPRING: PromoId = PromoId(7);

pub(super) fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

pub(super) fn hours(hours: i64) -> Time {
    Time::EPOCH + Span::from_millis(hours * Span::HOUR.millis())
}

pub(super) fn granted(lease: i64, address: i64, ends_at: Time) -> Granted {
    Granted { lease: LeaseId(lease), address: AddressId(address), ends_at }
}

pub(super) fn moved(lease: i64, from: i64, to: i64) -> Moved {
    Moved { lease: LeaseId(lease), from: hours(from), to: hours(to) }
}

pub(super) fn replacement(lease: i64, from: i64, to: i64) -> Event {
    let replaced = Replaced { lease: LeaseId(lease), from: AddressId(from), to: AddressId(to) };
    let (leases, reason) = (vec![replaced], ReplaceReason::NotWork);
    Event::Replacement { leases, reason, comment: None }
}

pub(super) fn extension(moved: Moved, before: i64, automatic: bool) -> Event {
    Event::Extension {
        bill: bill(1, PromoOutcome::Absent, 131, before),
        period: Period::from_days(30).unwrap(),
        leases: vec![moved],
        automatic,
    }
}

/// `quantity` addresses at $1.31.
pub(super) fn bill(quantity: u32, promo: PromoOutcome, total: i64, before: i64) -> Bill {
    let line = QuoteLine {
        product: ProductKey::parse("IPv4/USA").unwrap(),
        period: Period::from_days(30).unwrap(),
        quantity,
        unit: UnitPrice::parse("1.31").unwrap(),
        discount: Percent::ZERO,
    };
    let quote = Quote {
        lines: vec![line],
        promo,
        discount: promo.discount(),
        total: usd(total),
        balance: usd(before),
        catalogue: 1,
    };
    Bill { quote, balance_after: usd(before - total), payment: None }
}

pub(super) fn lease(
    id: i64,
    order: i64,
    address: i64,
    state: LeaseState,
    starts_at: Time,
    ends_at: Time,
    reserved_until: Option<Time>,
) -> Lease {
    Lease {
        id: LeaseId(id),
        order: OrderId(order),
        customer: ANN,
        product: ProductKey::parse("IPv4/USA").unwrap(),
        address: AddressId(address),
        state,
        starts_at,
        ends_at,
        reserved_until,
        auto_extend: None,
        renew_card: None,
        retry_at: None,
        replaced_at: None,
        comment: None,
        look_at: if state == LeaseState::Over { Time::FAR } else { ends_at },
    }
}

pub(super) fn spring() -> Promo {
    Promo {
        id: SPRING,
        code: "SPRING".into(),
        discount: Percent::parse("10").unwrap(),
        starts_at: Time::EPOCH,
        ends_at: Some(hours(24)),
        max_uses: Some(1),
        per_customer: Some(1),
        kinds: vec![ProxyKind::Ipv4],
        for_orders: true,
        for_extensions: false,
        customer: Some(ANN),
        descriptions: Vec::new(),
        uses: 1,
    }
}

pub(super) fn paid(id: i64, purpose: Purpose, minor: i64, after: i64) -> Event {
    let (payment, amount, balance_after) = (PaymentId(id), usd(minor), usd(after));
    Event::Payment { payment, purpose, amount, balance_after }
}

pub(super) fn payment(id: i64, purpose: Purpose, minor: i64, entry: Option<i64>) -> Payment {
    Payment {
        id: PaymentId(id),
        customer: ANN,
        amount: usd(minor),
        provider: "manual".into(),
        card: None,
        purpose,
        state: entry.map_or(PaymentState::Pending, |_| PaymentState::Settled),
        declined: None,
        finished: entry.is_some(),
        entry: entry.map(EntryId),
        created_at: hours(1_452),
        changed_at: hours(1_453),
    }
}
