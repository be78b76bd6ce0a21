//! Payments, cards and instructions to top up.

use domain::payment::Decline;
use domain::time::Time;
use domain::world::Changes;

use super::{Plan, rows};
use crate::error::Error;
use crate::postgres::statements::statements;
use crate::vault::Vault;
use crate::{Result, payments};

statements! {
    PUT_PAYMENTS = "INSERT INTO payment (id, customer_id, amount_minor, currency, provider, card_id,
        purpose, state, declined, finished, entry_id, created_at_ms, changed_at_ms)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
            $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[],
            $12::bigint[], $13::bigint[])
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, declined = excluded.declined,
        finished = excluded.finished, entry_id = excluded.entry_id,
        changed_at_ms = excluded.changed_at_ms";
    PUT_CARDS = "INSERT INTO card (id, customer_id, provider, token_sealed, brand, last4, month,
        year, created_at_ms, removed)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::text[],
            $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
        ON CONFLICT (id) DO UPDATE SET token_sealed = excluded.token_sealed,
        removed = excluded.removed";
    PUT_TOP_UPS = "INSERT INTO auto_top_up (customer_id, currency, enabled, threshold_minor,
        amount_minor, card_id, fails, paused, payment_id, not_before_ms, tried_at_ms, last_status,
        last_amount_minor, last_at_ms, last_declined, counted_day, counted_of_day, counted_month,
        counted_of_month)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
            $12::text[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[], $17::bigint[],
            $18::bigint[], $19::bigint[])
        ON CONFLICT (customer_id) DO UPDATE SET
        enabled = excluded.enabled, threshold_minor = excluded.threshold_minor,
        amount_minor = excluded.amount_minor, card_id = excluded.card_id, fails = excluded.fails,
        paused = excluded.paused, payment_id = excluded.payment_id,
        not_before_ms = excluded.not_before_ms, tried_at_ms = excluded.tried_at_ms,
        last_status = excluded.last_status, last_amount_minor = excluded.last_amount_minor,
        last_at_ms = excluded.last_at_ms, last_declined = excluded.last_declined,
        counted_day = excluded.counted_day, counted_of_day = excluded.counted_of_day,
        counted_month = excluded.counted_month, counted_of_month = excluded.counted_of_month";
}

rows!(
    Payments, PUT_PAYMENTS, Some("payment"),
    id: i64,
    customer_id: i64,
    amount_minor: i64,
    currency: String,
    provider: String,
    card_id: Option<i64>,
    purpose: &'static str,
    state: &'static str,
    declined: Option<&'static str>,
    finished: i64,
    entry_id: Option<i64>,
    created_at_ms: i64,
    changed_at_ms: i64,
);

rows!(
    Cards, PUT_CARDS, Some("card"),
    id: i64,
    customer_id: i64,
    provider: String,
    token_sealed: Vec<u8>,
    brand: String,
    last4: String,
    month: i64,
    year: i64,
    created_at_ms: i64,
    removed: i64,
);

rows!(
    TopUps, PUT_TOP_UPS, Some("auto_top_up"),
    customer_id: i64,
    currency: String,
    enabled: i64,
    threshold_minor: i64,
    amount_minor: i64,
    card_id: Option<i64>,
    fails: i64,
    paused: i64,
    payment_id: Option<i64>,
    not_before_ms: i64,
    tried_at_ms: Option<i64>,
    last_status: &'static str,
    last_amount_minor: i64,
    last_at_ms: i64,
    last_declined: Option<&'static str>,
    counted_day: i64,
    counted_of_day: i64,
    counted_month: i64,
    counted_of_month: i64,
);

/// Writes payments, cards and instructions as they are now.
pub(super) fn put(vault: &Vault, changes: &Changes, plan: &mut Plan) -> Result<()> {
    let mut rows = Payments::default();
    for it in changes.payments.values() {
        rows.id.push(it.id.0);
        rows.customer_id.push(it.customer.0);
        rows.amount_minor.push(it.amount.minor());
        rows.currency.push(it.amount.currency().code().to_owned());
        rows.provider.push(it.provider.clone());
        rows.card_id.push(it.card.map(|card| card.0));
        rows.purpose.push(it.purpose.name());
        rows.state.push(it.state.name());
        rows.declined.push(it.declined.map(Decline::name));
        rows.finished.push(i64::from(it.finished));
        rows.entry_id.push(it.entry.map(|entry| entry.0));
        rows.created_at_ms.push(it.created_at.millis());
        rows.changed_at_ms.push(it.changed_at.millis());
    }
    plan.push(Box::new(rows));
    let mut rows = Cards::default();
    for it in changes.cards.values() {
        let sealed = payments::seal(vault, it).map_err(|error| Error::Fault(error.into()))?;
        rows.id.push(it.id.0);
        rows.customer_id.push(it.customer.0);
        rows.provider.push(it.provider.clone());
        rows.token_sealed.push(sealed);
        rows.brand.push(it.face.brand.clone());
        rows.last4.push(it.face.last4.clone());
        rows.month.push(i64::from(it.face.month));
        rows.year.push(i64::from(it.face.year));
        rows.created_at_ms.push(it.created_at.millis());
        rows.removed.push(i64::from(it.removed));
    }
    plan.push(Box::new(rows));
    let mut rows = TopUps::default();
    for it in changes.top_ups.values() {
        rows.customer_id.push(it.customer.0);
        rows.currency.push(it.amount.currency().code().to_owned());
        rows.enabled.push(i64::from(it.enabled));
        rows.threshold_minor.push(it.threshold.minor());
        rows.amount_minor.push(it.amount.minor());
        rows.card_id.push(it.card.map(|card| card.0));
        rows.fails.push(i64::from(it.fails));
        rows.paused.push(i64::from(it.paused));
        rows.payment_id.push(it.pending.map(|payment| payment.0));
        rows.not_before_ms.push(it.not_before.millis());
        rows.tried_at_ms.push(it.tried_at.map(Time::millis));
        rows.last_status.push(it.last.status.name());
        rows.last_amount_minor.push(it.last.amount.minor());
        rows.last_at_ms.push(it.last.at.millis());
        rows.last_declined.push(it.last.why.map(Decline::name));
        rows.counted_day.push(it.counted.day);
        rows.counted_of_day.push(i64::from(it.counted.of_day));
        rows.counted_month.push(it.counted.month);
        rows.counted_of_month.push(it.counted.of_month);
    }
    plan.push(Box::new(rows));
    Ok(())
}
