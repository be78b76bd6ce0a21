//! Lists of leases as their customers see them.
//!
//! A lease whose end has passed is not shown as live, even if the books have not noted the end yet.
//! There are few of those, and the index of what is due finds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::lease::{Lease, Standing};
use domain::order::Order;
use domain::product::ProductKey;
use domain::proxy::Proxy;
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::leases::{LEASE_COLUMNS, LEASE_PRODUCT, lease_columns, lease_of};
use super::orders::{self, order_columns, order_with_access};
use super::statements::statements;
use crate::chunks::{self, chunk, first_of};
use crate::encoding::corrupt;
use crate::records::ProxyFilter;
use crate::vault::Vault;
use crate::{Result, encoding};

statements! {
    LIVE = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
         FROM lease JOIN address ON address.id = lease.address_id
         WHERE lease.state = 0 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id >= ?3
         AND lease.ends_at_ms > ?4 ORDER BY lease.id LIMIT ?5"
    );
    RESERVED = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
         FROM lease JOIN address ON address.id = lease.address_id
         WHERE lease.state = 1 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id >= ?3
         AND lease.reserved_until_ms > ?4 ORDER BY lease.id LIMIT ?5"
    );
    /// Active by the books, but ended by the clock. What has ended is due, so the index of what is
    /// due finds these; the plus signs keep SQLite from walking all leases of the customer instead.
    UNNOTED = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
         FROM lease JOIN address ON address.id = lease.address_id
         WHERE lease.state < 2 AND lease.look_at_ms <= ?3 AND +lease.state = 0
         AND +lease.customer_id = ?1 AND +lease.kind = ?2 AND lease.ends_at_ms <= ?3"
    );
    UNNOTED_IDS = "SELECT id FROM lease WHERE state < 2 AND look_at_ms <= ?3 AND +state = 0
        AND +customer_id = ?1 AND +kind = ?2 AND ends_at_ms <= ?3";
    BY_ID = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port, address.modem,
         lease.reboot_epoch, ",
        order_columns!(), " FROM lease JOIN address ON address.id = lease.address_id
         JOIN ", order_with_access!(), " WHERE customer_order.id = lease.order_id
         AND lease.id = ?1 AND lease.customer_id = ?2 AND lease.state < 2"
    );
    COUNT = "SELECT COALESCE(SUM(live), 0) FROM lease_count WHERE customer_id = ?1 AND kind = ?2";
    CHUNKS = "SELECT chunk, live FROM lease_count WHERE customer_id = ?1 AND kind = ?2
        ORDER BY chunk";
    /// Reads the index alone.
    LIVE_IDS = "SELECT id FROM lease WHERE state = 0 AND customer_id = ?1 AND kind = ?2
        AND id >= ?3 ORDER BY id";
    NTH_LIVE_ID = "SELECT id FROM lease WHERE state = 0 AND customer_id = ?1 AND kind = ?2
        AND id >= ?3 ORDER BY id LIMIT 1 OFFSET ?4";
}

/// How many columns an address has in a list.
const ADDRESS_COLUMNS: usize = 5;

/// What lists are made from.
pub(super) struct Shelf<'a> {
    pub(super) connection: &'a Connection,
    pub(super) vault: &'a Vault,
    pub(super) now: Time,
    /// The orders read so far: leases of one follow each other.
    pub(super) orders: BTreeMap<OrderId, Arc<Order>>,
    /// The product read last, with its text: most leases of a customer are of few products.
    pub(super) product: Option<(String, ProductKey)>,
}

