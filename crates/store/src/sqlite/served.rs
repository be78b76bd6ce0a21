//! Leases as gateways have to know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::Access;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::limits::Exceptions;
use domain::order::Protocol;
use domain::product::ProductKey;
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

/// The same of a page. Leases that follow each other are at addresses all over the stock: they are
/// found together, in the order of theirs, so that each part of the stock is looked at once. Who
/// has bought them is found before, in the order of the leases.
macro_rules! page {
    ($rest:literal) => {
        concat!(
            "SELECT page.id, page.order_id, page.customer_id, page.kind, page.ends_at_ms,
             page.suspended, page.protocol, address.ip, address.gateway, address.port,
             address.modem, modem.exit_ip, modem.exits, modem.dialing, page.product
             FROM (SELECT * FROM (
                 SELECT lease.id, lease.order_id, lease.customer_id, lease.kind, lease.ends_at_ms,
                 lease.product, lease.address_id, customer.suspended, customer_order.protocol
                 FROM lease CROSS JOIN customer ON customer.id = lease.customer_id
                 CROSS JOIN customer_order ON customer_order.id = lease.order_id ",
            $rest,
            ") ORDER BY address_id) AS page
             CROSS JOIN address ON address.id = page.address_id
             LEFT JOIN modem ON modem.name = address.modem"
        )
    };
}

statements! {
    /// Of one customer and kind, from behind a lease. Apart from the rest, because in a comparison of
    /// all three the index is looked up by the first two alone.
    LIVE_HERE = page!(
        "WHERE lease.state = 0 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id > ?3
         ORDER BY lease.id LIMIT ?4"
    );
    RESERVED_HERE = page!(
        "WHERE lease.state = 1 AND lease.customer_id = ?1 AND lease.kind = ?2 AND lease.id > ?3
         ORDER BY lease.id LIMIT ?4"
    );
    LIVE_BEHIND = page!(
        "WHERE lease.state = 0 AND (lease.customer_id, lease.kind) > (?1, ?2)
         ORDER BY lease.customer_id, lease.kind, lease.id LIMIT ?3"
    );
    RESERVED_BEHIND = page!(
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
const ROOM: usize = 100_000;

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
    reader.sort();
    reader.leases.truncate(most);
    let list = &mut reader.leases;
    if let (Some(first), Some(last)) = (list.first(), list.last()) {
        let exceptions = limits::between(connection, first.customer, last.customer)?;
        except(list, &exceptions);
    }
    reader.finish()
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
    reader.sort();
    let list = &mut reader.leases;
    let customers: BTreeSet<CustomerId> = list.iter().map(|served| served.customer).collect();
    let mut exceptions = BTreeMap::new();
    for customer in customers {
        exceptions.append(&mut limits::between(connection, customer, customer)?);
    }
    except(list, &exceptions);
    reader.finish()
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

/// Somebody who reads leases.
struct Reader<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    leases: Vec<Served>,
    /// What many leases have in common, by how it is written.
    products: BTreeMap<String, Arc<ProductKey>>,
    gateways: BTreeSet<Arc<str>>,
    nobody: Arc<[Access]>,
}

impl<'a> Reader<'a> {
    fn new(connection: &'a Connection, vault: &'a Vault) -> Reader<'a> {
        Reader {
            connection,
            vault,
            leases: Vec::new(),
            products: BTreeMap::new(),
            gateways: BTreeSet::new(),
            nobody: Arc::default(),
        }
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

    /// Has the leases by their places, each once.
    fn sort(&mut self) {
        if !self.leases.is_sorted_by_key(Served::place) {
            self.leases.sort_by_cached_key(Served::place);
        }
        self.leases.dedup_by_key(|served| served.place());
    }

    /// The leases, with who may use them.
    fn finish(mut self) -> Result<Vec<Served>> {
        let mut known: BTreeMap<OrderId, Arc<[Access]>> = BTreeMap::new();
        let mut list = std::mem::take(&mut self.leases);
        for served in &mut list {
            served.access = match known.get(&served.order) {
                Some(access) => Arc::clone(access),
                None => {
                    let access = self.access(served.customer, served.order)?;
                    known.insert(served.order, Arc::clone(&access));
                    access
                }
            };
        }
        Ok(list)
    }

    /// A lease, without what is found when all are known.
    fn lease(&mut self, row: &Row<'_>) -> Result<Served> {
        let kind: ProxyKind = encoding::kind("lease.kind", row.get(3)?)?;
        let protocol = row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let ip = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let gateway = row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?;
        let product = row.get_ref(14)?.as_str().map_err(rusqlite::Error::from)?;
        Ok(Served {
            lease: LeaseId(row.get(0)?),
            order: OrderId(row.get(1)?),
            customer: CustomerId(row.get(2)?),
            suspended: row.get(5)?,
            kind,
            product: self.product(product)?,
            protocol: protocol.map(spoken).transpose()?,
            ip: encoding::ip("address.ip", ip)?,
            gateway: self.gateway(gateway),
            port: row.get(9)?,
            modem: through(row)?,
            ends_at: Time::from_millis(row.get(4)?),
            access: Arc::clone(&self.nobody),
            exception: None,
        })
    }

    fn product(&mut self, written: &str) -> Result<Arc<ProductKey>> {
        if let Some(known) = self.products.get(written) {
            return Ok(Arc::clone(known));
        }
        let product = Arc::new(encoding::product("lease.product", written)?);
        self.products.insert(written.to_owned(), Arc::clone(&product));
        Ok(product)
    }

    fn gateway(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.gateways.get(name) {
            return Arc::clone(known);
        }
        let known: Arc<str> = name.into();
        self.gateways.insert(Arc::clone(&known));
        known
    }

    /// How the customers of an order are known.
    fn access(&self, customer: CustomerId, order: OrderId) -> Result<Arc<[Access]>> {
        let mut statement = self.connection.prepare_cached(ACCESS)?;
        let mut rows = statement.query((customer.0, order.0))?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(access(row, 0, self.vault, order)?);
        }
        Ok(list.into())
    }
}

/// The modem of a lease.
fn through(row: &Row<'_>) -> Result<Option<Box<Through>>> {
    let Some(name) = row.get(10)? else { return Ok(None) };
    let exit: Option<String> = row.get(11)?;
    Ok(Some(Box::new(Through {
        name,
        exit: exit.map(|text| encoding::ip("modem.exit_ip", &text)).transpose()?,
        exits: row.get::<_, Option<u32>>(12)?.unwrap_or(0),
        dialing: row.get::<_, Option<bool>>(13)?.unwrap_or(false),
    })))
}

fn spoken(name: &str) -> Result<Protocol> {
    Protocol::from_name(name).ok_or_else(|| corrupt("customer_order.protocol", name))
}
