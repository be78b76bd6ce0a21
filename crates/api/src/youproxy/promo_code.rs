//! `GET /promoCode`

use domain::promo::Promo;
use domain::time::Time;
use wire::youproxy::date::Date;
use wire::youproxy::promo_code::{PromoCode, PromoCodeAnswer};

use super::stop::{Done, Stop};
use super::{Asked, read};

/// The promo codes that the customer can use now, with how often he has.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let promos = asked.app.engine.promos(asked.customer())?;
    let shown = promos.into_iter().map(|(promo, used)| shown(promo, used)).collect();
    Ok(Done::new(&PromoCodeAnswer::listed(shown)))
}

fn shown(promo: Promo, used: u32) -> PromoCode {
    PromoCode {
        count_uses: used.into(),
        start_date: date(promo.starts_at),
        end_date: promo.ends_at.map(date),
        endless: promo.ends_at.is_none(),
        discount: read::percent(promo.discount),
        descriptions_by_locale: promo.descriptions.into_iter().collect(),
        code: promo.code,
    }
}

/// A moment as this dialect writes it.
pub(super) fn date(time: Time) -> Date {
    Date::from_milliseconds(time.millis()).expect("moments are between 1970 and 9999")
}
