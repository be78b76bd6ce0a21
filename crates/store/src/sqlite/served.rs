//! Leases as gateways have to know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::Access;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::limits::Exceptions;
use domain::order::Protocol;
use domain::served::{Place, Served, Through};
use domain::time::Time;
use rusqlite::{Connection, Row};

use super::authorisations::access;
use super::limits;
use super::statements::statements;
use crate::encoding::corrupt;
use crate::records::Touched;
use crate::vault::Vault;
use crate::{Result, encoding};

/// Leases with what [`Reader::lease`] reads of them, in this order of tables.
macro_rules! leases {
    ($rest:literal) => {
        concat!(
            "SELECT lease.id, lease.order_id, lease.customer_id, lease.kind, lease.ends_at_ms,
             customer.suspended, customer_order.protocol, address.ip, address.gateway, address.port,
             address.modem, modem.exit_ip, modem.exits, modem.dialing, lease.product
             FROM lease CROSS JOIN address ON address.id = lease.address_id
             CROSS JOIN customer ON customer.id = lease.customer_id
             CROSS JOIN customer_order ON customer_order.id = lease.order_id
             LEFT JOIN modem ON modem.name = address.modem ",
            $rest
        )
    };
}

statements! {
    /// Of one customer and kind, from behind a lease. Apart from the rest, because in a comparison of
    /// all three the index is looked up by the first two alone.
    LIVE_HERE = leases!(
        "WHERE lease.state = 0 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id > ?3
         ORDER BY lease.id LIMIT ?4"
    );
    RESERVED_HERE = leases!(
        "WHERE lease.state = 1 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id > ?3
         ORDER BY lease.id LIMIT ?4"
    );
    LIVE_BEHIND = leases!(
        "WHERE lease.state = 0 AND (lease.customer_id, lease.kind) > (?1, ?2)
         ORDER BY lease.customer_id, lease.kind, lease.id LIMIT ?3"
    );
    RESERVED_BEHIND = leases!(
        "WHERE lease.state = 1 AND (lease.customer_id, lease.kind) > (?1, ?2)
         ORDER BY lease.customer_id, lease.kind, lease.id LIMIT ?3"
    );
    BY_ID = leases!("WHERE lease.id = ?1 AND lease.state < 2");
    BY_ORDER = leases!("WHERE lease.order_id = ?1 AND lease.state < 2");
    BY_MODEM = leases!(
        "WHERE lease.id IN (SELECT lease_id FROM address WHERE modem = ?1) AND lease.state < 2"
    );
    LIVE_OF = leases!("WHERE lease.state = 0 AND lease.customer_id = ?1");
    RESERVED_OF = leases!("WHERE lease.state = 1 AND lease.customer_id = ?1");
    ACCESS = "SELECT login, password_sealed, source_ip FROM authorisation
        WHERE customer_id = ?1 AND order_id = ?2 AND active = 1 ORDER BY id";
}

/// Room for so many leases is made before a page is read: memory that grows is copied, and the
/// system's to clear first.
const ROOM: usize = 10_000;

