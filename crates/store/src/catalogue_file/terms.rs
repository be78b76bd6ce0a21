//! The terms of kinds, and the mobile operators.

use domain::catalogue::{MobileOperator, Terms};
use domain::kind::ProxyKind;
use domain::limits::Limits;
use domain::money::Percent;
use domain::order::PlaceOrder;
use domain::period::Period;
use domain::ports::PortRules;
use domain::product::is_tag;
use domain::time::Span;
use toml::Spanned;

use super::check::{ascending, country};
use super::limits::limits;
use super::place::{Fault, Read};
use super::ports::ports;
use super::raw;

/// The longest lead, reserve and rest: a year.
const HOURS_MAX: u32 = 366 * 24;
/// The longest wait between two tries of an extension: a week.
const RETRY_MINUTES_MAX: u32 = 7 * 24 * 60;
/// The longest time between two rotations: a day.
const ROTATION_SECONDS_MAX: u32 = 86_400;

/// The terms of `kind`.
pub(super) fn terms(kind: ProxyKind, raw: &raw::Kind) -> Read<Terms> {
    let whose = format!("kind {kind}");
    let days = ascending(&whose, "period", &raw.periods, 1, Period::DAYS_MAX)?;
    let (quantity_min, quantity_max) = *raw.quantity.get_ref();
    if quantity_min == 0 || quantity_max < quantity_min || PlaceOrder::QUANTITY_MAX < quantity_max {
        let most = PlaceOrder::QUANTITY_MAX;
        let says = format!(
            "{whose}: quantity is the fewest and the most of an order within 1 to {most}, not \
             [{quantity_min}, {quantity_max}]"
        );
        return Err(Fault::at(&raw.quantity, says));
    }
    Ok(Terms {
        periods: days.into_iter().filter_map(Period::from_days).collect(),
        quantity_min,
        quantity_max,
        renew_lead: hours(&whose, "renew_lead_hours", raw.renew_lead_hours.as_ref(), 24)?,
        renew_retry: retry(&whose, raw.renew_retry_minutes.as_ref())?,
        cooling: hours(&whose, "cooling_hours", raw.cooling_hours.as_ref(), 24)?,
        volume_discounts: steps(&whose, "volume_discounts", &raw.volume_discounts)?,
        period_discounts: steps(&whose, "period_discounts", &raw.period_discounts)?,
        limits: limits(&whose, &raw.limits, Limits::default())?,
        ports: ports(
            &whose,
            raw.allow_ports.as_ref(),
            raw.deny_ports.as_ref(),
            &PortRules::default(),
        )?,
    })
}

/// How long addresses of `kind` are kept for their last customers, unless their product differs. A
/// modem is not kept: its slot is worth most when it works.
pub(super) fn reserve(kind: ProxyKind, raw: &raw::Kind) -> Read<Span> {
    let usual = if kind == ProxyKind::Mobile { 0 } else { 24 };
    hours(&format!("kind {kind}"), "reserve_hours", raw.reserve_hours.as_ref(), usual)
}

/// A mobile operator.
pub(super) fn operator(raw: &raw::Operator) -> Read<MobileOperator> {
    let tag = raw.tag.get_ref();
    if !is_tag(tag) {
        let says = format!("mobile operator {tag:?}: a tag is 1 to 32 of a-z, 0-9, - and _");
        return Err(Fault::at(&raw.tag, says));
    }
    let name = raw.name.get_ref().trim();
    if name.is_empty() || name.chars().count() > 64 {
        let says = format!("mobile operator {tag}: a name has 1 to 64 letters");
        return Err(Fault::at(&raw.name, says));
    }
    let whose = format!("mobile operator {tag}");
    let times = &raw.rotation_seconds;
    Ok(MobileOperator {
        tag: tag.clone(),
        name: name.to_owned(),
        country: country(&raw.country)?,
        rotation_seconds: ascending(&whose, "rotation time", times, 0, ROTATION_SECONDS_MAX)?,
    })
}

/// A span of whole hours.
pub(super) fn hours(
    whose: &str,
    what: &str,
    hours: Option<&Spanned<u32>>,
    usual: u32,
) -> Read<Span> {
    let value = hours.map_or(usual, |hours| *hours.get_ref());
    match hours {
        Some(place) if HOURS_MAX < value => {
            Err(Fault::at(place, format!("{whose}: {what} is at most {HOURS_MAX}, not {value}")))
        }
        _ => Ok(Span::from_hours(value)),
    }
}

fn retry(whose: &str, minutes: Option<&Spanned<u32>>) -> Read<Span> {
    let Some(place) = minutes else { return Ok(Span::HOUR) };
    let value = *place.get_ref();
    if !(1..=RETRY_MINUTES_MAX).contains(&value) {
        let says =
            format!("{whose}: renew_retry_minutes is within 1 to {RETRY_MINUTES_MAX}, not {value}");
        return Err(Fault::at(place, says));
    }
    Ok(Span::from_minutes(value))
}

/// Shares by the count from which they are taken off, ascending by number, not by text.
fn steps(whose: &str, what: &str, raw: &raw::Steps) -> Read<Vec<(u32, Percent)>> {
    let mut steps: Vec<(u32, Percent)> = Vec::new();
    for (from, share) in raw {
        let text = from.get_ref();
        let count = text.parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(|| {
            Fault::at(from, format!("{whose}: {what} start at a whole number, not {text:?}"))
        })?;
        if steps.iter().any(|(earlier, _)| *earlier == count) {
            return Err(Fault::at(from, format!("{whose}: {what} say {count} twice")));
        }
        let written = &share.get_ref().0;
        let share = Percent::parse(written).ok_or_else(|| {
            let says = format!(
                "{whose}: {what} from {count} on are per cent from \"0\" to \"100\", with at most \
                 two decimals, not {written:?}"
            );
            Fault::at(share, says)
        })?;
        steps.push((count, share));
    }
    steps.sort_unstable();
    Ok(steps)
}
