//! Standing instructions to top a wallet up with a saved card when little is left in it.

use crate::card::{means_of, month};
use crate::ids::{CardId, CustomerId, PaymentId};
use crate::journal::Event;
use crate::money::Money;
use crate::needs::Needs;
use crate::payment::{Decline, Payment, Purpose, StartPayment, major};
use crate::refusal::Refusal;
use crate::time::{Span, Time};
use crate::world::World;

/// The lowest threshold, in major units.
pub const THRESHOLD_MIN: i64 = 1;
/// The lowest amount of an automatic top-up, in major units.
pub const AMOUNT_MIN: i64 = 5;
/// The threshold of who has not said one, in major units.
const THRESHOLD: i64 = 10;
/// The amount of who has not said one, in major units.
const AMOUNT: i64 = 25;
/// After so many failures in a row it waits for the customer.
pub const FAILS_MAX: u32 = 3;
/// After a failure, and where a cap is reached, it is tried again this much later.
pub const RETRY: Span = Span::HOUR;

/// A customer's instruction to top up, and how it fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoTopUp {
    /// Whose.
    pub customer: CustomerId,
    /// Whether it is in force.
    pub enabled: bool,
    /// It tops up when there is less than this in the wallet.
    pub threshold: Money,
    /// By so much.
    pub amount: Money,
    /// With this card; `None` if he had none.
    pub card: Option<CardId>,
    /// Failures since the last success.
    pub fails: u32,
    /// Whether it waits for the customer, after too many failures.
    pub paused: bool,
    /// The payment that is under way.
    pub pending: Option<PaymentId>,
    /// It is not tried before this.
    pub not_before: Time,
    /// When it was last tried.
    pub tried_at: Option<Time>,
    /// What happened last.
    pub last: TopUpNews,
    /// The top-ups that are counted for the caps.
    pub counted: Counted,
}

/// What happened last to an instruction to top up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUpNews {
    /// What.
    pub status: TopUpStatus,
    /// The amount that it was about.
    pub amount: Money,
    /// When.
    pub at: Time,
    /// Why, if something failed.
    pub why: Option<Decline>,
}

/// What can happen to an instruction to top up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopUpStatus {
    /// The customer has set it.
    SettingsSaved,
    /// A payment was started.
    Triggered,
    /// It has come in.
    Succeeded,
    /// It has failed.
    Failed,
    /// It has failed once too often.
    Paused,
    /// It would have gone beyond a cap of the operator.
    SkippedCap,
}

/// How an instruction to top up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopUpState {
    /// There is no card to pay with.
    NoPaymentMethod,
    /// It is off.
    Disabled,
    /// It waits for the wallet to run low.
    Active,
    /// Its card cannot pay any more.
    PaymentInvalid,
    /// It waits for the customer, after too many failures.
    PausedFailures,
}

/// What has come in automatically within the current day and the current month, by UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The day, in days since 1970.
    pub day: i64,
    /// How many top-ups on that day.
    pub of_day: u32,
    /// The month, in months since the year 0.
    pub month: i64,
    /// Minor units in that month.
    pub of_month: i64,
}

/// What the operator allows a customer to top up automatically; `None` is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// How often a day.
    pub per_day: Option<u32>,
    /// How much a month, in major units.
    pub per_month: Option<i64>,
}

impl TopUpStatus {
    /// All of them.
    pub const ALL: [TopUpStatus; 6] = [
        TopUpStatus::SettingsSaved,
        TopUpStatus::Triggered,
        TopUpStatus::Succeeded,
        TopUpStatus::Failed,
        TopUpStatus::Paused,
        TopUpStatus::SkippedCap,
    ];

