//! The operator's own hand: a customer pays in whatever way they have agreed on, and the operator
//! confirms it.

use domain::card::{Card, NewCard};
use domain::money::Currency;
use domain::payment::{Decline, Payment};
use domain::time::Time;

use super::{Page, PaymentProvider, Reply, Unreachable};

/// Payments that the operator confirms with `sublet payment confirm`.
#[derive(Clone, Copy, Debug)]
pub struct Manual;

impl PaymentProvider for Manual {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn title(&self) -> &'static str {
        "Invoice"
    }

    fn number(&self) -> u32 {
        29
    }

    fn takes(&self, _: Currency) -> bool {
        true
    }

    fn start<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<Page, Unreachable>> {
        Box::pin(async { Ok(Page::Ours) })
    }

    /// Nobody's card is kept here.
    fn authorise<'a>(&'a self, _: &'a Card, _: &'a Payment) -> Reply<'a, Result<(), Decline>> {
        Box::pin(async { Err(Decline::Gone) })
    }

    fn capture<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(async { Ok(()) })
    }

    fn void<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(async { Ok(()) })
    }

    fn play_card(&self, _: Time) -> Option<NewCard> {
        None
    }
}
