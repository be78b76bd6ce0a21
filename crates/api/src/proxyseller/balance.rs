//! `GET balance/get`, `POST balance/add`, `GET balance/payments/list`

use domain::money::Money;
use domain::refusal::Refusal;
use engine::wallet::{Place, Way};
use wire::lenient::Field;
use wire::proxyseller::balance::{AddRequest, Added, Balance};
use wire::proxyseller::id::Id;
use wire::proxyseller::reference::{Items, Named};

use super::money::amount;
use super::stop::{Done, Stop};
use super::{Asked, Version, choices};

/// What is in the wallet.
pub(super) fn show(asked: &Asked<'_>) -> Result<Done, Stop> {
    let balance = asked.app.engine.balance(asked.customer())?;
    let balance = balance.ok_or_else(|| Stop::refused(asked, &Refusal::Suspended))?;
    Ok(Done::new(&Balance { summ: amount(balance) }))
}

/// The ways to pay into the wallet. The wallet itself is none.
pub(super) fn systems(asked: &Asked<'_>) -> Result<Done, Stop> {
    let ways = asked.app.engine.ways_to_pay(asked.caller.customer.currency);
    let named = |way: &Way| Named { id: system(asked.version, way), name: way.title.to_owned() };
    Ok(Done::new(&Items { items: ways.iter().map(named).collect::<Vec<_>>() }))
}

fn system(version: Version, way: &Way) -> Id {
    Id::Text(match version {
        Version::V1 => way.number.to_string(),
        Version::V2 => choices::payment_system(way.number),
    })
}

/// Begins a payment into the wallet, and says where it is made.
pub(super) async fn add(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AddRequest::read(&asked.body)?;
    let engine = &asked.app.engine;
    let currency = asked.caller.customer.currency;
    let unknown = || Stop::said("Set existed [paymentId]", "unknown-means");
    let name = request.payment_id.given().ok_or_else(unknown)?;
    let ways = engine.ways_to_pay(currency);
    let called = |way: &&Way| {
        *name == way.number.to_string() || *name == choices::payment_system(way.number)
    };
    let way = ways.iter().find(called).ok_or_else(unknown)?;
    let summ = match &request.summ {
        Field::Given(summ) => summ.to_minor(currency.decimals()),
        Field::Absent | Field::Bad => None,
    };
    let summ = summ.map(|minor| Money::from_minor(minor, currency));
    let begun = engine.top_up(asked.customer(), summ, way.name).await?;
    let (_, place) = begun.map_err(|refusal| match refusal {
        Refusal::UnknownMeans => unknown(),
        refusal => Stop::refused(asked, &refusal),
    })?;
    let url = match place {
        Place::Path(path) => format!("{}{path}", asked.app.settings.base_url),
        Place::Url(url) => url,
    };
    Ok(Done::new(&Added { url }))
}
