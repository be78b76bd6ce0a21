//! `POST /extend/auto` and `POST /extend/order/auto`

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Outcome, Wish};
use domain::journal::Event;
use domain::period::PeriodWish;
use domain::select::{Among, Selection};
use engine::batcher::Lane;
use wire::lenient::Field;
use wire::youproxy::auto_extend::{AutoExtendAnswer, AutoExtendRequest, AutoExtended};

use super::form::Form;
use super::stop::{Done, Stop, decided};
use super::{Asked, read};

/// Turns automatic extension on or off.
pub(super) async fn set(asked: &Asked<'_>, form: &mut Form) -> Result<Done, Stop> {
    let request = AutoExtendRequest::read(&asked.body)?;
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let by_orders = asked.call.by_orders() || request.means_orders();
    *form = Form::AutoExtension { by_orders };
    let orders = by_orders.then(|| read::orders(ids, &request.order_ids));
    let leases = match &orders {
        Some(orders) => Selection::Orders(orders.clone()),
        None => read::leases(ids, &request.ip_address_ids),
    };
    let days = read::number(&request.rent_period_days);
    let kind = read::kind(&request.proxy_type);
    let wish = SetAutoExtend {
        customer: asked.customer(),
        kind,
        leases,
        among: Among::All,
        period: match (&request.rent_period_days, days) {
            (Field::Absent, _) => PeriodWish::Missing,
            (_, Some(days)) => PeriodWish::Days(days),
            (_, None) => PeriodWish::Unreadable,
        },
        on: request.auto_extend.given().copied(),
        card: None,
    };
    // Repeating it is harmless, so it needs no task of its own: it is in its lane at once, and
    // stays there if the client leaves.
    let command = Command::plain(Wish::SetAutoExtend(wish));
    let decision = engine.submit(command, Lane::Request).await?;
    let (outcome, balance, _) = decided(decision)?;
    let (Some(kind), Some(balance), Outcome::Done { event, .. }) = (kind, balance, outcome) else {
        return Err(Stop::Unknown);
    };
    let Event::AutoExtend { leases, .. } = *event else { return Err(Stop::Unknown) };
    let shown = |orders: Vec<_>| orders.into_iter().map(|order| ids.order(order)).collect();
    Ok(Done::new(&AutoExtendAnswer::changed(AutoExtended {
        proxy_type: read::proxy_type(kind),
        rent_period_days: days.unwrap_or(0),
        ip_address_ids: leases.into_iter().map(|lease| ids.lease(lease)).collect(),
        order_ids: orders.flatten().map(shown),
        account: read::account(balance),
    })))
}
