//! `POST prolong/calc/{type}` and `POST prolong/make/{type}`

mod select;

use std::collections::BTreeSet;

use domain::command::Wish;
use domain::extend::Extend;
use domain::journal::Event;
use domain::money::Money;
use domain::pricing::Quote;
use domain::proxy::Proxy;
use domain::refusal::Refusal;
use wire::proxyseller::envelope::Problem;
use wire::proxyseller::prolong::{ProlongCalculated, ProlongItem, ProlongRequest, Prolonged};

use super::money::{amount, price, share, shortage};
use super::order::unpaid;
use super::shown::{Shown, date};
use super::stop::{Declined, Done, Stop, decided};
use super::{Asked, Version, offer, order_number, payment, read, resident};
use crate::spend::spend;

/// What a prolongation would cost.
pub(super) async fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let extend = wish(asked).await?;
    let (quoted, leases) = asked.app.engine.quote_extension_of(&extend)?;
    select::check_section(asked, &extend, &leases)?;
    let refused = |refusal| Stop::refused_with(asked, &refusal, quoted.balance);
    let quote = quoted.result.map_err(refused)?;
    let leases: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    let proxies = asked.app.engine.proxies_of(asked.customer(), &leases).await?;
    let calculated = calculated(asked, &quote, &proxies);
    if quote.shortfall().is_some() {
        return Err(unpaid(asked, &calculated, &calculated.warning));
    }
    Ok(Done::new(&calculated))
}

/// Prolongs.
pub(super) async fn carry_out(asked: &Asked<'_>) -> Result<Done, Stop> {
    let extend = wish(asked).await?;
    let idempotency = asked.idempotency()?;
    let (_, leases) = asked.app.engine.quote_extension_of(&extend)?;
    select::check_section(asked, &extend, &leases)?;
    let app = asked.app;
    let wish = Wish::Extend(extend.clone());
    let decision = spend(&app.engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let decided = match decided(decision) {
        Ok(decided) => decided,
        Err(declined) => return Err(declined_stop(asked, &extend, declined).await),
    };
    let Event::Extension { bill, leases, .. } = decided.event else { return Err(Stop::Unknown) };
    let leases = leases.iter().map(|moved| moved.lease);
    let orders = app.engine.orders_of(asked.customer(), leases).map_err(|_| Stop::Unknown)?;
    let (ids, version) = (app.engine.public_ids(), asked.version);
    let named = |order: &domain::ids::OrderId| read::order_id(ids, version, *order);
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
    Ok(Done::once_or_again(&prolonged, decided.replayed))
}

/// A refusal to prolong. Where the balance is short, the price is told with it, as it was for the
/// decision.
async fn declined_stop(asked: &Asked<'_>, extend: &Extend, declined: Declined) -> Stop {
    let (Refusal::InsufficientFunds { missing }, Some(balance)) =
        (&declined.refusal, declined.balance)
    else {
        return declined.stop(asked);
    };
    let total = Money::from_minor(balance.minor() + missing.minor(), balance.currency());
    let Ok((quoted, leases)) = asked.app.engine.quote_extension_of(extend) else {
        return declined.stop(asked);
    };
    let leases: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    let proxies = asked.app.engine.proxies_of(asked.customer(), &leases).await;
    let (Ok(quote), Ok(proxies)) = (quoted.result, proxies) else {
        return declined.stop(asked);
    };
    let quote = Quote { total, balance, ..quote };
    let calculated = calculated(asked, &quote, &proxies);
    let mut stop = unpaid(asked, &calculated, &calculated.warning);
    if let Stop::Refused(refused) = &mut stop {
        refused.replayed = declined.replayed;
        if asked.version == Version::V2 {
            refused.problems = vec![Problem::new("Insufficient funds on balance", 16)];
        }
    }
    stop
}

/// The shop's words for what is asked.
async fn wish(asked: &Asked<'_>) -> Result<Extend, Stop> {
    let unknown = || Stop::refused(asked, &Refusal::UnknownKind);
    let section = asked.section()?.ok_or_else(unknown)?;
    let kind = offer::kind(section).ok_or_else(resident::not_prolonged)?;
    let request = ProlongRequest::read(&asked.body)?;
    payment::check(asked.version, &request.payment_id, &request.payment_code, false)?;
    let catalogue = asked.app.engine.catalogue();
    let code = read::either(&request.period_code, &request.period_id).given();
    Ok(Extend {
        customer: asked.customer(),
        kind: Some(kind),
        leases: select::selection(asked, section, kind, &request).await?,
        period_days: code.and_then(|code| read::period_days(code, catalogue.periods(kind))),
        promo: read::coupon(&request.coupon),
    })
}

fn calculated(asked: &Asked<'_>, quote: &Quote, proxies: &[Proxy]) -> ProlongCalculated {
    let missing = quote.shortfall();
    let orders: BTreeSet<_> = proxies.iter().map(|proxy| proxy.lease.order).collect();
    ProlongCalculated {
        warning: missing.map_or_else(String::new, |missing| shortage(quote.balance, missing)),
        balance: amount(quote.balance),
        total: amount(quote.total),
        quantity: quote.lines.iter().map(|line| line.quantity).sum(),
        currency: quote.total.currency().code().to_owned(),
        discount: share(quote.discount),
        price: price(quote.unit_after_discounts()),
        orders: u32::try_from(orders.len()).unwrap_or(u32::MAX),
        items: proxies.iter().map(|proxy| item(asked, proxy)).collect(),
    }
}

fn item(asked: &Asked<'_>, proxy: &Proxy) -> ProlongItem {
    let (ids, version) = (asked.app.engine.public_ids(), asked.version);
    let shown = Shown::of(asked.app, &asked.app.engine.catalogue(), proxy);
    let lease = &proxy.lease;
    ProlongItem {
        id: read::lease_id(ids, version, lease.id),
        order_id: read::order_id(ids, version, lease.order),
        order_number: order_number::of(ids, version, proxy),
        base_order_number: order_number::base(ids, version, lease.order),
        ip: shown.ip,
        port_http: shown.port_http,
        port_socks: shown.port_socks,
        login: shown.login,
        password: shown.password,
        auth_ip: shown.auth_ip,
        country: lease.product.country.name().to_owned(),
        date_start: date(lease.starts_at).moment(),
        date_end: date(lease.ends_at).moment(),
        comment: String::new(),
        status: "ACTIVE".to_owned(),
        rotation: shown.rotation,
        link_reboot: shown.link_reboot,
        can_prolong: true,
    }
}
