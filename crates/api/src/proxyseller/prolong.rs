//! `POST prolong/calc/{type}` and `POST prolong/make/{type}`

pub(super) mod select;

use std::collections::{BTreeMap, BTreeSet};

use domain::catalogue::Catalogue;
use domain::command::{Outcome, Wish};
use domain::extend::Extend;
use domain::ids::{LeaseId, OrderId};
use domain::journal::Event;
use domain::money::Money;
use domain::period::Period;
use domain::pricing::Quote;
use domain::proxy::Proxy;
use domain::refusal::Refusal;
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
    let Wanted { mut extend, code, means } = wanted(asked).await?;
    let seen = Seen::of(asked, &extend).await?;
    extend.period_days = read::period_days(code.as_deref(), seen.periods(&extend));
    let quote = seen.quote(asked, &extend)?;
    let calculated = calculated(asked, &quote, means, &seen);
    if !calculated.warning.is_empty() {
        return Err(unpaid(asked, &calculated, &calculated.warning));
    }
    Ok(Done::new(&calculated))
}

/// Prolongs.
pub(super) async fn carry_out(asked: &Asked<'_>) -> Result<Done, Stop> {
    let Wanted { mut extend, code, means } = wanted(asked).await?;
    let idempotency = asked.idempotency()?;
    let app = asked.app;
    let seen = app.engine.prospect(&extend)?;
    extend.period_days = read::period_days(code.as_deref(), periods(seen.catalogue(), &extend));
    let leases = seen.leases(&extend);
    select::check_section(asked, &extend.leases, leases.iter().copied())?;
    let orders: BTreeMap<LeaseId, OrderId> =
        leases.iter().map(|lease| (lease.id, lease.order)).collect();
    let wish = Wish::Extend(extend.clone());
    let spent = spend_by(&app.engine, &app.spends, wish, means, idempotency, asked.delivery);
    let (outcome, replayed) = match decided(spent.await?) {
        Ok(decided) => decided,
        Err(declined) => return Err(declined_stop(asked, &extend, declined).await),
    };
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Extension { bill, leases, .. } = *event else { return Err(Stop::Unknown) };
    let orders = orders_of(asked, &orders, leases.iter().map(|moved| moved.lease))?;
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

/// The orders of leases that were prolonged, each once. They were `seen` before, unless it is what
/// a repetition was told.
fn orders_of(
    asked: &Asked<'_>,
    seen: &BTreeMap<LeaseId, OrderId>,
    leases: impl Iterator<Item = LeaseId>,
) -> Result<Vec<OrderId>, Stop> {
    let leases: Vec<LeaseId> = leases.collect();
    let known: Option<Vec<OrderId>> = leases.iter().map(|id| seen.get(id).copied()).collect();
    match known {
        Some(orders) => {
            let mut told = BTreeSet::new();
            Ok(orders.into_iter().filter(|order| told.insert(*order)).collect())
        }
        None => {
            let orders = asked.app.engine.orders_of(asked.customer(), leases);
            orders.map_err(|_| Stop::Unknown)
        }
    }
}

/// A refusal to prolong. Where the balance is short, the price is told with it, as it was for the
/// decision.
async fn declined_stop(asked: &Asked<'_>, extend: &Extend, declined: Declined) -> Stop {
    let declined = Declined { refusal: select::refusal(asked, declined.refusal), ..declined };
    let (Refusal::InsufficientFunds { missing }, Some(balance)) =
        (&declined.refusal, declined.balance)
    else {
        return declined.stop(asked);
    };
    let total = Money::from_minor(balance.minor() + missing.minor(), balance.currency());
    let Ok(seen) = Seen::of(asked, extend).await else { return declined.stop(asked) };
    let Ok(quote) = seen.quote(asked, extend) else { return declined.stop(asked) };
    let quote = Quote { total, balance, ..quote };
    let calculated = calculated(asked, &quote, Means::Wallet, &seen);
    let mut stop = unpaid(asked, &calculated, &calculated.warning);
    if let Stop::Refused(refused) = &mut stop {
        refused.replayed = declined.replayed;
        if asked.version == Version::V2 {
            refused.problems = vec![Problem::new("Insufficient funds on balance", 16)];
        }
    }
    stop
}

/// What a prolongation would meet.
pub(super) struct Seen {
    prospect: Prospect,
    /// The proxies that it is for, in the order in which they were named; none if there is a problem
    /// with them.
    pub(super) proxies: Vec<Proxy>,
}

impl Seen {
    /// Looks at what `extend` names. What else it says may still be read.
    pub(super) async fn of(asked: &Asked<'_>, extend: &Extend) -> Result<Seen, Stop> {
        let (prospect, proxies) = asked.app.engine.shown_prospect(extend).await?;
        let leases = prospect.leases(extend);
        select::check_section(asked, &extend.leases, leases.iter().copied())?;
        let mut by_id: BTreeMap<LeaseId, Proxy> =
            proxies.into_iter().map(|proxy| (proxy.lease.id, proxy)).collect();
        let proxies = leases.iter().filter_map(|lease| by_id.remove(&lease.id)).collect();
        Ok(Seen { prospect, proxies })
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        self.prospect.catalogue()
    }

    /// The periods on sale for what it is for.
    pub(super) fn periods(&self, extend: &Extend) -> &[Period] {
        periods(self.catalogue(), extend)
    }

    /// The price.
    pub(super) fn quote(&self, asked: &Asked<'_>, extend: &Extend) -> Result<Quote, Stop> {
        let quoted = self.prospect.quote(extend);
        let refused =
            |refusal| Stop::refused_with(asked, &select::refusal(asked, refusal), quoted.balance);
        quoted.result.map_err(refused)
    }

    /// The proxies as the dialect shows them.
    pub(super) fn items(&self, asked: &Asked<'_>) -> Vec<ProlongItem> {
        self.proxies.iter().map(|proxy| item(asked, self.catalogue(), proxy)).collect()
    }

    /// How many orders they are of.
    pub(super) fn orders(&self) -> u32 {
        let orders: BTreeSet<_> = self.proxies.iter().map(|proxy| proxy.lease.order).collect();
        u32::try_from(orders.len()).unwrap_or(u32::MAX)
    }
}

fn periods<'c>(catalogue: &'c Catalogue, extend: &Extend) -> &'c [Period] {
    extend.kind.map_or(&[], |kind| catalogue.periods(kind))
}