    /// `SETTINGS_SAVED`, `TRIGGERED`, `SUCCEEDED`, `FAILED`, `PAUSED` or `SKIPPED_CAP`.
    pub fn name(self) -> &'static str {
        match self {
            TopUpStatus::SettingsSaved => "SETTINGS_SAVED",
            TopUpStatus::Triggered => "TRIGGERED",
            TopUpStatus::Succeeded => "SUCCEEDED",
            TopUpStatus::Failed => "FAILED",
            TopUpStatus::Paused => "PAUSED",
            TopUpStatus::SkippedCap => "SKIPPED_CAP",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<TopUpStatus> {
        TopUpStatus::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl TopUpState {
    /// `NO_PAYMENT_METHOD`, `DISABLED`, `ACTIVE`, `PAYMENT_INVALID` or `PAUSED_FAILURES`.
    pub fn name(self) -> &'static str {
        match self {
            TopUpState::NoPaymentMethod => "NO_PAYMENT_METHOD",
            TopUpState::Disabled => "DISABLED",
            TopUpState::Active => "ACTIVE",
            TopUpState::PaymentInvalid => "PAYMENT_INVALID",
            TopUpState::PausedFailures => "PAUSED_FAILURES",
        }
    }
}

impl Counted {
    /// The same at `now`: what was in another day or month does not count any more.
    fn at(self, now: Time) -> Counted {
        let (day, month) = (now.millis() / Span::DAY.millis(), month(now));
        Counted {
            day,
            of_day: if self.day == day { self.of_day } else { 0 },
            month,
            of_month: if self.month == month { self.of_month } else { 0 },
        }
    }
}

impl AutoTopUp {
    /// The instruction of a customer who has given none, in the currency of `balance`.
    pub fn unset(customer: CustomerId, balance: Money, now: Time) -> AutoTopUp {
        let amount = major(AMOUNT, balance);
        AutoTopUp {
            customer,
            enabled: false,
            threshold: major(THRESHOLD, balance),
            amount,
            card: None,
            fails: 0,
            paused: false,
            pending: None,
            not_before: Time::EPOCH,
            tried_at: None,
            last: TopUpNews { status: TopUpStatus::SettingsSaved, amount, at: now, why: None },
            counted: Counted::default(),
        }
    }

    fn tell(&mut self, status: TopUpStatus, why: Option<Decline>, now: Time) {
        self.last = TopUpNews { status, amount: self.amount, at: now, why };
    }

    /// Whether a top-up would go beyond what the operator allows.
    fn is_capped(&self, caps: Caps, now: Time) -> bool {
        let counted = self.counted.at(now);
        let of_month = counted.of_month.saturating_add(self.amount.minor());
        caps.per_day.is_some_and(|most| most <= counted.of_day)
            || caps.per_month.is_some_and(|most| major(most, self.amount).minor() < of_month)
    }
}

/// A wish to set automatic top-up. What is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAutoTopUp {
    /// Whose.
    pub customer: CustomerId,
    /// On or off. On, said once more, ends a pause.
    pub enabled: Option<bool>,
    /// Below what it tops up.
    pub threshold: Option<Money>,
    /// By how much.
    pub amount: Option<Money>,
    /// With which card. Who has said none and turns it on has his latest one taken.
    pub card: Option<CardId>,
}

impl SetAutoTopUp {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        means_of(self.customer)
    }

    /// Sets what was said, if the whole of it can be.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<AutoTopUp, Refusal> {
        world.spender(self.customer)?;
        let balance = world.balance(self.customer)?;
        let before = world.auto_top_up(self.customer).cloned();
        let mut set =
            before.clone().unwrap_or_else(|| AutoTopUp::unset(self.customer, balance, now));
        // What is too little is told as such below, also if it is less than nothing.
        let fits = |amount: &Money| {
            amount.currency() == balance.currency() && amount.minor() <= Money::MINOR_MAX
        };
        if [self.threshold, self.amount].iter().flatten().any(|amount| !fits(amount)) {
            return Err(Refusal::BadAmount);
        }
        set.enabled = self.enabled.unwrap_or(set.enabled);
        set.threshold = self.threshold.unwrap_or(set.threshold);
        set.amount = self.amount.unwrap_or(set.amount);
        set.card = self.card.or(set.card);
        if set.threshold.minor() < major(THRESHOLD_MIN, balance).minor() {
            return Err(Refusal::ThresholdTooLow);
        }
        if set.amount.minor() < major(AMOUNT_MIN, balance).minor() {
            return Err(Refusal::TopUpTooLow);
        }
        if set.amount.minor() < set.threshold.minor() {
            return Err(Refusal::TopUpBelowThreshold);
        }
        if let Some(card) = self.card {
            world.usable_card(self.customer, card, now)?;
        }
        if set.enabled {
            let kept = |id: &CardId| world.cards(self.customer).any(|card| card.id == *id);
            let latest = || world.cards(self.customer).last().map(|card| card.id);
            let card = set.card.filter(kept).or_else(latest).ok_or(Refusal::NoCard)?;
            set.card = Some(world.usable_card(self.customer, card, now)?.id);
        }
        if self.enabled == Some(true) {
            set.paused = false;
            set.fails = 0;
            set.not_before = Time::EPOCH;
        }
        if before.as_ref() == Some(&set) {
            return Ok(set);
        }
        set.tell(TopUpStatus::SettingsSaved, None, now);
        world.put_top_up(set.clone());
        let AutoTopUp { enabled, threshold, amount, card, .. } = set;
        world.record(self.customer, Event::AutoTopUp { enabled, threshold, amount, card }, now);
        Ok(set)
    }
}

