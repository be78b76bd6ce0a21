//! Leases as gateways have to know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::Access;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::order::Protocol;
use domain::served::{Place, Served, Through};

use super::authorisations::access;
use super::limits;
use super::row::Row;
use super::session::Ask;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::corrupt;
use crate::records::Touched;
use crate::vault::Vault;
use crate::{Result, encoding};

/// Leases with what [`served`] reads of them.
macro_rules! leases {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT lease.id, lease.order_id, lease.customer_id, lease.kind, lease.ends_at_ms,
             customer.suspended, customer_order.protocol, address.ip, address.gateway, address.port,
             address.modem, modem.exit_ip, modem.exits, modem.dialing, lease.product
             FROM ", $from, " JOIN address ON address.id = lease.address_id
             JOIN customer ON customer.id = lease.customer_id
             JOIN customer_order ON customer_order.id = lease.order_id
             LEFT JOIN modem ON modem.name = address.modem ",
            $rest
        )
    };
}

statements! {
    LIVE = leases!(
        "(SELECT * FROM lease WHERE state = 0 AND (customer_id, kind, id) > ($1, $2, $3)
            ORDER BY customer_id, kind, id LIMIT $4) AS lease",
        ""
    );
    RESERVED = leases!(
        "(SELECT * FROM lease WHERE state = 1 AND (customer_id, kind, id) > ($1, $2, $3)
            ORDER BY customer_id, kind, id LIMIT $4) AS lease",
        ""
    );
    BY_IDS = leases!("lease", "WHERE lease.id = ANY($1) AND lease.state < 2");
    BY_ORDERS = leases!(
        "customer_order AS bought CROSS JOIN LATERAL (SELECT * FROM lease
            WHERE bought.first_lease_id <= lease.id ORDER BY lease.id LIMIT bought.quantity
         ) AS lease",
        "WHERE bought.id = ANY($1) AND lease.state < 2"
    );
    BY_MODEMS = leases!(
        "address AS behind JOIN lease ON lease.id = behind.lease_id",
        "WHERE behind.modem = ANY($1) AND lease.state < 2"
    );
    LIVE_OF = leases!(
        "(SELECT * FROM lease WHERE state = 0 AND customer_id = $1 AND (kind, id) > ($2, $3)
            ORDER BY kind, id LIMIT $4) AS lease",
        ""
    );
    RESERVED_OF = leases!(
        "(SELECT * FROM lease WHERE state = 1 AND customer_id = $1 AND (kind, id) > ($2, $3)
            ORDER BY kind, id LIMIT $4) AS lease",
        ""
    );
    ACCESS = "SELECT authorisation.order_id, authorisation.login, authorisation.password_sealed,
        authorisation.source_ip, authorisation.id
        FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) AS wanted (customer_id, order_id)
        JOIN authorisation ON authorisation.customer_id = wanted.customer_id
        AND authorisation.order_id = wanted.order_id WHERE authorisation.active = 1";
}

/// A statement that gives more than so many may take too long.
const MOST: u32 = 10_000;

/// See [`crate::Store::served`].
pub(super) fn page(
    tx: &Tx<'_>,
    vault: &Vault,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Served>> {
    let (customer, kind, lease) = after.map_or((0, 0, 0), |(customer, kind, lease)| {
        (customer.0, encoding::kind_number(kind), lease.0)
    });
    let limit = limit.min(MOST);
    let count = i64::from(limit);
    let answers = tx.all(&[
        Ask { sql: LIVE, values: &[&customer, &kind, &lease, &count] },
        Ask { sql: RESERVED, values: &[&customer, &kind, &lease, &count] },
    ])?;
    let mut list = collect(answers.iter().flat_map(|answer| &answer.rows))?;
    list.truncate(usize::try_from(limit).expect("it fits"));
    with_the_rest(tx, vault, list)
}

/// See [`crate::Store::served_of`].
pub(super) fn of(tx: &Tx<'_>, vault: &Vault, touched: &Touched) -> Result<Vec<Served>> {
    let leases: Vec<i64> = touched.leases.iter().map(|id| id.0).collect();
    let orders: Vec<i64> = touched.orders.iter().map(|id| id.0).collect();
    let modems: Vec<&str> = touched.modems.iter().map(String::as_str).collect();
    let answers = tx.all(&[
        Ask { sql: BY_IDS, values: &[&leases] },
        Ask { sql: BY_ORDERS, values: &[&orders] },
        Ask { sql: BY_MODEMS, values: &[&modems] },
    ])?;
    let mut rows: Vec<Row> = answers.into_iter().flat_map(|answer| answer.rows).collect();
    for customer in &touched.customers {
        for sql in [LIVE_OF, RESERVED_OF] {
            all_of(tx, sql, *customer, &mut rows)?;
        }
    }
    with_the_rest(tx, vault, collect(rows.iter())?)
}

/// What `sql` gives of a customer, who may have any number of leases.
fn all_of(tx: &Tx<'_>, sql: &'static str, customer: CustomerId, rows: &mut Vec<Row>) -> Result<()> {
    let (mut kind, mut lease) = (0, 0);
    loop {
        let some = tx.rows(sql, &[&customer.0, &kind, &lease, &i64::from(MOST)])?;
        let Some(last) = some.last() else { return Ok(()) };
        (lease, kind) = (last.int(0)?, last.int(3)?);
        let is_all = some.len() < MOST as usize;
        rows.extend(some);
        if is_all {
            return Ok(());
        }
    }
}

/// The leases in these rows, each once, by their places. Who may use them, and how much, is not among it.
fn collect<'r>(rows: impl Iterator<Item = &'r Row>) -> Result<Vec<Served>> {
    let by_place = |row| served(row).map(|served| (served.place(), served));
    let leases: BTreeMap<Place, Served> = rows.map(by_place).collect::<Result<_>>()?;
    Ok(leases.into_values().collect())
}

