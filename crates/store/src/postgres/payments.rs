//! Payments, saved cards, and instructions to top up.

use domain::auto_top_up::{AutoTopUp, Counted, TopUpNews, TopUpStatus};
use domain::card::{Card, CardFace, CardToken};
use domain::ids::{CardId, CustomerId, EntryId, PaymentId};
use domain::money::Money;
use domain::payment::{Decline, Payment, PaymentState, Purpose};
use domain::time::Time;

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::encoding::{self, corrupt, named, small, token_place};
use crate::records::PaymentFilter;
use crate::vault::Vault;

/// What [`payment`] reads.
macro_rules! payment_columns {
    () => {
        "payment.id, payment.customer_id, payment.amount_minor, payment.currency,
         payment.provider, payment.card_id, payment.purpose, payment.state, payment.declined,
         payment.finished, payment.entry_id, payment.created_at_ms, payment.changed_at_ms"
    };
}

/// What [`card`] reads.
macro_rules! card_columns {
    () => {
        "card.id, card.customer_id, card.provider, card.token_sealed, card.brand, card.last4,
         card.month, card.year, card.created_at_ms, card.removed"
    };
}

/// What [`top_up`] reads.
macro_rules! top_up_columns {
    () => {
        "auto_top_up.customer_id, auto_top_up.currency, auto_top_up.enabled,
         auto_top_up.threshold_minor, auto_top_up.amount_minor, auto_top_up.card_id,
         auto_top_up.fails, auto_top_up.paused, auto_top_up.payment_id,
         auto_top_up.not_before_ms, auto_top_up.tried_at_ms, auto_top_up.last_status,
         auto_top_up.last_amount_minor, auto_top_up.last_at_ms, auto_top_up.last_declined,
         auto_top_up.counted_day, auto_top_up.counted_of_day, auto_top_up.counted_month,
         auto_top_up.counted_of_month"
    };
}

pub(super) use {card_columns, payment_columns, top_up_columns};

statements! {
    LIST = concat!(
        "SELECT ", payment_columns!(), " FROM payment WHERE id > $1 ORDER BY id LIMIT $2"
    );
    LIST_PENDING = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE state = 'pending' AND card_id IS NULL AND id > $1 ORDER BY id LIMIT $2"
    );
    LIST_OF = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE customer_id = $3 AND id > $1 ORDER BY id LIMIT $2"
    );
    LIST_PENDING_OF = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE customer_id = $3 AND state = 'pending' AND card_id IS NULL AND id > $1
         ORDER BY id LIMIT $2"
    );
    UNFINISHED = concat!(
        "SELECT ", payment_columns!(), " FROM payment
         WHERE finished = 0 AND card_id IS NOT NULL AND changed_at_ms <= $1
         ORDER BY changed_at_ms, id LIMIT $2"
    );
    /// Each wallet is looked up by its key, whatever the server believes of the sizes of tables.
    TOP_UPS_DUE = "SELECT ready.not_before_ms, ready.customer_id FROM auto_top_up AS ready
        CROSS JOIN LATERAL (SELECT balance_minor FROM wallet
            WHERE wallet.customer_id = ready.customer_id LIMIT 1) AS held
        CROSS JOIN LATERAL (SELECT suspended FROM customer
            WHERE customer.id = ready.customer_id LIMIT 1) AS owner
        WHERE ready.enabled = 1 AND ready.paused = 0 AND ready.payment_id IS NULL
        AND ready.not_before_ms <= $1 AND held.balance_minor < ready.threshold_minor
        AND owner.suspended = 0
        ORDER BY ready.not_before_ms, ready.customer_id LIMIT $2";
}

/// Reads [`payment_columns`].
pub(super) fn payment(row: &Row) -> Result<Payment> {
    let currency = encoding::currency("payment.currency", row.text(3)?)?;
    let declined = row.optional_text(8)?;
    Ok(Payment {
        id: PaymentId(row.int(0)?),
        customer: CustomerId(row.int(1)?),
        amount: Money::from_minor(row.int(2)?, currency),
        provider: row.text(4)?.to_owned(),
        card: row.optional_int(5)?.map(CardId),
        purpose: named("payment.purpose", row.text(6)?, Purpose::from_name)?,
        state: named("payment.state", row.text(7)?, PaymentState::from_name)?,
        declined: declined
            .map(|name| named("payment.declined", name, Decline::from_name))
            .transpose()?,
        finished: row.flag(9)?,
        entry: row.optional_int(10)?.map(EntryId),
        created_at: row.time(11)?,
        changed_at: row.time(12)?,
    })
}

