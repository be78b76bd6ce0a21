//! `GET auth/list`, `POST auth/add`, `auth/add/ip`, `auth/change` and `auth/active`, and
//! `DELETE auth/delete`

use std::net::IpAddr;

use domain::access::Access;
use domain::authorisation::Authorised;
use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Outcome, Wish};
use domain::ids::AuthorisationId;
use domain::journal::Event;
use domain::refusal::Refusal;
use engine::fault::Fault;
use wire::lenient::Field;
use wire::proxyseller::auth::{AuthAddRequest, AuthChangeRequest, AuthItem, Deleted};
use wire::proxyseller::envelope::{HEAD, TAIL};

use super::stop::{Done, Stop, decided};
use super::{Asked, order_number};
use crate::spend::spend;

/// How many are read at once.
const CHUNK: u32 = 500;

/// Who may use what, as one flat list.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let mut out = HEAD.as_bytes().to_vec();
    out.push(b'[');
    let (mut after, mut first) = (None, true);
    loop {
        let found = asked.app.engine.authorisations(asked.customer(), None, after, CHUNK).await?;
        for one in &found {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            serde_json::to_writer(&mut out, &item(asked, one)).expect("it is written into memory");
        }
        match found.last() {
            Some(last) if found.len() >= CHUNK as usize => {
                after = Some((last.authorisation.order, last.authorisation.id));
            }
            _ => break,
        }
    }
    out.push(b']');
    out.extend_from_slice(TAIL.as_bytes());
    Ok(Done::written(out))
}

/// Lets somebody use an order's proxies by a login and password: the usual pair, or a new one.
pub(super) async fn add(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AuthAddRequest::read(&asked.body)?;
    let by = match request.generate_auth {
        Field::Absent | Field::Given(false) => AuthoriseBy::Usual,
        Field::Given(true) => AuthoriseBy::Own,
        Field::Bad => return Err(Stop::said("Set existed [generateAuth]", "unknown-access")),
    };
    authorise(asked, &request, by).await
}

/// Lets an address use an order's proxies.
pub(super) async fn add_ip(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AuthAddRequest::read(&asked.body)?;
    let ip = request.ip.given().and_then(|ip| ip.parse::<IpAddr>().ok());
    authorise(asked, &request, AuthoriseBy::SourceIp(ip)).await
}

async fn authorise(
    asked: &Asked<'_>,
    request: &AuthAddRequest,
    by: AuthoriseBy,
) -> Result<Done, Stop> {
    let ids = asked.app.engine.public_ids();
    let order = request.order_number.given().and_then(|it| order_number::read(ids, it));
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|_| Fault::Broken)?;
    let wish = Wish::Authorise(Authorise { customer: asked.customer(), order, by, seed });
    told(asked, wish).await
}

/// Changes how somebody is known, or whether he is let in.
pub(super) async fn change(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AuthChangeRequest::read(&asked.body)?;
    let source = match &request.ip {
        Field::Absent => SourceWish::Kept,
        ip => {
            let ip = ip.given().and_then(|ip| ip.parse::<IpAddr>().ok());
            ip.map_or(SourceWish::Unreadable, SourceWish::To)
        }
    };
    // A text that cannot be read is none that could be used.
    let text = |field: &Field<String>| match field {
        Field::Absent => None,
        field => Some(field.given().cloned().unwrap_or_default()),
    };
    let wish = ChangeAuthorisation {
        customer: asked.customer(),
        authorisation: named(asked, &request),
        active: active(&request)?,
        login: text(&request.login),
        password: text(&request.password),
        source,
    };
    told(asked, Wish::ChangeAuthorisation(wish)).await
}

/// Lets somebody in, or not any more; of v1.
pub(super) async fn activate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AuthChangeRequest::read(&asked.body)?;
    let active = active(&request)?.ok_or_else(no_switch)?;
    let wish = ChangeAuthorisation {
        customer: asked.customer(),
        authorisation: named(asked, &request),
        active: Some(active),
        login: None,
        password: None,
        source: SourceWish::Kept,
    };
    told(asked, Wish::ChangeAuthorisation(wish)).await
}

/// Lets somebody in no more, for good.
pub(super) async fn delete(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = AuthChangeRequest::read(&asked.body)?;
    let (customer, authorisation) = (asked.customer(), named(asked, &request));
    let wish = Wish::DeleteAuthorisation(DeleteAuthorisation { customer, authorisation });
    let (_, replayed) = changed(asked, wish).await?;
    Ok(Done::once_or_again(&Deleted { deleted: true }, replayed))
}

fn no_switch() -> Stop {
    Stop::said("Set existed [active]", "unknown-switch")
}

fn active(request: &AuthChangeRequest) -> Result<Option<bool>, Stop> {
    match request.active {
        Field::Absent => Ok(None),
        Field::Bad => Err(no_switch()),
        Field::Given(active) => Ok(Some(active)),
    }
}

fn named(asked: &Asked<'_>, request: &AuthChangeRequest) -> Option<AuthorisationId> {
    let ids = asked.app.engine.public_ids();
    request.id.given().and_then(|id| ids.read_authorisation(id))
}

/// Has a wish decided; says which authorisation it was about.
async fn changed(asked: &Asked<'_>, wish: Wish) -> Result<(AuthorisationId, bool), Stop> {
    let app = asked.app;
    let idempotency = asked.idempotency()?;
    let decision = spend(&app.engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let (outcome, replayed) = decided(decision).map_err(|declined| match declined.refusal {
        Refusal::UnknownOrder => declined.said(asked, "Set exists [orderNumber]"),
        Refusal::BadSourceIp => declined.said(asked, "Set existed [ip]"),
        _ => declined.stop(asked),
    })?;
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Authorisation { authorisation, .. } = *event else { return Err(Stop::Unknown) };
    Ok((authorisation, replayed))
}

/// Has a wish decided, and shows the authorisation as it is then.
async fn told(asked: &Asked<'_>, wish: Wish) -> Result<Done, Stop> {
    let (id, replayed) = changed(asked, wish).await?;
    let found = asked.app.engine.authorisation(asked.customer(), id).await;
    let found = found.map_err(|_| Stop::Unknown)?;
    // A repetition may come after it was deleted.
    let unknown = || Stop::refused(asked, &Refusal::UnknownAuthorisation);
    Ok(Done::once_or_again(&item(asked, &found.ok_or_else(unknown)?), replayed))
}

fn item(asked: &Asked<'_>, found: &Authorised) -> AuthItem {
    let ids = asked.app.engine.public_ids();
    let known = &found.authorisation;
    let (login, password, ip) = match &known.access {
        Access::Login(pair) => (Some(pair.login.clone()), Some(pair.password.clone()), None),
        Access::SourceIp(ip) => (None, None, Some(ip.to_string())),
    };
    AuthItem {
        id: ids.authorisation(known.id),
        active: known.active,
        login,
        password,
        ip,
        order_number: order_number::current(ids, asked.version, &found.order, found.ends_at),
    }
}
