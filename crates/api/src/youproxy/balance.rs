//! `GET /balance`

use domain::refusal::Refusal;
use wire::youproxy::balance::BalanceAnswer;

use super::stop::{Done, Stop};
use super::{Asked, read};

/// What is in the wallet.
pub(super) fn show(asked: &Asked<'_>) -> Result<Done, Stop> {
    let balance = asked.app.engine.balance(asked.customer())?;
    let balance = balance.ok_or_else(|| Stop::refused(&Refusal::Suspended))?;
    Ok(Done::new(&BalanceAnswer::told(read::account(balance))))
}