/// Reads [`card_columns`], and unseals the token.
pub(super) fn card(row: &Row, vault: &Vault) -> Result<Card> {
    let id = CardId(row.int(0)?);
    let token = vault.unseal(&token_place(id), row.bytes(3)?);
    Ok(Card {
        id,
        customer: CustomerId(row.int(1)?),
        provider: row.text(2)?.to_owned(),
        token: CardToken(token.ok_or_else(|| corrupt("card.token_sealed", id.0))?),
        face: CardFace {
            brand: row.text(4)?.to_owned(),
            last4: row.text(5)?.to_owned(),
            month: small("card.month", row.int(6)?)?,
            year: small("card.year", row.int(7)?)?,
        },
        created_at: row.time(8)?,
        removed: row.flag(9)?,
    })
}

/// Reads [`top_up_columns`].
pub(super) fn top_up(row: &Row) -> Result<AutoTopUp> {
    let currency = encoding::currency("auto_top_up.currency", row.text(1)?)?;
    let money = |column: usize| row.int(column).map(|minor| Money::from_minor(minor, currency));
    let why = row.optional_text(14)?;
    Ok(AutoTopUp {
        customer: CustomerId(row.int(0)?),
        enabled: row.flag(2)?,
        threshold: money(3)?,
        amount: money(4)?,
        card: row.optional_int(5)?.map(CardId),
        fails: small("auto_top_up.fails", row.int(6)?)?,
        paused: row.flag(7)?,
        pending: row.optional_int(8)?.map(PaymentId),
        not_before: row.time(9)?,
        tried_at: row.optional_time(10)?,
        last: TopUpNews {
            status: named("auto_top_up.last_status", row.text(11)?, TopUpStatus::from_name)?,
            amount: money(12)?,
            at: row.time(13)?,
            why: why
                .map(|name| named("auto_top_up.last_declined", name, Decline::from_name))
                .transpose()?,
        },
        counted: Counted {
            day: row.int(15)?,
            of_day: small("auto_top_up.counted_of_day", row.int(16)?)?,
            month: row.int(17)?,
            of_month: row.int(18)?,
        },
    })
}

/// See [`crate::Store::payments`].
pub(super) fn list(
    tx: &Tx<'_>,
    filter: &PaymentFilter,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>> {
    let (after, limit) = (after.map_or(i64::MIN, |id| id.0), i64::from(limit));
    let rows = match (filter.customer, filter.pending) {
        (None, false) => tx.rows(LIST, &[&after, &limit])?,
        (None, true) => tx.rows(LIST_PENDING, &[&after, &limit])?,
        (Some(customer), false) => tx.rows(LIST_OF, &[&after, &limit, &customer.0])?,
        (Some(customer), true) => tx.rows(LIST_PENDING_OF, &[&after, &limit, &customer.0])?,
    };
    rows.iter().map(payment).collect()
}

/// See [`crate::Store::unfinished_payments`].
pub(super) fn unfinished(tx: &Tx<'_>, until: Time, limit: u32) -> Result<Vec<Payment>> {
    let rows = tx.rows(UNFINISHED, &[&until.millis(), &i64::from(limit)])?;
    rows.iter().map(payment).collect()
}

/// See [`crate::Store::top_ups_due`].
pub(super) fn top_ups_due(tx: &Tx<'_>, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>> {
    let rows = tx.rows(TOP_UPS_DUE, &[&until.millis(), &i64::from(limit)])?;
    rows.iter().map(|row| Ok((row.time(0)?, CustomerId(row.int(1)?)))).collect()
}

/// Shows every payment to `see`, a page at a time.
pub(super) fn each(tx: &Tx<'_>, page: u32, mut see: impl FnMut(&Payment)) -> Result<()> {
    let mut after = None;
    loop {
        let payments = list(tx, &PaymentFilter::default(), after, page)?;
        let Some(last) = payments.last() else { return Ok(()) };
        after = Some(last.id);
        payments.iter().for_each(&mut see);
    }
}
