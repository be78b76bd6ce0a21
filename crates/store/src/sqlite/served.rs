//! Leases as gateways have to know them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;

use domain::access::Access;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::limits::Exceptions;
use domain::order::Protocol;
use domain::product::ProductKey;
use domain::served::{Place, Served, Through};
use domain::time::Time;
use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::authorisations::access;
use super::limits;
use super::statements::statements;
use crate::encoding::corrupt;
use crate::records::Touched;
use crate::vault::Vault;
use crate::{Result, encoding};

/// Leases with what [`Reader::read`] reads of them, in this order of tables.
macro_rules! leases {
    ($rest:literal) => {
        concat!(
            "SELECT lease.id, lease.order_id, lease.customer_id, lease.kind, lease.ends_at_ms,
             lease.product, lease.address_id, customer.suspended, customer_order.protocol
             FROM lease CROSS JOIN customer ON customer.id = lease.customer_id
             CROSS JOIN customer_order ON customer_order.id = lease.order_id ",
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
    /// Addresses, in the order of the list.
    ADDRESSES = "SELECT address.id, address.ip, address.gateway, address.port, address.modem,
        modem.exit_ip, modem.exits, modem.dialing FROM rarray(?1) AS wanted
        CROSS JOIN address ON address.id = wanted.value
        LEFT JOIN modem ON modem.name = address.modem";
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
    let mut list = reader.finish(most)?;
    if let (Some(first), Some(last)) = (list.first(), list.last()) {
        let exceptions = limits::between(connection, first.customer, last.customer)?;
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
    let mut list = reader.finish(usize::MAX)?;
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

/// Somebody who reads leases.
struct Reader<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    leases: Vec<Found>,
    /// What many leases have in common, by how it is written.
    products: BTreeMap<String, Arc<ProductKey>>,
    gateways: BTreeSet<Arc<str>>,
    nothing: (Arc<str>, Arc<[Access]>),
}

/// A lease without its exit and without those who may use it, and where its exit stands.
struct Found {
    served: Served,
    address: i64,
}

impl<'a> Reader<'a> {
    fn new(connection: &'a Connection, vault: &'a Vault) -> Reader<'a> {
        Reader {
            connection,
            vault,
            leases: Vec::new(),
            products: BTreeMap::new(),
            gateways: BTreeSet::new(),
            nothing: (Arc::default(), Arc::default()),
        }
    }

    fn read(&mut self, statement: &str, values: impl rusqlite::Params) -> Result<()> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let product = row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?;
            let protocol = row.get_ref(8)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            let served = Served {
                lease: LeaseId(row.get(0)?),
                order: OrderId(row.get(1)?),
                customer: CustomerId(row.get(2)?),
                kind: encoding::kind("lease.kind", row.get(3)?)?,
                ends_at: Time::from_millis(row.get(4)?),
                product: self.product(product)?,
                suspended: row.get(7)?,
                protocol: protocol.map(spoken).transpose()?,
                ip: Ipv4Addr::UNSPECIFIED.into(),
                gateway: Arc::clone(&self.nothing.0),
                port: 0,
                modem: None,
                access: Arc::clone(&self.nothing.1),
                exception: None,
            };
            self.leases.push(Found { served, address: row.get(6)? });
        }
        Ok(())
    }

    /// The leases by their places, each once, with all that belongs to them; the first so many.
    fn finish(mut self, most: usize) -> Result<Vec<Served>> {
        let place = |found: &Found| found.served.place();
        if !self.leases.is_sorted_by_key(place) {
            self.leases.sort_by_cached_key(place);
        }
        self.leases.dedup_by_key(|found| found.served.place());
        self.leases.truncate(most);
        self.find_exits()?;
        self.find_access()?;
        Ok(self.leases.into_iter().map(|found| found.served).collect())
    }

    /// Finds where leases exit. Those that follow each other are at addresses all over the stock, and
    /// to look for them in its order takes half the time.
    fn find_exits(&mut self) -> Result<()> {
        let mut wanted: Vec<(i64, usize)> =
            self.leases.iter().enumerate().map(|(at, found)| (found.address, at)).collect();
        wanted.sort_unstable();
        let ids = wanted.iter().map(|(address, _)| Value::from(*address)).collect();
        let mut statement = self.connection.prepare_cached(ADDRESSES)?;
        let mut rows = statement.query([Rc::<Vec<Value>>::new(ids)])?;
        for (address, at) in wanted {
            let row = rows.next()?.filter(|row| row.get(0).is_ok_and(|id: i64| id == address));
            let row = row.ok_or_else(|| corrupt("lease.address_id", address))?;
            let ip = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let gateway = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let gateway = self.gateway(gateway);
            let served = &mut self.leases[at].served;
            (served.ip, served.gateway) = (encoding::ip("address.ip", ip)?, gateway);
            (served.port, served.modem) = (row.get(3)?, through(row)?);
        }
        Ok(())
    }

    /// Finds who may use leases.
    fn find_access(&mut self) -> Result<()> {
        let mut known: BTreeMap<OrderId, Arc<[Access]>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(ACCESS)?;
        for Found { served, .. } in &mut self.leases {
            if let Some(access) = known.get(&served.order) {
                served.access = Arc::clone(access);
                continue;
            }
            let mut rows = statement.query((served.customer.0, served.order.0))?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(access(row, 0, self.vault, served.order)?);
            }
            served.access = list.into();
            known.insert(served.order, Arc::clone(&served.access));
        }
        Ok(())
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
}

/// The modem of a lease.
fn through(row: &Row<'_>) -> Result<Option<Box<Through>>> {
    let Some(name) = row.get(4)? else { return Ok(None) };
    let exit: Option<String> = row.get(5)?;
    Ok(Some(Box::new(Through {
        name,
        exit: exit.map(|text| encoding::ip("modem.exit_ip", &text)).transpose()?,
        exits: row.get::<_, Option<u32>>(6)?.unwrap_or(0),
        dialing: row.get::<_, Option<bool>>(7)?.unwrap_or(false),
    })))
}

fn spoken(name: &str) -> Result<Protocol> {
    Protocol::from_name(name).ok_or_else(|| corrupt("customer_order.protocol", name))
}
