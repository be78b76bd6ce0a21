//! `GET balance/autotopup/get` and `POST balance/autotopup/set`

use domain::auto_top_up::{AutoTopUp as Set, SetAutoTopUp};
use domain::card::Card;
use domain::money::Money;
use domain::payment::Decline;
use domain::refusal::Refusal;
use engine::wallet::TopUpShown;
use wire::lenient::Field;
use wire::number::Number;
use wire::proxyseller::auto_top_up::{AutoTopUp, AutoTopUpRequest, LastEvent, PaymentMethod};

use super::Asked;
use super::money::amount;
use super::shown::date;
use super::stop::{Done, Stop};

/// How automatic top-up stands.
pub(super) fn show(asked: &Asked<'_>) -> Result<Done, Stop> {
    let found = asked.app.engine.auto_top_up(asked.customer())?;
    Ok(Done::new(&shown(asked, &found)?))
}

/// Sets automatic top-up, and says how it stands then.
pub(super) async fn set(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AutoTopUpRequest::read(&asked.body)?;
    let engine = &asked.app.engine;
    let card = match &request.subscription_id {
        Field::Absent => None,
        name => {
            let card = name.given().and_then(|name| engine.public_ids().read_card(name));
            Some(card.ok_or_else(|| Stop::refused(asked, &Refusal::NoCard))?)
        }
    };
    let enabled = match &request.enabled {
        Field::Absent => None,
        Field::Bad => return Err(Stop::said("Set existed [enabled]", "unknown-switch")),
        Field::Given(enabled) => Some(*enabled),
    };
    let wish = SetAutoTopUp {
        customer: asked.customer(),
        enabled,
        threshold: money(asked, &request.threshold, "Set existed [threshold]")?,
        amount: money(asked, &request.amount, "Set existed [amount]")?,
        card,
    };
    let found = engine.set_auto_top_up(wish).await?;
    let found = found.map_err(|refusal| match refusal {
        // One of them is too much.
        Refusal::BadAmount => Stop::said("Set existed [amount]", "bad-amount"),
        refusal => Stop::refused(asked, &refusal),
    })?;
    Ok(Done::new(&shown(asked, &found)?))
}

fn money(
    asked: &Asked<'_>,
    number: &Field<Number>,
    words: &'static str,
) -> Result<Option<Money>, Stop> {
    let currency = asked.caller.customer.currency;
    if number.is_absent() {
        return Ok(None);
    }
    let minor = number.given().and_then(|number| number.to_minor(currency.decimals()));
    let minor = minor.ok_or_else(|| Stop::said(words, "bad-amount"))?;
    Ok(Some(Money::from_minor(minor, currency)))
}

fn shown(asked: &Asked<'_>, found: &TopUpShown) -> Result<AutoTopUp, Stop> {
    let balance = asked.app.engine.balance(asked.customer())?;
    let balance = balance.ok_or_else(|| Stop::refused(asked, &Refusal::Suspended))?;
    let usual = Set::unset(asked.customer(), balance, found.now);
    let set = found.set.as_ref().unwrap_or(&usual);
    let ids = asked.app.engine.public_ids();
    let method = |card: &Card| PaymentMethod {
        id: ids.card(card.id),
        status: if card.is_expired(found.now) { "expired" } else { "active" }.to_owned(),
        payment_method: "card".to_owned(),
        brand: Some(card.face.brand.clone()),
        last4: Some(card.face.last4.clone()),
        exp: Some(format!("{:02}/{:04}", card.face.month, card.face.year)),
    };
    let last = found.set.as_ref().map(|set| LastEvent {
        status: set.last.status.name().to_owned(),
        amount: amount(set.last.amount),
        at: date(set.last.at).iso_with_milliseconds(),
        reason: set.last.why.map(|why| Decline::name(why).to_owned()),
    });
    Ok(AutoTopUp {
        configured: found.set.is_some(),
        enabled: set.enabled,
        state: found.state.name().to_owned(),
        threshold: amount(set.threshold),
        amount: amount(set.amount),
        subscription_id: found.card.as_ref().map(|card| ids.card(card.id)),
        payment_method: found.card.as_ref().map(method),
        fail_count: set.fails,
        last_attempt_at: set.tried_at.map(|at| date(at).iso_with_milliseconds()),
        last_event: last,
    })
}
