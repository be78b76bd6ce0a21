//! Payments, cards and instructions to top up. They change under the locks of their owners' wallets
//! alone, and need none of their own.

use domain::needs::Needs;
use domain::world::Loaded;

use crate::Result;
use crate::postgres::payments::{
    card, card_columns, payment, payment_columns, top_up, top_up_columns,
};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;
use crate::vault::Vault;

statements! {
    PAYMENTS = concat!("SELECT ", payment_columns!(), " FROM payment WHERE id = ANY($1)");
    CARDS = concat!("SELECT ", card_columns!(), " FROM card WHERE customer_id = ANY($1)");
    TOP_UPS = concat!(
        "SELECT ", top_up_columns!(), " FROM auto_top_up WHERE customer_id = ANY($1)"
    );
}

/// What of payments a batch needs.
pub(super) struct Means {
    payments: Vec<i64>,
    customers: Vec<i64>,
}

impl Means {
    pub(super) fn new(needs: &Needs) -> Means {
        Means {
            payments: needs.payments.iter().map(|id| id.0).collect(),
            customers: needs.means.iter().map(|id| id.0).collect(),
        }
    }

    pub(super) fn ask<'a>(&'a self, asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>) {
        if !self.payments.is_empty() {
            asks.push((PAYMENTS, vec![&self.payments]));
        }
        if !self.customers.is_empty() {
            asks.push((CARDS, vec![&self.customers]));
            asks.push((TOP_UPS, vec![&self.customers]));
        }
    }

    pub(super) fn read(
        &self,
        vault: &Vault,
        answers: &[Answer],
        loaded: &mut Loaded,
    ) -> Result<()> {
        let mut answers = answers.iter();
        if !self.payments.is_empty() {
            for row in answers.next().into_iter().flat_map(|answer| &answer.rows) {
                loaded.payments.push(payment(row)?);
            }
        }
        for row in answers.next().into_iter().flat_map(|answer| &answer.rows) {
            loaded.cards.push(card(row, vault)?);
        }
        for row in answers.next().into_iter().flat_map(|answer| &answer.rows) {
            loaded.top_ups.push(top_up(row)?);
        }
        Ok(())
    }
}