fn served(row: &Row) -> Result<Served> {
    let protocol = row.optional_text(6)?.map(|name| {
        let protocol = Protocol::from_name(name);
        protocol.ok_or_else(|| corrupt("customer_order.protocol", name))
    });
    Ok(Served {
        lease: LeaseId(row.int(0)?),
        order: OrderId(row.int(1)?),
        customer: CustomerId(row.int(2)?),
        kind: encoding::kind("lease.kind", row.int(3)?)?,
        product: Arc::new(encoding::product("lease.product", row.text(14)?)?),
        ends_at: row.time(4)?,
        suspended: row.flag(5)?,
        protocol: protocol.transpose()?,
        ip: encoding::ip("address.ip", row.text(7)?)?,
        gateway: row.text(8)?.into(),
        port: encoding::small("address.port", row.int(9)?)?,
        modem: through(row)?,
        access: Arc::default(),
        exception: None,
    })
}

/// The modem of a lease.
fn through(row: &Row) -> Result<Option<Box<Through>>> {
    let Some(name) = row.optional_text(10)? else { return Ok(None) };
    let exit = row.optional_text(11)?;
    Ok(Some(Box::new(Through {
        name: name.to_owned(),
        exit: exit.map(|text| encoding::ip("modem.exit_ip", text)).transpose()?,
        exits: encoding::small("modem.exits", row.optional_int(12)?.unwrap_or(0))?,
        dialing: row.optional_int(13)? == Some(1),
    })))
}

/// The same leases, with who may use them, and what is said of how much.
fn with_the_rest(tx: &Tx<'_>, vault: &Vault, mut list: Vec<Served>) -> Result<Vec<Served>> {
    for some in list.chunks_mut(MOST as usize) {
        add_the_rest(tx, vault, some)?;
    }
    Ok(list)
}

fn add_the_rest(tx: &Tx<'_>, vault: &Vault, list: &mut [Served]) -> Result<()> {
    let orders: BTreeMap<OrderId, CustomerId> =
        list.iter().map(|served| (served.order, served.customer)).collect();
    let (ids, customers): (Vec<i64>, Vec<i64>) =
        orders.iter().map(|(order, customer)| (order.0, customer.0)).unzip();
    let owners: BTreeSet<i64> = customers.iter().copied().collect();
    let owners: Vec<i64> = owners.into_iter().collect();
    let answers = tx.all(&[
        Ask { sql: ACCESS, values: &[&customers, &ids] },
        Ask { sql: limits::OF_CUSTOMERS, values: &[&owners] },
    ])?;
    let [ways, exceptions] = &answers[..] else { unreachable!("each is answered") };
    let exceptions = limits::collect(&exceptions.rows)?;
    let mut of_order: BTreeMap<OrderId, BTreeMap<i64, Access>> = BTreeMap::new();
    for row in &ways.rows {
        let order = OrderId(row.int(0)?);
        let access = access(row, 1, vault, order)?;
        of_order.entry(order).or_default().insert(row.int(4)?, access);
    }
    let of_order: BTreeMap<OrderId, Arc<[Access]>> =
        of_order.into_iter().map(|(order, list)| (order, list.into_values().collect())).collect();
    for served in list {
        served.access = of_order.get(&served.order).cloned().unwrap_or_default();
        let of_customer = exceptions.get(&served.customer);
        served.exception = of_customer.and_then(|it| it.told_of(served.lease));
    }
    Ok(())
}
