//! `POST autoprolong/calc/{type}`, `enable/{type}` and `disable/{type}`

use domain::auto_extend::SetAutoExtend;
use domain::catalogue::Catalogue;
use domain::command::{Command, Outcome, Wish};
use domain::extend::Extend;
use domain::journal::Event;
use domain::lease::Lease;
use domain::period::{Period, PeriodWish};
use domain::proxy::Proxy;
use domain::time::Time;
use engine::batcher::Lane;
use engine::prospect::Prospect;
use wire::proxyseller::auto_prolong::{AutoProlongCalculated, AutoProlonged};
use wire::proxyseller::prolong::ProlongRequest;
use wire::proxyseller::section::Section;

use super::money::{amount, share};
use super::order::{unpaid, warning};
use super::prolong::select::{self, Chosen};
use super::prolong::{items, orders, paid_by, priced};
use super::shown::date;
use super::stop::{Done, Stop, decided};
use super::{Asked, payment, read, resident};
use crate::spend::Means;

/// What an automatic prolongation would cost now. No coupon is ever applied to one.
pub(super) async fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = ProlongRequest::read(&asked.body)?;
    let Chosen { kind, leases, among } = chosen(asked, &request).await?;
    let means = paid_by(asked, &request, true)?;
    let (customer, wish) =
        (asked.customer(), read::period(&request.period_code, &request.period_id));
    let extend = Extend { customer, kind: Some(kind), leases, among, period: wish, promo: None };
    let Prospect { catalogue, quoted, proxies } = asked.app.engine.prospect(&extend).await?;
    let quote = priced(asked, quoted)?;
    let period = wish.among(catalogue.periods(kind));
    let calculated = AutoProlongCalculated {
        warning: warning(&quote, means),
        balance: amount(quote.balance),
        total: amount(quote.total),
        quantity: quote.lines.iter().map(|line| line.quantity).sum(),
        currency: quote.total.currency().code().to_owned(),
        discount: share(quote.discount),
        orders: orders(&proxies),
        items: items(asked, &catalogue, &proxies),
        days: period.map_or(0, Period::days),
        tarif_id: None,
        charge_date: charge_date(&catalogue, &proxies, period),
        date_end: date_end(&proxies),
        payment_id: payment::name(means),
        auto_prolong: proxies.iter().all(|proxy| proxy.lease.auto_extend.is_some()),
    };
    if !calculated.warning.is_empty() {
        return Err(unpaid(asked, &calculated, &calculated.warning));
    }
    Ok(Done::new(&calculated))
}

/// Has proxies prolonged automatically.
pub(super) async fn enable(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = ProlongRequest::read(&asked.body)?;
    let Chosen { kind, leases, among } = chosen(asked, &request).await?;
    let means = paid_by(asked, &request, true)?;
    let card = match means {
        Means::Wallet => None,
        Means::Card(card) => Some(card),
    };
    let (customer, kind, period, on) = (
        asked.customer(),
        Some(kind),
        read::period(&request.period_code, &request.period_id),
        Some(true),
    );
    let set = SetAutoExtend { customer, kind, leases, among, period, on, card };
    switched(asked, set, Some(means)).await
}

/// Has them prolonged automatically no more.
pub(super) async fn disable(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = ProlongRequest::read(&asked.body)?;
    let Chosen { kind, leases, among } = chosen(asked, &request).await?;
    let (customer, kind, on) = (asked.customer(), Some(kind), Some(false));
    let period = PeriodWish::Missing;
    let set = SetAutoExtend { customer, kind, leases, among, period, on, card: None };
    switched(asked, set, None).await
}

/// What a request chooses; there is no package of traffic that it could be.
async fn chosen(asked: &Asked<'_>, request: &ProlongRequest) -> Result<Chosen, Stop> {
    if asked.section()? == Some(Section::Resident) {
        return Err(resident::not_offered());
    }
    select::chosen(asked, request).await
}

/// Switches it. `on` is with what it is paid, if it is switched on.
async fn switched(asked: &Asked<'_>, set: SetAutoExtend, on: Option<Means>) -> Result<Done, Stop> {
    let engine = &asked.app.engine;
    let command = Command::plain(Wish::SetAutoExtend(set));
    let decision = engine.submit(command, Lane::Request).await?;
    let (outcome, _) = decided(decision).map_err(|declined| declined.stop(asked))?;
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::AutoExtend { leases, period, .. } = *event else { return Err(Stop::Unknown) };
    let told = engine.proxies_of(asked.customer(), &leases).await.map_err(|_| Stop::Unknown)?;
    let (ids, version) = (engine.public_ids(), asked.version);
    let of = engine.orders_of(asked.customer(), leases.iter().copied());
    let of = of.map_err(|_| Stop::Unknown)?;
    let leases: Vec<_> = leases.iter().map(|it| read::lease_id(ids, version, *it)).collect();
    Ok(Done::new(&AutoProlonged {
        warning: String::new(),
        auto_prolong: on.is_some(),
        quantity: u32::try_from(leases.len()).unwrap_or(u32::MAX),
        ip_ids: leases.clone(),
        ids: leases,
        order_ids: of.iter().map(|order| read::order_id(ids, version, *order)).collect(),
        days: period.map(Period::days),
        payment_id: on.map(payment::name),
        charge_date: charge_date(&engine.catalogue(), &told, period),
        date_end: date_end(&told),
    }))
}

/// When the first of them would be paid for.
fn charge_date(catalogue: &Catalogue, proxies: &[Proxy], period: Option<Period>) -> Option<String> {
    let due = |lease: &Lease| {
        let lead = catalogue.terms(lease.product.kind)?.renew_lead;
        Lease { auto_extend: Some(period?), retry_at: None, ..lease.clone() }.next_due(lead)
    };
    earliest(proxies.iter().filter_map(|proxy| due(&proxy.lease)))
}

/// When the first of them ends.
fn date_end(proxies: &[Proxy]) -> Option<String> {
    earliest(proxies.iter().map(|proxy| proxy.lease.ends_at))
}

fn earliest(times: impl Iterator<Item = Time>) -> Option<String> {
    times.min().map(|time| date(time).sortable())
}
