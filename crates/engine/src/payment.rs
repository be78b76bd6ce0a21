//! Who takes payments: what the rest of the program knows of a payment provider.
//!
//! Money reaches a wallet by what the books say of a payment, never by what a provider says to
//! somebody. A provider is asked to set money aside, told to collect it once the books have it, and
//! told to let go of what the books have given up. Every call may come again for the same payment.

mod manual;
mod sandbox;

use std::pin::Pin;
use std::sync::Arc;

use domain::auto_top_up::Caps;
use domain::card::{Card, NewCard};
use domain::money::Currency;
use domain::payment::{Decline, Payment};
use domain::time::Time;

pub use self::manual::Manual;
pub use self::sandbox::{Behaviour, SandboxCard};

/// What is asked of a provider, on its way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A provider does not answer, or not in a way that can be read. Nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider does not answer")]
pub struct Unreachable;

/// Where a customer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// On the page of the payment here.
    Ours,
    /// There.
    At(String),
}

/// Who takes payments. Each call may be made again for the same payment, also after a crash, and
/// then does nothing twice: a payment's id is what it is known by.
pub trait PaymentProvider: Send + Sync + 'static {
    /// What it is called in the books. Never changes.
    fn name(&self) -> &'static str;

    /// What customers read.
    fn title(&self) -> &'static str;

    /// What dialects call it that count their means of payment. Never changes.
    fn number(&self) -> u32;

    /// Whether it takes this currency.
    fn takes(&self, currency: Currency) -> bool;

    /// Says where a payment is made that no saved card makes.
    fn start<'a>(&'a self, payment: &'a Payment) -> Reply<'a, Result<Page, Unreachable>>;

    /// Sets the money of a payment aside, by a saved card. [`Decline::Silent`] is that nobody knows
    /// whether it is.
    fn authorise<'a>(
        &'a self,
        card: &'a Card,
        payment: &'a Payment,
    ) -> Reply<'a, Result<(), Decline>>;

    /// Collects what was set aside, once the books have it.
    fn capture<'a>(&'a self, payment: &'a Payment) -> Reply<'a, Result<(), Unreachable>>;

    /// Lets go of what was set aside, if anything was. Nothing is set aside for the payment from
    /// then on, not even by a call that was on its way.
    fn void<'a>(&'a self, payment: &'a Payment) -> Reply<'a, Result<(), Unreachable>>;

    /// The card that the buttons of our page pay with at `now`, where money is only played with;
    /// `None` where it is real, and our page has no buttons.
    fn play_card(&self, now: Time) -> Option<NewCard>;
}

/// The providers of an installation, and what its operator allows.
#[derive(Clone)]
pub struct Providers {
    list: Vec<Arc<dyn PaymentProvider>>,
    /// What may be topped up automatically.
    pub caps: Caps,
}

impl Providers {
    /// These providers, in the order in which customers are shown them.
    pub fn new(list: Vec<Arc<dyn PaymentProvider>>) -> Providers {
        Providers { list, caps: Caps::default() }
    }

    /// Those that every installation has: the operator's own hand, and in a sandbox a card that is
    /// only played with.
    pub fn usual(sandbox: bool) -> Providers {
        let mut list: Vec<Arc<dyn PaymentProvider>> = vec![Arc::new(Manual)];
        if sandbox {
            list.push(Arc::new(SandboxCard));
        }
        Providers::new(list)
    }

    /// The provider of this name.
    pub fn named(&self, name: &str) -> Option<&Arc<dyn PaymentProvider>> {
        self.list.iter().find(|it| it.name() == name)
    }

    /// Those that take `currency`, in their order.
    pub fn taking(&self, currency: Currency) -> impl Iterator<Item = &Arc<dyn PaymentProvider>> {
        self.list.iter().filter(move |it| it.takes(currency))
    }
}
