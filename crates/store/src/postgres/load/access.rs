//! Who may use the addresses of orders, and who has which login. Authorisations change under the
//! locks of their owners' wallets alone, and need none of their own. Who takes a login at the same
//! moment as another meets the index of logins.

use std::collections::BTreeSet;

use domain::access::Login;
use domain::ids::{AuthorisationId, CustomerId};
use domain::needs::Needs;
use domain::world::Loaded;

use crate::Result;
use crate::encoding::{corrupt, usual_place};
use crate::postgres::authorisations::{authorisation, authorisation_columns};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;
use crate::vault::Vault;

statements! {
    BY_ID = concat!("SELECT ", authorisation_columns!(), " FROM authorisation WHERE id = ANY($1)");
    BY_ORDER = concat!(
        "SELECT ", authorisation_columns!(), "
         FROM unnest($1::bigint[], $2::bigint[]) AS asked (customer_id, order_id)
         CROSS JOIN LATERAL (SELECT * FROM authorisation
            WHERE authorisation.customer_id = asked.customer_id
            AND authorisation.order_id = asked.order_id
            ORDER BY authorisation.id LIMIT 1000) AS authorisation"
    );
    USUAL = "SELECT customer_id, login, password_sealed FROM usual_login
        WHERE customer_id = ANY($1)";
    LOGINS = "SELECT login, customer_id, id FROM authorisation
        WHERE login = ANY($1) AND usual = 0";
    USUAL_LOGINS = "SELECT login, customer_id FROM usual_login WHERE login = ANY($1)";
}

/// What a batch has to know of this.
pub(super) struct Accesses {
    authorisations: Vec<i64>,
    customers: Vec<i64>,
    orders: Vec<i64>,
    usual: Vec<i64>,
    logins: Vec<String>,
}

impl Accesses {
    pub(super) fn new(needs: &Needs) -> Accesses {
        Accesses {
            authorisations: needs.authorisations.iter().map(|id| id.0).collect(),
            customers: needs.authorised.iter().map(|(customer, _)| customer.0).collect(),
            orders: needs.authorised.iter().map(|(_, order)| order.0).collect(),
            usual: needs.usual_logins.iter().map(|id| id.0).collect(),
            logins: needs.logins.iter().cloned().collect(),
        }
    }

    /// All or nothing is asked: few batches need any of it.
    pub(super) fn ask<'a>(&'a self, asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>) {
        let lists = [&self.authorisations, &self.orders, &self.usual];
        if lists.iter().all(|list| list.is_empty()) && self.logins.is_empty() {
            return;
        }
        asks.push((BY_ID, vec![&self.authorisations]));
        asks.push((BY_ORDER, vec![&self.customers, &self.orders]));
        asks.push((USUAL, vec![&self.usual]));
        asks.push((LOGINS, vec![&self.logins]));
        asks.push((USUAL_LOGINS, vec![&self.logins]));
    }

    pub(super) fn read(
        &self,
        vault: &Vault,
        answers: &[Answer],
        loaded: &mut Loaded,
    ) -> Result<()> {
        let [by_id, by_order, usual, logins, usual_logins] = answers else { return Ok(()) };
        let mut seen = BTreeSet::new();
        for row in by_id.rows.iter().chain(&by_order.rows) {
            if seen.insert(row.int(0)?) {
                loaded.authorisations.push(authorisation(row, vault)?);
            }
        }
        for row in &usual.rows {
            let customer = CustomerId(row.int(0)?);
            let password = vault.unseal(&usual_place(customer), row.bytes(2)?);
            let password =
                password.ok_or_else(|| corrupt("usual_login.password_sealed", customer.0))?;
            let login = Login { login: row.text(1)?.to_owned(), password };
            loaded.usual_logins.push((customer, login));
        }
        for row in &logins.rows {
            let (customer, id) = (CustomerId(row.int(1)?), AuthorisationId(row.int(2)?));
            loaded.logins.push((row.text(0)?.to_owned(), customer, Some(id)));
        }
        for row in &usual_logins.rows {
            loaded.logins.push((row.text(0)?.to_owned(), CustomerId(row.int(1)?), None));
        }
        Ok(())
    }
}