/// Looks whether a wallet is to be topped up, and starts the payment if so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerTopUp {
    /// Whose wallet.
    pub customer: CustomerId,
    /// What the operator allows.
    pub caps: Caps,
}

/// What came of looking.
pub(crate) enum Triggered {
    /// A payment was started.
    Payment(Payment),
    /// Nothing is to be paid.
    Nothing,
}

impl TriggerTopUp {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        means_of(self.customer)
    }

    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Triggered {
        let Some(mut set) = world.auto_top_up(self.customer).cloned() else {
            return Triggered::Nothing;
        };
        let low = world.balance(self.customer).is_ok_and(|it| it.minor() < set.threshold.minor());
        let waits = set.paused || set.pending.is_some() || now < set.not_before;
        if !set.enabled || !low || waits || world.spender(self.customer).is_err() {
            return Triggered::Nothing;
        }
        if set.is_capped(self.caps, now) {
            set.tell(TopUpStatus::SkippedCap, None, now);
            set.not_before = now + RETRY;
            world.put_top_up(set);
            return Triggered::Nothing;
        }
        let start = StartPayment {
            customer: self.customer,
            amount: Some(set.amount),
            provider: String::new(),
            card: Some(set.card.unwrap_or(CardId(0))),
            purpose: Purpose::AutoTopUp,
        };
        match start.apply(world, now) {
            Ok(payment) => {
                set.pending = Some(payment.id);
                set.tried_at = Some(now);
                set.tell(TopUpStatus::Triggered, None, now);
                world.put_top_up(set);
                Triggered::Payment(payment)
            }
            Err(refusal) => {
                let expired = refusal == Refusal::CardExpired;
                let why = if expired { Decline::Expired } else { Decline::Gone };
                set.tried_at = Some(now);
                world.note_top_up_failure(set, why, now);
                Triggered::Nothing
            }
        }
    }
}

impl World {
    /// How a customer's instruction to top up stands at `now`.
    pub fn top_up_state(&self, customer: CustomerId, now: Time) -> TopUpState {
        let set = self.auto_top_up(customer);
        let card = set.and_then(|set| set.card);
        if card.is_none() && self.cards(customer).next().is_none() {
            return TopUpState::NoPaymentMethod;
        }
        let Some(set) = set.filter(|set| set.enabled) else { return TopUpState::Disabled };
        let usable = card.is_some_and(|card| self.usable_card(customer, card, now).is_ok());
        match () {
            () if !usable => TopUpState::PaymentInvalid,
            () if set.paused => TopUpState::PausedFailures,
            () => TopUpState::Active,
        }
    }

    /// The instruction under which `payment` is under way.
    fn topping_up(&self, customer: CustomerId, payment: PaymentId) -> Option<AutoTopUp> {
        self.auto_top_up(customer).filter(|set| set.pending == Some(payment)).cloned()
    }

    /// An automatic top-up has come in.
    pub(crate) fn top_up_succeeded(&mut self, customer: CustomerId, paid: &Payment, now: Time) {
        let Some(mut set) = self.topping_up(customer, paid.id) else { return };
        set.pending = None;
        set.fails = 0;
        set.counted = set.counted.at(now);
        set.counted.of_day = set.counted.of_day.saturating_add(1);
        set.counted.of_month = set.counted.of_month.saturating_add(paid.amount.minor());
        set.tell(TopUpStatus::Succeeded, None, now);
        self.put_top_up(set);
    }

    /// An automatic top-up was refused.
    pub(crate) fn top_up_failed(
        &mut self,
        customer: CustomerId,
        payment: PaymentId,
        why: Decline,
        now: Time,
    ) {
        let Some(mut set) = self.topping_up(customer, payment) else { return };
        set.pending = None;
        self.note_top_up_failure(set, why, now);
    }

    /// An automatic top-up was given up for a reason that is not the card's.
    pub(crate) fn top_up_given_up(&mut self, customer: CustomerId, payment: PaymentId, now: Time) {
        let Some(mut set) = self.topping_up(customer, payment) else { return };
        set.pending = None;
        set.not_before = now;
        self.put_top_up(set);
    }

    fn note_top_up_failure(&mut self, mut set: AutoTopUp, why: Decline, now: Time) {
        set.fails += 1;
        set.paused = FAILS_MAX <= set.fails;
        set.not_before = now + RETRY;
        let status = if set.paused { TopUpStatus::Paused } else { TopUpStatus::Failed };
        set.tell(status, Some(why), now);
        let (customer, amount, paused) = (set.customer, set.amount, set.paused);
        self.put_top_up(set);
        self.record(customer, Event::TopUpFailed { amount, why, paused }, now);
    }
}
