//! Payments, saved cards, and instructions to top up.

use domain::auto_top_up::{AutoTopUp, Counted, TopUpNews, TopUpStatus};
use domain::card::{Card, CardFace, CardToken};
use domain::ids::{CardId, CustomerId, EntryId, PaymentId};
use domain::money::Money;
use domain::payment::{Decline, Payment, PaymentState, Purpose};
use domain::time::Time;
use domain::world::Changes;
use rusqlite::{Connection, Row};

use super::statements::statements;
use crate::encoding::{self, corrupt, named, token_place};
use crate::error::Error;
use crate::records::PaymentFilter;
use crate::vault::Vault;
use crate::{Result, payments};

/// What [`payment`] reads.
macro_rules! payment_columns {
    () => {
        "payment.id, payment.customer_id, payment.amount_minor, payment.currency,
         payment.provider, payment.card_id, payment.purpose, payment.state, payment.declined,
         payment.finished, payment.entry_id, payment.created_at_ms, payment.changed_at_ms"
    };
}

statements! {
    BY_ID = concat!("SELECT ", payment_columns!(), " FROM payment WHERE id = ?1");
    LIST = concat!(
        "SELECT ", payment_columns!(), " FROM payment WHERE id > ?1 ORDER BY id LIMIT ?2"
    );
    LIST_PENDING = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE state = 'pending' AND card_id IS NULL AND id > ?1 ORDER BY id LIMIT ?2"
    );
    LIST_OF = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE customer_id = ?3 AND id > ?1 ORDER BY id LIMIT ?2"
    );
    LIST_PENDING_OF = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE customer_id = ?3 AND state = 'pending' AND card_id IS NULL AND id > ?1
         ORDER BY id LIMIT ?2"
    );
    UNFINISHED = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE finished = 0 AND card_id IS NOT NULL AND changed_at_ms <= ?1
         ORDER BY changed_at_ms, id LIMIT ?2"
    );
    PUT = "INSERT INTO payment (id, customer_id, amount_minor, currency, provider, card_id, purpose,
        state, declined, finished, entry_id, created_at_ms, changed_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, declined = excluded.declined,
        finished = excluded.finished, entry_id = excluded.entry_id,
        changed_at_ms = excluded.changed_at_ms";
    CARDS_OF = "SELECT id, customer_id, provider, token_sealed, brand, last4, month, year,
        created_at_ms, removed FROM card WHERE customer_id = ?1 ORDER BY id";
    PUT_CARD = "INSERT INTO card (id, customer_id, provider, token_sealed, brand, last4, month,
        year, created_at_ms, removed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (id) DO UPDATE SET token_sealed = excluded.token_sealed,
        removed = excluded.removed";
    TOP_UP_OF = "SELECT customer_id, currency, enabled, threshold_minor, amount_minor, card_id,
        fails, paused, payment_id, not_before_ms, tried_at_ms, last_status, last_amount_minor,
        last_at_ms, last_declined, counted_day, counted_of_day, counted_month, counted_of_month
        FROM auto_top_up WHERE customer_id = ?1";
    PUT_TOP_UP = "INSERT INTO auto_top_up (customer_id, currency, enabled, threshold_minor,
        amount_minor, card_id, fails, paused, payment_id, not_before_ms, tried_at_ms, last_status,
        last_amount_minor, last_at_ms, last_declined, counted_day, counted_of_day, counted_month,
        counted_of_month) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
        ?15, ?16, ?17, ?18, ?19) ON CONFLICT (customer_id) DO UPDATE SET
        enabled = excluded.enabled, threshold_minor = excluded.threshold_minor,
        amount_minor = excluded.amount_minor, card_id = excluded.card_id, fails = excluded.fails,
        paused = excluded.paused, payment_id = excluded.payment_id,
        not_before_ms = excluded.not_before_ms, tried_at_ms = excluded.tried_at_ms,
        last_status = excluded.last_status, last_amount_minor = excluded.last_amount_minor,
        last_at_ms = excluded.last_at_ms, last_declined = excluded.last_declined,
        counted_day = excluded.counted_day, counted_of_day = excluded.counted_of_day,
        counted_month = excluded.counted_month, counted_of_month = excluded.counted_of_month";
    TOP_UPS_DUE = "SELECT auto_top_up.not_before_ms, auto_top_up.customer_id FROM auto_top_up
        JOIN wallet ON wallet.customer_id = auto_top_up.customer_id
        JOIN customer ON customer.id = auto_top_up.customer_id
        WHERE auto_top_up.enabled = 1 AND auto_top_up.paused = 0
        AND auto_top_up.payment_id IS NULL AND auto_top_up.not_before_ms <= ?1
        AND wallet.balance_minor < auto_top_up.threshold_minor AND customer.suspended = 0
        ORDER BY auto_top_up.not_before_ms, auto_top_up.customer_id LIMIT ?2";
}

