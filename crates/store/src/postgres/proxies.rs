//! Lists of leases as their customers see them.
//!
//! A lease whose end has passed is not shown as live, even if the books have not noted the end yet.
//! There are few of those, and the index of what is due finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::lease::{Lease, Standing};
use domain::proxy::Proxy;
use domain::time::Time;

use super::leases::{LEASE_COLUMNS, lease, lease_columns};
use super::orders;
use super::row::Row;
use super::session::Ask;
use super::statements::statements;
use super::transaction::Tx;
use crate::chunks::{self, chunk, first_of};
use crate::encoding::corrupt;
use crate::records::ProxyFilter;
use crate::vault::Vault;
use crate::{Result, encoding};

/// A page of the leases of each kind in `$2`, put together to one page, with their exits. Each
/// kind has its own place in the index.
macro_rules! page {
    ($condition:literal) => {
        concat!(
            "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
             FROM unnest(CAST($2 AS BIGINT[])) AS wanted (kind) CROSS JOIN LATERAL (
                 SELECT * FROM lease WHERE lease.customer_id = $1 AND lease.kind = wanted.kind
                 AND lease.id >= $3 AND ", $condition, " ORDER BY lease.id LIMIT $5
             ) AS lease JOIN address ON address.id = lease.address_id ORDER BY lease.id LIMIT $5"
        )
    };
}

statements! {
    LIVE = page!("lease.state = 0 AND lease.ends_at_ms > $4");
    RESERVED = page!("lease.state = 1 AND lease.reserved_until_ms > $4");
    /// Active by the books, but ended by the clock. What has ended is due, so the index of what is
    /// due finds these; the plus signs keep PostgreSQL from walking all leases of the customer
    /// instead.
    UNNOTED = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
         FROM lease JOIN address ON address.id = lease.address_id
         WHERE lease.state < 2 AND lease.look_at_ms <= $3 AND +lease.state = 0
         AND +lease.customer_id = $1 AND lease.kind = ANY($2) AND lease.ends_at_ms <= $3"
    );
    UNNOTED_IDS = "SELECT id FROM lease WHERE state < 2 AND look_at_ms <= $3 AND +state = 0
        AND +customer_id = $1 AND +kind = $2 AND ends_at_ms <= $3";
    BY_IDS = concat!(
        "SELECT ", lease_columns!(), ", address.ip, address.gateway, address.port,
         address.modem, lease.reboot_epoch
         FROM lease JOIN address ON address.id = lease.address_id
         WHERE lease.id = ANY($2) AND +lease.customer_id = $1 AND lease.state < 2"
    );
    COUNT = "SELECT CAST(COALESCE(SUM(live), 0) AS BIGINT) FROM lease_count
        WHERE customer_id = $1 AND kind = $2";
    CHUNKS = "SELECT chunk, live FROM lease_count WHERE customer_id = $1 AND kind = $2
        ORDER BY chunk";
    /// Reads the index alone, as far as it is vacuumed.
    NTH_LIVE_ID = "SELECT id FROM lease WHERE state = 0 AND customer_id = $1 AND kind = $2
        AND id >= $3 AND NOT id = ANY($4) ORDER BY id LIMIT 1 OFFSET $5";
}

/// What lists are made from.
pub(super) struct Shelf<'a> {
    pub(super) tx: &'a Tx<'a>,
    pub(super) vault: &'a Vault,
    pub(super) now: Time,
}

