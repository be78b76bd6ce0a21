//! `GET balance/get`

use domain::refusal::Refusal;
use wire::proxyseller::balance::Balance;

use super::Asked;
use super::money::amount;
use super::stop::{Done, Stop};

/// What is in the wallet.
pub(super) fn show(asked: &Asked<'_>) -> Result<Done, Stop> {
    let balance = asked.app.engine.balance(asked.customer())?;
    let balance = balance.ok_or_else(|| Stop::refused(asked, &Refusal::Suspended))?;
    Ok(Done::new(&Balance { summ: amount(balance) }))
}
