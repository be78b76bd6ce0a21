//! A bank that remembers what it was told, and that the whole world may end while asking.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::card::{Card, NewCard};
use domain::ids::PaymentId;
use domain::money::Currency;
use domain::payment::{Decline, Payment};
use domain::time::Time;
use engine::payment::{Behaviour, Page, PaymentProvider, Reply, Unreachable};

/// What a bank knows of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) held: bool,
    pub(crate) collected: bool,
    pub(crate) let_go: bool,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) payments: BTreeMap<PaymentId, Known>,
    pub(crate) asked: u32,
    /// After so many calls the world ends: before the bank has done anything, or after.
    pub(crate) ends: Option<(u32, bool)>,
    /// It says no, for this reason.
    pub(crate) declines: Option<Decline>,
    calls: u32,
}

/// The bank. Everybody who has it sees the same books.
#[derive(Clone, Default)]
pub(crate) struct Bank(pub(crate) Arc<Mutex<Books>>);

impl Bank {
    /// Does something to the books; does not come back if the world ends here.
    async fn call<T>(&self, act: impl FnOnce(&mut Books) -> T + Send) -> T
    where
        T: Send,
    {
        let (done, dead) = {
            let mut books = self.0.lock().unwrap();
            books.calls += 1;
            let end = books.ends.filter(|(at, _)| *at <= books.calls);
            match end {
                Some((_, false)) => (None, true),
                Some((_, true)) => (Some(act(&mut books)), true),
                None => (Some(act(&mut books)), false),
            }
        };
        match (done, dead) {
            (Some(done), false) => done,
            _ => std::future::pending().await,
        }
    }

    pub(crate) fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

impl PaymentProvider for Bank {
    fn name(&self) -> &'static str {
        "sandbox-card"
    }

    fn title(&self) -> &'static str {
        "Bank"
    }

    fn number(&self) -> u32 {
        1
    }

    fn takes(&self, _: Currency) -> bool {
        true
    }

    fn start<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<Page, Unreachable>> {
        Box::pin(async { Ok(Page::Ours) })
    }

    fn authorise<'a>(
        &'a self,
        _: &'a Card,
        payment: &'a Payment,
    ) -> Reply<'a, Result<(), Decline>> {
        Box::pin(self.call(|books| {
            books.asked += 1;
            match books.declines {
                Some(why) => Err(why),
                None => {
                    books.payments.entry(payment.id).or_default().held = true;
                    Ok(())
                }
            }
        }))
    }

    fn capture<'a>(&'a self, payment: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(self.call(|books| {
            books.payments.entry(payment.id).or_default().collected = true;
            Ok(())
        }))
    }

    fn void<'a>(&'a self, payment: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(self.call(|books| {
            books.payments.entry(payment.id).or_default().let_go = true;
            Ok(())
        }))
    }

    fn play_card(&self, now: Time) -> Option<NewCard> {
        Some(Behaviour::Pays.card(now))
    }
}
