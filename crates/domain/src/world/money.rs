//! What a batch knows of wallets, payments and cards, and how it moves money.

use super::{NextIds, World};
use crate::auto_top_up::AutoTopUp;
use crate::card::Card;
use crate::ids::{CardId, CustomerId, EntryId, PaymentId};
use crate::journal::Event;
use crate::ledger::{House, Posting, Wallet};
use crate::money::Money;
use crate::payment::Payment;
use crate::refusal::Refusal;
use crate::time::Time;

/// How far a customer's money had come, to go back to where a purchase is refused for which money
/// had come in already.
pub(crate) struct Mark {
    wallet: Wallet,
    changed: Option<Wallet>,
    payment: Payment,
    payment_changed: bool,
    entries: usize,
    next: NextIds,
}

impl World {
    /// Moves `amount` from a wallet that has it to the house's revenue, or the other way round if
    /// it is negative, and writes the event that `event` makes of the balance afterwards.
    pub(crate) fn transfer(
        &mut self,
        customer: CustomerId,
        amount: Money,
        house: House,
        now: Time,
        event: impl FnOnce(Money) -> Event,
    ) -> EntryId {
        let wallet = self.wallets.get_mut(&customer).expect("the caller has looked at it");
        let currency = wallet.balance.currency();
        assert_eq!(amount.currency(), currency, "the quote was made for this wallet");
        let after =
            wallet.balance.minor().checked_sub(amount.minor()).expect("amounts are bounded");
        assert!(after >= 0, "the caller has checked the balance");
        wallet.balance = Money::from_minor(after, currency);
        wallet.version += 1;
        let wallet = *wallet;
        self.changes.wallets.insert(customer, wallet);
        let postings = vec![
            Posting {
                account: wallet.account,
                version: wallet.version,
                amount: -amount.minor(),
                balance_after: Some(after),
            },
            Posting {
                account: house.account(currency),
                version: self.next.entry,
                amount: amount.minor(),
                balance_after: None,
            },
        ];
        self.record_with(customer, event(wallet.balance), postings, now)
    }

    /// Where the money of a payment and of its customer is.
    pub(crate) fn mark(&self, payment: PaymentId) -> Mark {
        let payment = self.payments[&payment].clone();
        Mark {
            wallet: self.wallets[&payment.customer],
            changed: self.changes.wallets.get(&payment.customer).copied(),
            payment_changed: self.changes.payments.contains_key(&payment.id),
            payment,
            entries: self.changes.entries.len(),
            next: self.next,
        }
    }

    /// Goes back to where the money was. Nothing may have happened since but that the payment was
    /// settled.
    pub(crate) fn go_back(&mut self, mark: Mark) {
        let customer = mark.wallet.customer;
        self.wallets.insert(customer, mark.wallet);
        match mark.changed {
            Some(wallet) => self.changes.wallets.insert(customer, wallet),
            None => self.changes.wallets.remove(&customer),
        };
        match mark.payment_changed {
            true => self.changes.payments.insert(mark.payment.id, mark.payment.clone()),
            false => self.changes.payments.remove(&mark.payment.id),
        };
        self.payments.insert(mark.payment.id, mark.payment);
        self.changes.entries.truncate(mark.entries);
        self.next = mark.next;
    }

    /// The customer's payment; another's is not found.
    pub(crate) fn payment(&self, customer: CustomerId, id: PaymentId) -> Result<&Payment, Refusal> {
        let payment = self.payments.get(&id).filter(|it| it.customer == customer);
        payment.ok_or(Refusal::UnknownPayment)
    }

    /// Keeps a payment as it is now.
    pub(crate) fn put_payment(&mut self, payment: Payment) {
        self.changes.payments.insert(payment.id, payment.clone());
        self.payments.insert(payment.id, payment);
    }

    /// The cards of a customer that were not removed, by id.
    pub fn cards(&self, customer: CustomerId) -> impl Iterator<Item = &Card> {
        let range = (customer, CardId(i64::MIN))..=(customer, CardId(i64::MAX));
        self.cards.range(range).map(|(_, card)| card).filter(|card| !card.removed)
    }

    /// A card of a customer that can be paid with.
    pub fn usable_card(
        &self,
        customer: CustomerId,
        id: CardId,
        now: Time,
    ) -> Result<&Card, Refusal> {
        let card = self.cards.get(&(customer, id)).filter(|card| !card.removed);
        let card = card.ok_or(Refusal::NoCard)?;
        if card.is_expired(now) { Err(Refusal::CardExpired) } else { Ok(card) }
    }

    /// Keeps a card as it is now.
    pub(crate) fn put_card(&mut self, card: Card) {
        self.changes.cards.insert(card.id, card.clone());
        self.cards.insert((card.customer, card.id), card);
    }

    /// A customer's instruction to top up.
    pub fn auto_top_up(&self, customer: CustomerId) -> Option<&AutoTopUp> {
        self.top_ups.get(&customer)
    }

    /// Keeps an instruction to top up as it is now.
    pub(crate) fn put_top_up(&mut self, top_up: AutoTopUp) {
        self.changes.top_ups.insert(top_up.customer, top_up.clone());
        self.top_ups.insert(top_up.customer, top_up);
    }

    /// The number of the next payment or card.
    pub(crate) fn next_number(&mut self) -> i64 {
        self.next_order().0
    }
}