impl Shelf<'_> {
    /// See [`crate::Store::proxies`].
    pub(super) fn list(
        &mut self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        catalogue: &Catalogue,
    ) -> Result<Vec<Proxy>> {
        let from = after.map_or(LeaseId(0), |id| LeaseId(id.0 + 1));
        let mut proxies = Vec::new();
        for kind in ProxyKind::ALL {
            if filter.kind.is_some_and(|only| only != kind) {
                continue;
            }
            if filter.in_reserve {
                proxies.extend(self.page(RESERVED, customer, kind, from, limit)?);
                let mut unnoted = self.unnoted(customer, kind)?;
                unnoted.retain(|Proxy { lease, .. }| {
                    let standing = lease.standing(self.now, catalogue.reserve(&lease.product));
                    from <= lease.id && standing == Standing::InReserve
                });
                proxies.extend(unnoted);
            } else if proxies.is_empty() {
                proxies = self.page(LIVE, customer, kind, from, limit)?;
            } else {
                proxies.extend(self.page(LIVE, customer, kind, from, limit)?);
            }
        }
        proxies.sort_by_key(|proxy| proxy.lease.id);
        proxies.truncate(usize::try_from(limit).expect("it fits"));
        Ok(proxies)
    }

    /// See [`crate::Store::proxies_of`].
    pub(super) fn named(
        &mut self,
        customer: CustomerId,
        ids: &[LeaseId],
        catalogue: impl Fn() -> Result<Arc<Catalogue>>,
    ) -> Result<Vec<Proxy>> {
        let mut statement = self.connection.prepare_cached(BY_ID)?;
        let mut proxies = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = statement.query((id.0, customer.0))?;
            let Some(row) = rows.next()? else { continue };
            let lease = lease_of(row, 0, self.product(row, 0)?)?;
            // Only what has ended may be over, by how long it is kept.
            if lease.ends_at <= self.now
                && lease.standing(self.now, catalogue()?.reserve(&lease.product)) == Standing::Over
            {
                continue;
            }
            proxies.push(self.proxy(row, 0, lease)?);
        }
        proxies.sort_by_key(|proxy| proxy.lease.id);
        proxies.dedup_by_key(|proxy| proxy.lease.id);
        Ok(proxies)
    }

    /// See [`crate::Store::proxies_at`].
    ///
    /// Whole chunks before the page are skipped by their counts; what is left to skip are fewer
    /// neighbours than a chunk has, in the index.
    pub(super) fn list_at(
        &mut self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<Proxy>> {
        let hidden = self.unnoted_ids(customer, kind)?;
        let Some((chunk, left)) = self.skip_chunks(customer, kind, offset, &hidden)? else {
            return Ok(Vec::new());
        };
        let from = self.skip_leases(customer, kind, first_of(chunk), left, &hidden)?;
        from.map_or(Ok(Vec::new()), |from| self.page(LIVE, customer, kind, from, limit))
    }

    /// The chunk in which the `offset`-th lease is, and how many to skip in it; `None` if there are
    /// not so many.
    fn skip_chunks(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        hidden: &[LeaseId],
    ) -> Result<Option<(i64, u64)>> {
        let mut statement = self.connection.prepare_cached(CHUNKS)?;
        let values = (customer.0, encoding::kind_number(kind));
        let counts = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let counts = counts.map(|counted| {
            let (chunk, live) = counted?;
            Ok((chunk, encoding::small("lease_count.live", live)?))
        });
        chunks::skip(counts, offset, hidden)
    }

    /// The lease `left` behind the first one from `from` on.
    fn skip_leases(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        from: LeaseId,
        left: u64,
        hidden: &[LeaseId],
    ) -> Result<Option<LeaseId>> {
        let kind = encoding::kind_number(kind);
        if !hidden.iter().any(|id| chunk(*id) == chunk(from)) {
            let mut statement = self.connection.prepare_cached(NTH_LIVE_ID)?;
            let left = i64::try_from(left).expect("it is less than a chunk");
            let id = statement.query_row((customer.0, kind, from.0, left), |row| row.get(0));
            return Ok(id.optional()?.map(LeaseId));
        }
        let mut statement = self.connection.prepare_cached(LIVE_IDS)?;
        let mut rows = statement.query((customer.0, kind, from.0))?;
        let mut left = left;
        while let Some(row) = rows.next()? {
            let id = LeaseId(row.get(0)?);
            if hidden.contains(&id) {
                continue;
            }
            if left == 0 {
                return Ok(Some(id));
            }
            left -= 1;
        }
        Ok(None)
    }

    fn page(
        &mut self,
        statement: &str,
        customer: CustomerId,
        kind: ProxyKind,
        from: LeaseId,
        limit: u32,
    ) -> Result<Vec<Proxy>> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let kind = encoding::kind_number(kind);
        let values = (customer.0, kind, from.0, self.now.millis(), limit);
        self.collect(statement.query(values)?)
    }

    fn unnoted(&mut self, customer: CustomerId, kind: ProxyKind) -> Result<Vec<Proxy>> {
        let mut statement = self.connection.prepare_cached(UNNOTED)?;
        let values = (customer.0, encoding::kind_number(kind), self.now.millis());
        self.collect(statement.query(values)?)
    }

    fn unnoted_ids(&self, customer: CustomerId, kind: ProxyKind) -> Result<Vec<LeaseId>> {
        let mut statement = self.connection.prepare_cached(UNNOTED_IDS)?;
        let values = (customer.0, encoding::kind_number(kind), self.now.millis());
        let ids = statement.query_map(values, |row| row.get(0).map(LeaseId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    fn collect(&mut self, mut rows: rusqlite::Rows<'_>) -> Result<Vec<Proxy>> {
        let mut proxies = Vec::new();
        while let Some(row) = rows.next()? {
            let lease = lease_of(row, 0, self.product(row, 0)?)?;
            let order = match self.orders.get(&lease.order) {
                Some(order) => order.clone(),
                None => {
                    let order = orders::get(self.connection, self.vault, lease.order)?;
                    order.map(Arc::new).ok_or_else(|| corrupt("lease.order_id", lease.order.0))?
                }
            };
            proxies.push(self.with_address(row, LEASE_COLUMNS, lease, order)?);
        }
        Ok(proxies)
    }

    /// The product of a lease whose columns begin with the `first`.
    fn product(&mut self, row: &Row<'_>, first: usize) -> Result<ProductKey> {
        let text = row.get_ref(first + LEASE_PRODUCT)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some((last, product)) = &self.product
            && last == text
        {
            return Ok(product.clone());
        }
        let product = encoding::product("lease.product", text)?;
        self.product = Some((text.to_owned(), product.clone()));
        Ok(product)
    }

    /// The proxy of a lease whose columns begin with the `first`, with those of its address and its
    /// order behind them.
    pub(super) fn proxy(&mut self, row: &Row<'_>, first: usize, lease: Lease) -> Result<Proxy> {
        let behind = first + LEASE_COLUMNS;
        let order = match self.orders.get(&lease.order) {
            Some(order) => order.clone(),
            None => Arc::new(orders::order(row, behind + ADDRESS_COLUMNS, self.vault)?),
        };
        self.with_address(row, behind, lease, order)
    }

    fn with_address(
        &mut self,
        row: &Row<'_>,
        first: usize,
        lease: Lease,
        order: Arc<Order>,
    ) -> Result<Proxy> {
        self.orders.entry(lease.order).or_insert_with(|| order.clone());
        let ip = row.get_ref(first)?.as_str().map_err(rusqlite::Error::from)?;
        Ok(Proxy {
            lease,
            order,
            ip: encoding::ip("address.ip", ip)?,
            gateway: row.get(first + 1)?,
            port: row.get(first + 2)?,
            modem: row.get(first + 3)?,
            reboot_epoch: row.get(first + 4)?,
        })
    }
}

/// See [`crate::Store::count_proxies`].
pub(super) fn count(connection: &Connection, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
    let mut statement = connection.prepare_cached(COUNT)?;
    let values = (customer.0, encoding::kind_number(kind));
    encoding::small("lease_count.live", statement.query_row(values, |row| row.get(0))?)
}