fn payment(row: &Row<'_>) -> Result<Payment> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let declined =
        |index: usize| row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from);
    let currency = encoding::currency("payment.currency", text(3)?)?;
    Ok(Payment {
        id: PaymentId(row.get(0)?),
        customer: CustomerId(row.get(1)?),
        amount: Money::from_minor(row.get(2)?, currency),
        provider: row.get(4)?,
        card: row.get::<_, Option<i64>>(5)?.map(CardId),
        purpose: named("payment.purpose", text(6)?, Purpose::from_name)?,
        state: named("payment.state", text(7)?, PaymentState::from_name)?,
        declined: declined(8)?
            .map(|name| named("payment.declined", name, Decline::from_name))
            .transpose()?,
        finished: row.get(9)?,
        entry: row.get::<_, Option<i64>>(10)?.map(EntryId),
        created_at: row.get(11).map(Time::from_millis)?,
        changed_at: row.get(12).map(Time::from_millis)?,
    })
}

/// The payment, if there is one.
pub(super) fn by_id(connection: &Connection, id: PaymentId) -> Result<Option<Payment>> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(payment).transpose()
}

/// See [`crate::Store::payments`].
pub(super) fn list(
    connection: &Connection,
    filter: &PaymentFilter,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>> {
    let after = after.map_or(i64::MIN, |id| id.0);
    let (sql, customer) = match (filter.customer, filter.pending) {
        (None, false) => (LIST, None),
        (None, true) => (LIST_PENDING, None),
        (Some(customer), false) => (LIST_OF, Some(customer)),
        (Some(customer), true) => (LIST_PENDING_OF, Some(customer)),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = match customer {
        None => statement.query((after, limit))?,
        Some(customer) => statement.query((after, limit, customer.0))?,
    };
    all(rows)
}

/// See [`crate::Store::unfinished_payments`].
pub(super) fn unfinished(connection: &Connection, until: Time, limit: u32) -> Result<Vec<Payment>> {
    let mut statement = connection.prepare_cached(UNFINISHED)?;
    all(statement.query((until.millis(), limit))?)
}

fn all(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Payment>> {
    let mut payments = Vec::new();
    while let Some(row) = rows.next()? {
        payments.push(payment(row)?);
    }
    Ok(payments)
}

/// The cards of a customer, by id, with their tokens unsealed.
pub(super) fn cards_of(
    connection: &Connection,
    vault: &Vault,
    customer: CustomerId,
) -> Result<Vec<Card>> {
    let mut statement = connection.prepare_cached(CARDS_OF)?;
    let mut rows = statement.query([customer.0])?;
    let mut cards = Vec::new();
    while let Some(row) = rows.next()? {
        let id = CardId(row.get(0)?);
        let sealed = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let token = vault.unseal(&token_place(id), sealed);
        cards.push(Card {
            id,
            customer: CustomerId(row.get(1)?),
            provider: row.get(2)?,
            token: CardToken(token.ok_or_else(|| corrupt("card.token_sealed", id.0))?),
            face: CardFace {
                brand: row.get(4)?,
                last4: row.get(5)?,
                month: row.get(6)?,
                year: row.get(7)?,
            },
            created_at: row.get(8).map(Time::from_millis)?,
            removed: row.get(9)?,
        });
    }
    Ok(cards)
}

/// A customer's instruction to top up, if he has given one.
pub(super) fn top_up_of(
    connection: &Connection,
    customer: CustomerId,
) -> Result<Option<AutoTopUp>> {
    let mut statement = connection.prepare_cached(TOP_UP_OF)?;
    let mut rows = statement.query([customer.0])?;
    rows.next()?.map(top_up).transpose()
}

fn top_up(row: &Row<'_>) -> Result<AutoTopUp> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let optional =
        |index: usize| row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from);
    let currency = encoding::currency("auto_top_up.currency", text(1)?)?;
    let money = |index: usize| row.get(index).map(|minor: i64| Money::from_minor(minor, currency));
    let status = named("auto_top_up.last_status", text(11)?, TopUpStatus::from_name)?;
    let why = optional(14)?.map(|it| named("auto_top_up.last_declined", it, Decline::from_name));
    Ok(AutoTopUp {
        customer: CustomerId(row.get(0)?),
        enabled: row.get(2)?,
        threshold: money(3)?,
        amount: money(4)?,
        card: row.get::<_, Option<i64>>(5)?.map(CardId),
        fails: row.get(6)?,
        paused: row.get(7)?,
        pending: row.get::<_, Option<i64>>(8)?.map(PaymentId),
        not_before: row.get(9).map(Time::from_millis)?,
        tried_at: row.get::<_, Option<i64>>(10)?.map(Time::from_millis),
        last: TopUpNews {
            status,
            amount: money(12)?,
            at: row.get(13).map(Time::from_millis)?,
            why: why.transpose()?,
        },
        counted: Counted {
            day: row.get(15)?,
            of_day: row.get(16)?,
            month: row.get(17)?,
            of_month: row.get(18)?,
        },
    })
}

/// See [`crate::Store::top_ups_due`].
pub(super) fn top_ups_due(
    connection: &Connection,
    until: Time,
    limit: u32,
) -> Result<Vec<(Time, CustomerId)>> {
    let mut statement = connection.prepare_cached(TOP_UPS_DUE)?;
    let mut rows = statement.query((until.millis(), limit))?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push((row.get(0).map(Time::from_millis)?, CustomerId(row.get(1)?)));
    }
    Ok(due)
}

/// Writes payments, cards and instructions as they are now.
pub(super) fn put(connection: &Connection, vault: &Vault, changes: &Changes) -> Result<()> {
    for it in changes.payments.values() {
        connection.prepare_cached(PUT)?.execute((
            it.id.0,
            it.customer.0,
            it.amount.minor(),
            it.amount.currency().code(),
            &it.provider,
            it.card.map(|card| card.0),
            it.purpose.name(),
            it.state.name(),
            it.declined.map(Decline::name),
            it.finished,
            it.entry.map(|entry| entry.0),
            it.created_at.millis(),
            it.changed_at.millis(),
        ))?;
    }
    for it in changes.cards.values() {
        connection.prepare_cached(PUT_CARD)?.execute((
            it.id.0,
            it.customer.0,
            &it.provider,
            payments::seal(vault, it).map_err(|error| Error::Fault(error.into()))?,
            &it.face.brand,
            &it.face.last4,
            it.face.month,
            it.face.year,
            it.created_at.millis(),
            it.removed,
        ))?;
    }
    for it in changes.top_ups.values() {
        connection.prepare_cached(PUT_TOP_UP)?.execute(rusqlite::params![
            it.customer.0,
            it.amount.currency().code(),
            it.enabled,
            it.threshold.minor(),
            it.amount.minor(),
            it.card.map(|card| card.0),
            it.fails,
            it.paused,
            it.pending.map(|payment| payment.0),
            it.not_before.millis(),
            it.tried_at.map(Time::millis),
            it.last.status.name(),
            it.last.amount.minor(),
            it.last.at.millis(),
            it.last.why.map(Decline::name),
            it.counted.day,
            it.counted.of_day,
            it.counted.month,
            it.counted.of_month,
        ])?;
    }
    Ok(())
}

/// Shows every payment to `see`.
pub(super) fn each(connection: &Connection, mut see: impl FnMut(&Payment)) -> Result<()> {
    let mut statement = connection.prepare_cached(LIST)?;
    let mut rows = statement.query((i64::MIN, i64::MAX))?;
    while let Some(row) = rows.next()? {
        see(&payment(row)?);
    }
    Ok(())
}