/// See [`crate::Store::served`].
pub(super) fn page(
    connection: &Connection,
    vault: &Vault,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Served>> {
    let (customer, kind, lease) = after.map_or((0, 0, 0), |(customer, kind, lease)| {
        (customer.0, encoding::kind_number(kind), lease.0)
    });
    let most = usize::try_from(limit).expect("it fits");
    let mut reader = Reader::new(connection, vault);
    reader.leases.reserve(most.min(ROOM));
    for statement in [LIVE_HERE, RESERVED_HERE] {
        reader.read(statement, (customer, kind, lease, limit))?;
    }
    if reader.leases.len() < most {
        for statement in [LIVE_BEHIND, RESERVED_BEHIND] {
            reader.read(statement, (customer, kind, limit))?;
        }
    }
    let mut list = reader.sorted();
    list.truncate(most);
    if let (Some(first), Some(last)) = (list.first(), list.last()) {
        let (first, last) = (first.customer, last.customer);
        let exceptions = limits::between(connection, first, last)?;
        except(&mut list, &exceptions);
    }
    Ok(list)
}

/// See [`crate::Store::served_of`].
pub(super) fn of(connection: &Connection, vault: &Vault, touched: &Touched) -> Result<Vec<Served>> {
    let mut reader = Reader::new(connection, vault);
    for id in &touched.leases {
        reader.read(BY_ID, [id.0])?;
    }
    for id in &touched.orders {
        reader.read(BY_ORDER, [id.0])?;
    }
    for id in &touched.customers {
        reader.read(LIVE_OF, [id.0])?;
        reader.read(RESERVED_OF, [id.0])?;
    }
    for name in &touched.modems {
        reader.read(BY_MODEM, [name])?;
    }
    let mut list = reader.sorted();
    let customers: BTreeSet<CustomerId> = list.iter().map(|served| served.customer).collect();
    let mut exceptions = BTreeMap::new();
    for customer in customers {
        exceptions.append(&mut limits::between(connection, customer, customer)?);
    }
    except(&mut list, &exceptions);
    Ok(list)
}

/// Notes with leases what is said of how much they may use.
fn except(list: &mut [Served], exceptions: &BTreeMap<CustomerId, Exceptions>) {
    // Few customers have any.
    if !exceptions.is_empty() {
        for served in list {
            let of_customer = exceptions.get(&served.customer);
            served.exception = of_customer.and_then(|it| it.told_of(served.lease));
        }
    }
}

/// Somebody who reads leases, and who may use the orders that they are of.
struct Reader<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    leases: Vec<Served>,
    access: BTreeMap<OrderId, Arc<[Access]>>,
}

impl<'a> Reader<'a> {
    fn new(connection: &'a Connection, vault: &'a Vault) -> Reader<'a> {
        Reader { connection, vault, leases: Vec::new(), access: BTreeMap::new() }
    }

    fn read(&mut self, statement: &str, values: impl rusqlite::Params) -> Result<()> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let served = self.lease(row)?;
            self.leases.push(served);
        }
        Ok(())
    }

    /// The leases by their places, each once.
    fn sorted(mut self) -> Vec<Served> {
        if !self.leases.is_sorted_by_key(Served::place) {
            self.leases.sort_unstable_by_key(Served::place);
        }
        self.leases.dedup_by_key(|served| served.place());
        self.leases
    }

    fn lease(&mut self, row: &Row<'_>) -> Result<Served> {
        let (order, customer) = (OrderId(row.get(1)?), CustomerId(row.get(2)?));
        let kind: ProxyKind = encoding::kind("lease.kind", row.get(3)?)?;
        let protocol = row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let ip = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let product = row.get_ref(14)?.as_str().map_err(rusqlite::Error::from)?;
        Ok(Served {
            lease: LeaseId(row.get(0)?),
            order,
            customer,
            suspended: row.get(5)?,
            kind,
            product: encoding::product("lease.product", product)?,
            protocol: protocol.map(spoken).transpose()?,
            ip: encoding::ip("address.ip", ip)?,
            gateway: row.get(8)?,
            port: row.get(9)?,
            modem: through(row)?,
            ends_at: Time::from_millis(row.get(4)?),
            access: self.access(customer, order)?,
            // Behind all leases of a page, for the customers of all of them.
            exception: None,
        })
    }

    /// How the customers of an order are known.
    fn access(&mut self, customer: CustomerId, order: OrderId) -> Result<Arc<[Access]>> {
        if let Some(known) = self.access.get(&order) {
            return Ok(Arc::clone(known));
        }
        let mut statement = self.connection.prepare_cached(ACCESS)?;
        let mut rows = statement.query((customer.0, order.0))?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(access(row, 0, self.vault, order)?);
        }
        let list: Arc<[Access]> = list.into();
        self.access.insert(order, Arc::clone(&list));
        Ok(list)
    }
}

/// The modem of a lease.
fn through(row: &Row<'_>) -> Result<Option<Through>> {
    let Some(name) = row.get(10)? else { return Ok(None) };
    let exit: Option<String> = row.get(11)?;
    Ok(Some(Through {
        name,
        exit: exit.map(|text| encoding::ip("modem.exit_ip", &text)).transpose()?,
        exits: row.get::<_, Option<u32>>(12)?.unwrap_or(0),
        dialing: row.get::<_, Option<bool>>(13)?.unwrap_or(false),
    }))
}

fn spoken(name: &str) -> Result<Protocol> {
    Protocol::from_name(name).ok_or_else(|| corrupt("customer_order.protocol", name))
}