impl Shelf<'_> {
    /// See [`crate::Store::proxies`]. How long leases are kept in reserve is looked up only where
    /// that matters.
    pub(super) fn list(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        catalogue: impl FnOnce() -> Result<Arc<Catalogue>>,
    ) -> Result<Vec<Proxy>> {
        let from = after.map_or(LeaseId(0), |id| LeaseId(id.0 + 1));
        let kinds = filter.kind.map_or(ProxyKind::ALL.to_vec(), |kind| vec![kind]);
        if !filter.in_reserve {
            return self.live(customer, &kinds, from, limit);
        }
        let catalogue = catalogue()?;
        let (kinds, now, count) = (numbers(&kinds), self.now.millis(), i64::from(limit));
        let answers = self.tx.all(&[
            Ask { sql: RESERVED, values: &[&customer.0, &kinds, &from.0, &now, &count] },
            Ask { sql: UNNOTED, values: &[&customer.0, &kinds, &now] },
        ])?;
        let mut proxies = self.collect(answers.iter().flat_map(|answer| &answer.rows).collect())?;
        proxies.retain(|Proxy { lease, .. }| {
            let standing = lease.standing(self.now, catalogue.reserve(&lease.product));
            from <= lease.id && standing == Standing::InReserve
        });
        proxies.sort_by_key(|proxy| proxy.lease.id);
        proxies.truncate(usize::try_from(limit).expect("it fits"));
        Ok(proxies)
    }

    /// See [`crate::Store::proxies_of`].
    pub(super) fn named(
        &self,
        customer: CustomerId,
        ids: &[LeaseId],
        catalogue: impl FnOnce() -> Result<Arc<Catalogue>>,
    ) -> Result<Vec<Proxy>> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows = self.tx.rows(BY_IDS, &[&customer.0, &ids])?;
        let mut proxies = self.collect(rows.iter().collect())?;
        proxies.sort_by_key(|proxy| proxy.lease.id);
        // Only what has ended may be over, by how long it is kept.
        if proxies.iter().any(|proxy| proxy.lease.ends_at <= self.now) {
            let catalogue = catalogue()?;
            proxies.retain(|Proxy { lease, .. }| {
                let reserve = catalogue.reserve(&lease.product);
                lease.standing(self.now, reserve) != Standing::Over
            });
        }
        Ok(proxies)
    }

    /// See [`crate::Store::proxies_at`].
    ///
    /// Whole chunks before the page are skipped by their counts; what is left to skip are fewer
    /// neighbours than a chunk has, in the index.
    pub(super) fn list_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<Proxy>> {
        let (number, now) = (encoding::kind_number(kind), self.now.millis());
        let answers = self.tx.all(&[
            Ask { sql: UNNOTED_IDS, values: &[&customer.0, &number, &now] },
            Ask { sql: CHUNKS, values: &[&customer.0, &number] },
        ])?;
        let [hidden, counts] = answers.as_slice() else {
            unreachable!("each statement has an answer")
        };
        let hidden: Vec<LeaseId> =
            hidden.rows.iter().map(|row| row.int(0).map(LeaseId)).collect::<Result<_>>()?;
        let counts = counts
            .rows
            .iter()
            .map(|row| Ok((row.int(0)?, encoding::small("lease_count.live", row.int(1)?)?)));
        let Some((chunk, left)) = chunks::skip(counts, offset, &hidden)? else {
            return Ok(Vec::new());
        };
        let from = self.skip_leases(customer, kind, chunk, left, &hidden)?;
        from.map_or(Ok(Vec::new()), |from| self.live(customer, &[kind], from, limit))
    }

    /// The lease that is `left` behind the first one of a chunk.
    fn skip_leases(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        number: i64,
        left: u64,
        hidden: &[LeaseId],
    ) -> Result<Option<LeaseId>> {
        let hidden: Vec<i64> =
            hidden.iter().filter(|id| chunk(**id) == number).map(|id| id.0).collect();
        let (kind, from) = (encoding::kind_number(kind), first_of(number).0);
        let left = i64::try_from(left).expect("it is less than a chunk");
        let row = self.tx.row(NTH_LIVE_ID, &[&customer.0, &kind, &from, &hidden, &left])?;
        row.map(|row| row.int(0).map(LeaseId)).transpose()
    }

    /// A page of what is live.
    fn live(
        &self,
        customer: CustomerId,
        kinds: &[ProxyKind],
        from: LeaseId,
        limit: u32,
    ) -> Result<Vec<Proxy>> {
        let (kinds, now, limit) = (numbers(kinds), self.now.millis(), i64::from(limit));
        let rows = self.tx.rows(LIVE, &[&customer.0, &kinds, &from.0, &now, &limit])?;
        self.collect(rows.iter().collect())
    }

    /// The leases in these rows, with their orders, which are read together.
    fn collect(&self, rows: Vec<&Row>) -> Result<Vec<Proxy>> {
        let leases = rows.iter().map(|row| lease(row, 0)).collect::<Result<Vec<_>>>()?;
        let wanted: BTreeSet<_> = leases.iter().map(|lease| lease.order).collect();
        let orders = orders::get(self.tx, self.vault, &wanted)?;
        let proxy = |(lease, row): (Lease, &Row)| {
            let order = orders.get(&lease.order).cloned();
            Ok(Proxy {
                order: order.ok_or_else(|| corrupt("lease.order_id", lease.order.0))?,
                lease,
                ip: encoding::ip("address.ip", row.text(LEASE_COLUMNS)?)?,
                gateway: row.text(LEASE_COLUMNS + 1)?.to_owned(),
                port: encoding::small("address.port", row.int(LEASE_COLUMNS + 2)?)?,
                modem: row.optional_text(LEASE_COLUMNS + 3)?.map(str::to_owned),
                reboot_epoch: encoding::small("lease.reboot_epoch", row.int(LEASE_COLUMNS + 4)?)?,
            })
        };
        leases.into_iter().zip(rows).map(proxy).collect()
    }
}

fn numbers(kinds: &[ProxyKind]) -> Vec<i64> {
    kinds.iter().copied().map(encoding::kind_number).collect()
}

/// See [`crate::Store::count_proxies`].
pub(super) fn count(tx: &Tx<'_>, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
    let row = tx.row(COUNT, &[&customer.0, &encoding::kind_number(kind)])?;
    let count = row.map_or(Ok(0), |row| row.int(0))?;
    encoding::small("lease_count.live", count)
}
