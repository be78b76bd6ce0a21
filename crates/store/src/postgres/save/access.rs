//! Who may use the addresses of orders, and which addresses were replaced.

use domain::access::{Access, Login};
use domain::authorisation::Authorisation;
use domain::journal::{Entry, Event};
use domain::world::Changes;

use super::{Plan, rows};
use crate::Result;
use crate::encoding::{password_place, usual_place};
use crate::error::Error;
use crate::postgres::statements::statements;
use crate::vault::Vault;

statements! {
    ADD = "INSERT INTO authorisation (id, customer_id, order_id, active, login, password_sealed,
        source_ip, usual, chosen, shown)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
            $6::bytea[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[])";
    CHANGE = "UPDATE authorisation SET active = new.active, login = new.login,
        password_sealed = new.password_sealed, source_ip = new.source_ip, usual = new.usual,
        chosen = new.chosen, shown = new.shown
        FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::bigint[],
            $7::bigint[], $8::bigint[])
        AS new (id, active, login, password_sealed, source_ip, usual, chosen, shown)
        WHERE authorisation.id = ANY($1) AND authorisation.id = new.id";
    DELETE = "DELETE FROM authorisation WHERE id = ANY($1)";
    ADD_USUAL = "INSERT INTO usual_login (customer_id, login, password_sealed)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])";
    ADD_REPLACEMENTS = "INSERT INTO replacement
        (lease_id, entry_id, from_address_id, to_address_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])";
}

rows!(
    New, ADD, None,
    id: i64,
    customer_id: i64,
    order_id: i64,
    active: i64,
    login: Option<String>,
    password_sealed: Option<Vec<u8>>,
    source_ip: Option<String>,
    usual: i64,
    chosen: i64,
    shown: i64,
);

rows!(
    Changed, CHANGE, Some("authorisation"),
    id: i64,
    active: i64,
    login: Option<String>,
    password_sealed: Option<Vec<u8>>,
    source_ip: Option<String>,
    usual: i64,
    chosen: i64,
    shown: i64,
);

rows!(
    Gone, DELETE, Some("authorisation"),
    id: i64,
);

rows!(
    Usual, ADD_USUAL, None,
    customer_id: i64,
    login: String,
    password_sealed: Vec<u8>,
);

rows!(
    Replacements, ADD_REPLACEMENTS, None,
    lease_id: i64,
    entry_id: i64,
    from_address_id: i64,
    to_address_id: i64,
);

/// Writes what has changed: first what has gone, then what makes use of that.
pub(super) fn save(vault: &Vault, changes: &Changes, plan: &mut Plan) -> Result<()> {
    let mut gone = Gone::default();
    gone.id.extend(changes.authorisations_gone.iter().map(|id| id.0));
    let mut usual = Usual::default();
    for (customer, Login { login, password }) in &changes.usual_logins {
        usual.customer_id.push(customer.0);
        usual.login.push(login.clone());
        usual.password_sealed.push(vault.seal(&usual_place(*customer), password, nonce()?));
    }
    let mut changed = Changed::default();
    for it in changes.authorisations.values() {
        let (login, sealed, ip) = columns(it, vault)?;
        changed.id.push(it.id.0);
        changed.active.push(i64::from(it.active));
        changed.login.push(login);
        changed.password_sealed.push(sealed);
        changed.source_ip.push(ip);
        changed.usual.push(i64::from(it.usual));
        changed.chosen.push(i64::from(it.chosen));
        changed.shown.push(i64::from(it.shown));
    }
    let mut new = New::default();
    for it in changes.authorisations_new.values() {
        let (login, sealed, ip) = columns(it, vault)?;
        new.id.push(it.id.0);
        new.customer_id.push(it.customer.0);
        new.order_id.push(it.order.0);
        new.active.push(i64::from(it.active));
        new.login.push(login);
        new.password_sealed.push(sealed);
        new.source_ip.push(ip);
        new.usual.push(i64::from(it.usual));
        new.chosen.push(i64::from(it.chosen));
        new.shown.push(i64::from(it.shown));
    }
    plan.push(Box::new(gone));
    plan.push(Box::new(usual));
    plan.push(Box::new(changed));
    plan.push(Box::new(new));
    Ok(())
}

/// Login, sealed password and source address.
type Columns = (Option<String>, Option<Vec<u8>>, Option<String>);

fn columns(authorisation: &Authorisation, vault: &Vault) -> Result<Columns> {
    Ok(match &authorisation.access {
        Access::Login(Login { login, password }) => {
            let sealed = vault.seal(&password_place(authorisation.order), password, nonce()?);
            (Some(login.clone()), Some(sealed), None)
        }
        Access::SourceIp(ip) => (None, None, Some(ip.to_string())),
    })
}

fn nonce() -> Result<[u8; 24]> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|error| Error::Fault(error.into()))?;
    Ok(nonce)
}

/// Notes the replacements among new entries of the journal.
pub(super) fn add_replacements(entries: &[Entry], plan: &mut Plan) {
    let mut rows = Replacements::default();
    for entry in entries {
        let Event::Replacement { leases, .. } = &entry.event else { continue };
        for it in leases {
            rows.lease_id.push(it.lease.0);
            rows.entry_id.push(entry.id.0);
            rows.from_address_id.push(it.from.0);
            rows.to_address_id.push(it.to.0);
        }
    }
    plan.push(Box::new(rows));
}
