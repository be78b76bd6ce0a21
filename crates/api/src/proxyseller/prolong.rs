//! `POST prolong/calc/{type}` and `POST prolong/make/{type}`

pub(super) mod select;

use std::collections::BTreeSet;

use domain::catalogue::Catalogue;
use domain::command::{Outcome, Wish};
use domain::extend::Extend;
use domain::ids::OrderId;
use domain::journal::Event;
use domain::pricing::Quote;
use domain::proxy::Proxy;
use domain::refusal::Refusal;
use engine::engine::Quoted;
use engine::prospect::Prospect;
use wire::proxyseller::envelope::Problem;
use wire::proxyseller::prolong::{ProlongCalculated, ProlongItem, ProlongRequest, Prolonged};

use self::select::Chosen;
use super::money::{amount, price, share};
use super::order::{unpaid, warning};
use super::shown::{Shown, date};
use super::stop::{Declined, Done, Stop, decided};
use super::{Asked, Version, order_number, payment, read};
use crate::spend::{Means, spend_by};

/// What a prolongation would cost.
pub(super) async fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let (extend, means) = wish(asked).await?;
    let Prospect { catalogue, quoted, proxies } = asked.app.engine.prospect(&extend).await?;
    let quote = priced(asked, quoted)?;
    let calculated = calculated(asked, &quote, means, &catalogue, &proxies);
    if !calculated.warning.is_empty() {
        return Err(unpaid(asked, &calculated, &calculated.warning));
    }
    Ok(Done::new(&calculated))
}

/// Prolongs.
pub(super) async fn carry_out(asked: &Asked<'_>) -> Result<Done, Stop> {
    let (extend, means) = wish(asked).await?;
    let idempotency = asked.idempotency()?;
    let app = asked.app;
    let wish = Wish::Extend(extend.clone());
    let spent = spend_by(&app.engine, &app.spends, wish, means, idempotency, asked.delivery);
    let mut decision = spent.await?;
    let orders = std::mem::take(&mut decision.orders);
    let (outcome, replayed) = match decided(decision) {
        Ok(decided) => decided,
        Err(declined) => return Err(declined_stop(asked, &extend, declined).await),
    };
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Extension { bill, leases, .. } = *event else { return Err(Stop::Unknown) };
    // A repetition is told what was done, not what of.
    let orders = if replayed {
        let leases = leases.iter().map(|moved| moved.lease);
        app.engine.orders_of(asked.customer(), leases).map_err(|_| Stop::Unknown)?
    } else {
        orders
    };
    let (ids, version) = (app.engine.public_ids(), asked.version);
    let named = |order: &OrderId| read::order_id(ids, version, *order);
    let prolonged = Prolonged {
        order_id: orders.first().map(named).ok_or(Stop::Unknown)?,
        order_ids: (version == Version::V2).then(|| orders.iter().map(named).collect()),
        total: amount(bill.quote.total),
        list_base_order_numbers: orders
            .iter()
            .map(|order| order_number::base(ids, version, *order))
            .collect(),
        balance: amount(bill.balance_after),
    };
    Ok(Done::once_or_again(&prolonged, replayed))
}

/// A refusal to prolong. Where the balance is short, the price is told with it, as it was for the
/// decision.
async fn declined_stop(asked: &Asked<'_>, extend: &Extend, declined: Declined) -> Stop {
    let (Refusal::InsufficientFunds { missing }, Some(balance)) =
        (&declined.refusal, declined.balance)
    else {
        return declined.stop(asked);
    };
    let Ok(Prospect { catalogue, quoted, proxies }) = asked.app.engine.prospect(extend).await
    else {
        return declined.stop(asked);
    };
    let Ok(quote) = quoted.result else { return declined.stop(asked) };
    let quote = quote.when_short(balance, *missing);
    let calculated = calculated(asked, &quote, Means::Wallet, &catalogue, &proxies);
    let mut stop = unpaid(asked, &calculated, &calculated.warning);
    if let Stop::Refused(refused) = &mut stop {
        refused.replayed = declined.replayed;
        if asked.version == Version::V2 {
            refused.problems = vec![Problem::new("Insufficient funds on balance", 16)];
        }
    }
    stop
}

/// The price, or why there is none.
pub(super) fn priced(asked: &Asked<'_>, quoted: Quoted) -> Result<Quote, Stop> {
    let Quoted { result, balance } = quoted;
    result.map_err(|refusal| Stop::refused_with(asked, &refusal, balance))
}

/// The shop's words for what is asked, and with what it is paid.
async fn wish(asked: &Asked<'_>) -> Result<(Extend, Means), Stop> {
    let request = ProlongRequest::read(&asked.body)?;
    let Chosen { kind, leases, among } = select::chosen(asked, &request).await?;
    let (kind, promo) = (Some(kind), read::coupon(&request.coupon));
    let period = read::period(&request.period_code, &request.period_id);
    let customer = asked.customer();
    let means = paid_by(asked, &request, false)?;
    Ok((Extend { customer, kind, leases, among, period, promo }, means))
}

pub(super) fn paid_by(
    asked: &Asked<'_>,
    request: &ProlongRequest,
    required: bool,
) -> Result<Means, Stop> {
    let ProlongRequest { payment_id: id, payment_code: code, subscription_id: card, .. } = request;
    payment::Said { id, code, card }.means(asked, required)
}

/// How many orders these are of.
pub(super) fn orders(proxies: &[Proxy]) -> u32 {
    let orders: BTreeSet<_> = proxies.iter().map(|proxy| proxy.lease.order).collect();
    u32::try_from(orders.len()).unwrap_or(u32::MAX)
}

fn calculated(
    asked: &Asked<'_>,
    quote: &Quote,
    means: Means,
    catalogue: &Catalogue,
    proxies: &[Proxy],
) -> ProlongCalculated {
    ProlongCalculated {
        warning: warning(quote, means),
        balance: amount(quote.balance),
        total: amount(quote.total),
        quantity: quote.lines.iter().map(|line| line.quantity).sum(),
        currency: quote.total.currency().code().to_owned(),
        discount: share(quote.discount),
        price: price(quote.unit_after_discounts()),
        orders: orders(proxies),
        items: items(asked, catalogue, proxies),
    }
}

/// Proxies as they are listed with a price.
pub(super) fn items(
    asked: &Asked<'_>,
    catalogue: &Catalogue,
    proxies: &[Proxy],
) -> Vec<ProlongItem> {
    proxies.iter().map(|proxy| item(asked, catalogue, proxy)).collect()
}

fn item(asked: &Asked<'_>, catalogue: &Catalogue, proxy: &Proxy) -> ProlongItem {
    let (ids, version) = (asked.app.engine.public_ids(), asked.version);
    let shown = Shown::of(asked.app, catalogue, proxy);
    let lease = &proxy.lease;
    ProlongItem {
        id: read::lease_id(ids, version, lease.id),
        order_id: read::order_id(ids, version, lease.order),
        order_number: order_number::of(ids, version, proxy),
        base_order_number: order_number::base(ids, version, lease.order),
        ip: shown.ip().into_owned(),
        port_http: shown.port_http,
        port_socks: shown.port_socks,
        login: shown.login.to_owned(),
        password: shown.password.to_owned(),
        auth_ip: shown.auth_ip,
        country: lease.product.country.name().to_owned(),
        date_start: date(lease.starts_at).moment(),
        date_end: date(lease.ends_at).moment(),
        comment: lease.comment.clone().unwrap_or_default(),
        status: "ACTIVE".to_owned(),
        rotation: shown.rotation,
        link_reboot: shown.link_reboot.into_owned(),
        can_prolong: true,
    }
}
