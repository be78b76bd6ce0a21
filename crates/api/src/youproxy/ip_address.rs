//! `GET /ipAddress` and `GET /ipAddress/page`

mod page;
mod shown;
mod stream;

use axum::body::Body;
use wire::youproxy::ip_address::Page;

use self::shown::Orders;
use self::stream::Listing;
use super::form::Form;
use super::stop::{Done, Stop};
use super::{Asked, read};
use crate::pieces;
use crate::youproxy::call::Call;

/// How many leases are read at once. A longer list is sent in pieces of so many.
const CHUNK: u32 = 500;

/// The form in which a list is refused: that of the list which was asked for, as far as that can
/// be told.
pub(super) fn form(call: Call, query: &str) -> Form {
    let only = read::kind_in(query).ok().flatten().map(read::proxy_type);
    let page = match page::asked(call, query) {
        Ok(page) => page.map(|asked| Page { total_pages: 0, total_elements: 0, ..asked }),
        Err(_) => Some(Form::FIRST_PAGE),
    };
    Form::Listing { only, page }
}

/// The live leases, of one kind or all, whole or by pages.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let kind = read::kind_in(asked.query)?;
    match page::asked(asked.call, asked.query)? {
        Some(page) => one_page(asked, kind, page).await,
        None => all(asked, kind).await,
    }
}

async fn all(asked: &Asked<'_>, kind: Option<domain::kind::ProxyKind>) -> Result<Done, Stop> {
    let engine = &asked.app.engine;
    let walk = engine.walk(asked.customer(), kind);
    // The first piece is read before the status is sent, so that a fault can still be told.
    let (proxies, rest) = engine.step(walk, CHUNK).await?;
    let mut out = Vec::with_capacity(64 + proxies.len() * 512);
    let mut orders = Orders::begin(asked.app, kind.map(read::proxy_type), &mut out);
    orders.add(proxies, &mut out);
    let rest = match rest {
        None => {
            orders.end(None, &mut out);
            None
        }
        Some(walk) => Some(Listing { app: asked.app.clone(), orders, walk }),
    };
    Ok(Done { body: pieces::body(out, rest), replayed: false })
}

async fn one_page(
    asked: &Asked<'_>,
    kind: Option<domain::kind::ProxyKind>,
    page: Page,
) -> Result<Done, Stop> {
    let size = u32::try_from(page.size).unwrap_or(u32::MAX);
    let offset = page.page.saturating_mul(page.size);
    let found = asked.app.engine.page(asked.customer(), kind, offset, size).await?;
    let page =
        Page { total_pages: found.total.div_ceil(page.size), total_elements: found.total, ..page };
    let mut out = Vec::with_capacity(64 + found.proxies.len() * 512);
    let mut orders = Orders::begin(asked.app, kind.map(read::proxy_type), &mut out);
    orders.add(found.proxies, &mut out);
    orders.end(Some(page), &mut out);
    Ok(Done { body: Body::from(out), replayed: false })
}