/// What is asked for.
struct Wanted {
    /// In the shop's words, but for the period.
    extend: Extend,
    /// The code of the period, which is looked up among those on sale.
    code: Option<String>,
    /// With what it is paid.
    means: Means,
}

async fn wanted(asked: &Asked<'_>) -> Result<Wanted, Stop> {
    let request = ProlongRequest::read(&asked.body)?;
    let Chosen { kind, leases } = select::chosen(asked, &request).await?;
    let means = paid_by(asked, &request, false)?;
    let promo = read::coupon(&request.coupon);
    let customer = asked.customer();
    let extend = Extend { customer, kind: Some(kind), leases, period_days: None, promo };
    Ok(Wanted { extend, code: period_code(&request).map(str::to_owned), means })
}

/// The code of a period, under either name.
pub(super) fn period_code(request: &ProlongRequest) -> Option<&str> {
    read::either(&request.period_code, &request.period_id).given().map(String::as_str)
}

pub(super) fn paid_by(
    asked: &Asked<'_>,
    request: &ProlongRequest,
    required: bool,
) -> Result<Means, Stop> {
    let ProlongRequest { payment_id: id, payment_code: code, subscription_id: card, .. } = request;
    payment::Said { id, code, card }.means(asked, required)
}

fn calculated(asked: &Asked<'_>, quote: &Quote, means: Means, seen: &Seen) -> ProlongCalculated {
    ProlongCalculated {
        warning: warning(quote, means),
        balance: amount(quote.balance),
        total: amount(quote.total),
        quantity: quote.lines.iter().map(|line| line.quantity).sum(),
        currency: quote.total.currency().code().to_owned(),
        discount: share(quote.discount),
        price: price(quote.unit_after_discounts()),
        orders: seen.orders(),
        items: seen.items(asked),
    }
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
        ip: shown.ip,
        port_http: shown.port_http,
        port_socks: shown.port_socks,
        login: shown.login,
        password: shown.password,
        auth_ip: shown.auth_ip,
        country: lease.product.country.name().to_owned(),
        date_start: date(lease.starts_at).moment(),
        date_end: date(lease.ends_at).moment(),
        comment: lease.comment.clone().unwrap_or_default(),
        status: "ACTIVE".to_owned(),
        rotation: shown.rotation,
        link_reboot: shown.link_reboot,
        can_prolong: true,
    }
}
