//! `GET order/list`, of v2: purchases and prolongations, as the journal has them.

mod asked_for;

use std::sync::Arc;

use domain::ids::EntryId;
use engine::purchases::Purchase;
use wire::proxyseller::envelope::{HEAD, TAIL};
use wire::proxyseller::order_list::{Metadata, OrderItem, OrderPart, head};

use super::shown::date;
use super::stop::{Done, Stop};
use super::{Asked, Version, basket, money, order_number};
use crate::app::App;
use crate::pieces::{self, Pieces, Step};

/// How many purchases are read at once. A longer list is sent in pieces of so many.
const CHUNK: usize = 100;

/// The purchases that are asked for.
pub(super) async fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let engine = &asked.app.engine;
    let mut found = match asked_for::filter(asked) {
        Some(filter) => engine.purchases(asked.customer(), filter).await?,
        None => Vec::new(),
    };
    asked_for::sort(asked.query, &mut found);
    let total = found.len() as u64;
    let (page, limit) = asked_for::page(asked.query);
    let metadata = Metadata {
        total_orders: total,
        total_pages: limit.map_or(1, |limit| total.div_ceil(limit).max(1)),
        current_page: page,
        current_limit: limit.unwrap_or(0),
    };
    let skipped = limit.map_or(0, |limit| (page - 1).saturating_mul(limit));
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let shown = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let entries = found.iter().skip(skipped).take(shown).map(|found| found.entry);
    let rest = Rest {
        app: asked.app.clone(),
        customer: asked.customer(),
        entries: entries.collect(),
        done: 0,
        out: format!("{HEAD}{}", head(metadata)).into_bytes(),
    };
    let (first, rest) = rest.step().await?;
    Ok(Done::streamed(pieces::body(first, rest)))
}

/// What is left to be read and printed.
struct Rest {
    app: Arc<App>,
    customer: domain::ids::CustomerId,
    entries: Vec<EntryId>,
    /// How many of them are printed.
    done: usize,
    out: Vec<u8>,
}

impl Pieces for Rest {
    fn step(mut self) -> Step<Rest> {
        Box::pin(async move {
            let until = self.entries.len().min(self.done + CHUNK);
            let chunk = self.entries[self.done..until].to_vec();
            let mut out = std::mem::take(&mut self.out);
            for (index, purchase) in
                self.app.engine.purchases_of(self.customer, chunk).await?.iter().enumerate()
            {
                if self.done + index > 0 {
                    out.push(b',');
                }
                let item = item(&self.app, purchase);
                serde_json::to_writer(&mut out, &item).expect("texts can be written");
            }
            self.done = until;
            if self.done < self.entries.len() {
                return Ok((out, Some(self)));
            }
            out.extend_from_slice(b"]}");
            out.extend_from_slice(TAIL.as_bytes());
            Ok((out, None))
        })
    }
}

fn item(app: &App, purchase: &Purchase) -> OrderItem {
    const V2: Version = Version::V2;
    let ids = app.engine.public_ids();
    let order = purchase.parts[0].order;
    let base = order_number::base(ids, V2, order);
    let yes = |yes| if yes { "Y" } else { "N" }.to_owned();
    // An order has the number that it is known by everywhere, a prolongation its own.
    let (id, order_number) = if purchase.is_extension {
        let prolonged = order_number::prolonged(ids, V2, order, purchase.ends_at);
        (ids.entry_number(purchase.entry), prolonged)
    } else {
        (ids.order_number(order), base.clone())
    };
    let at = date(purchase.at).iso();
    OrderItem {
        id: id.to_string(),
        order_id: ids.order(order),
        order_number,
        base_order_number: base,
        summ: money::text(purchase.total),
        status: "Paid".to_owned(),
        status_type: asked_for::PAID.to_owned(),
        auto_order: yes(purchase.auto_extends),
        is_extend: yes(purchase.is_extension),
        date_insert: at.clone(),
        date_payed: Some(at),
        items: purchase
            .parts
            .iter()
            .map(|part| OrderPart {
                order_part_id: basket::name(ids, V2, part.order, part.product.country),
                order_id: ids.order(part.order),
                base_order_number: order_number::base(ids, V2, part.order),
                country_alpha3: part.product.country.alpha3().to_owned(),
                quantity: part.quantity,
                price: money::text(part.price),
            })
            .collect(),
    }
}
