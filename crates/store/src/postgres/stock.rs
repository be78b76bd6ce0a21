//! Addresses and prefixes in stock.

use std::collections::{BTreeMap, BTreeSet};

use domain::address::{Address, Prefix};
use domain::catalogue::Catalogue;
use domain::ids::PrefixId;
use domain::product::ProductKey;
use domain::time::Time;

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use super::{ids, rotations};
use crate::records::{NewAddress, NewPrefix, StockLine, Stocked};
use crate::stock_lines::StockLines;
use crate::stocking::Stocking;
use crate::{Result, encoding};

statements! {
    ALL_PREFIXES = "SELECT id, base, length, gateway, drawn, product FROM prefix ORDER BY id";
    /// The places in the list of those that are in stock.
    KNOWN = "SELECT new.place FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]))
        WITH ORDINALITY AS new (ip, slot, place) CROSS JOIN LATERAL (
            SELECT FROM address
            WHERE address.ip = new.ip AND address.slot = new.slot AND address.drawn = 0 LIMIT 1
        ) AS known";
    /// Nobody draws ports meanwhile: whoever is about to waits here.
    PORTS = "SELECT gateway, next_port FROM gateway_port WHERE gateway = ANY($1)
        ORDER BY gateway FOR NO KEY UPDATE";
    SET_PORTS = "INSERT INTO gateway_port (gateway, next_port)
        SELECT * FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]))
        ON CONFLICT (gateway) DO UPDATE SET next_port = excluded.next_port";
    ADD = "INSERT INTO address (id, product, ip, slot, drawn, gateway, port, rank, lease_id,
        free_at_ms, modem) SELECT id, product, ip, slot, 0, gateway, port, rank, NULL, $8, modem
        FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), CAST($3 AS TEXT[]),
        CAST($4 AS BIGINT[]), CAST($5 AS TEXT[]), CAST($6 AS BIGINT[]), CAST($7 AS BIGINT[]),
        CAST($9 AS TEXT[])) AS new (id, product, ip, slot, gateway, port, rank, modem)";
    ADD_PREFIX = "INSERT INTO prefix (id, product, base, length, gateway, drawn)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM prefix), $1, $2, $3, $4, 0)
        ON CONFLICT (base, length) DO NOTHING";
    /// A gateway has a row before its first port is drawn: what is not there cannot be locked.
    ADD_GATEWAY = "INSERT INTO gateway_port (gateway, next_port) VALUES ($1, 0)
        ON CONFLICT (gateway) DO NOTHING";
    LINES = "SELECT product, gateway,
        COUNT(*) FILTER (WHERE lease_id IS NULL AND free_at_ms <= $1),
        COUNT(*) FILTER (WHERE lease_id IS NOT NULL),
        COUNT(*) FILTER (WHERE lease_id IS NULL AND free_at_ms > $1)
        FROM address GROUP BY product, gateway";
}

/// Reads the id, base, length, gateway and drawn addresses of a prefix of `pool`, from `first` on.
pub(super) fn prefix(row: &Row, first: usize, pool: ProductKey) -> Result<Prefix> {
    Ok(Prefix {
        id: PrefixId(row.int(first)?),
        pool,
        base: encoding::ip("prefix.base", row.text(first + 1)?)?,
        length: encoding::small("prefix.length", row.int(first + 2)?)?,
        gateway: row.text(first + 3)?.to_owned(),
        drawn: row.int(first + 4)?,
    })
}

/// See [`crate::Store::add_addresses`]. `take_ids` gives the first of so many new ids; nobody waits
/// for this transaction because of them.
pub(super) fn add_addresses(
    tx: &Tx<'_>,
    catalogue: &Catalogue,
    new: &[NewAddress],
    now: Time,
    take_ids: impl Fn(i64) -> Result<i64>,
) -> Result<Stocked> {
    // Nobody adds the same address meanwhile.
    ids::lock(tx)?;
    rotations::set_modems(tx, new)?;
    let unknown = unknown(tx, new)?;
    let known = u64::try_from(new.len() - unknown.len()).expect("it fits");
    let stocked = Stocked { added: 0, known };
    if unknown.is_empty() {
        return Ok(stocked);
    }
    let next_address = take_ids(i64::try_from(unknown.len()).expect("it fits"))?;
    let next_ports = lock_ports(tx, &unknown)?;
    let mut stocking = Stocking { catalogue, now, next_address, next_ports, stocked };
    let mut columns = Columns::default();
    for new in unknown {
        columns.push(&stocking.add(new)?, new);
    }
    tx.execute(
        ADD,
        &[
            &columns.ids,
            &columns.products,
            &columns.ips,
            &columns.slots,
            &columns.gateways,
            &columns.ports,
            &columns.ranks,
            &now.millis(),
            &columns.modems,
        ],
    )?;
    set_ports(tx, &stocking.next_ports)?;
    Ok(stocking.stocked)
}

/// Those of `new` that are not in stock, each once.
fn unknown<'n>(tx: &Tx<'_>, new: &'n [NewAddress]) -> Result<Vec<&'n NewAddress>> {
    let ips: Vec<String> = new.iter().map(|it| it.ip.to_string()).collect();
    let slots: Vec<i64> = new.iter().map(|it| it.slot.into()).collect();
    let known = tx.rows(KNOWN, &[&ips, &slots])?;
    let known: BTreeSet<i64> = known.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    let mut seen = BTreeSet::new();
    let unknown = (1..)
        .zip(new)
        .filter(|(place, it)| !known.contains(place) && seen.insert((it.ip, it.slot)));
    Ok(unknown.map(|(_, it)| it).collect())
}

/// The next ports of the shared hosts at which `new` need some, which are kept from others until
/// the end of the transaction.
fn lock_ports(tx: &Tx<'_>, new: &[&NewAddress]) -> Result<BTreeMap<String, u16>> {
    let sharing = new.iter().filter(|it| it.pool.kind.shares_host());
    let gateways: BTreeSet<&str> = sharing.map(|it| it.gateway.as_str()).collect();
    if gateways.is_empty() {
        return Ok(BTreeMap::new());
    }
    let gateways: Vec<&str> = gateways.into_iter().collect();
    let rows = tx.rows(PORTS, &[&gateways])?;
    let port = |row: &Row| {
        Ok((row.text(0)?.to_owned(), encoding::small("gateway_port.next_port", row.int(1)?)?))
    };
    rows.iter().map(port).collect()
}

fn set_ports(tx: &Tx<'_>, ports: &BTreeMap<String, u16>) -> Result<()> {
    if ports.is_empty() {
        return Ok(());
    }
    let gateways: Vec<&str> = ports.keys().map(String::as_str).collect();
    let next: Vec<i64> = ports.values().copied().map(i64::from).collect();
    tx.execute(SET_PORTS, &[&gateways, &next]).map(|_| ())
}

/// New addresses, column by column.
#[derive(Default)]
struct Columns {
    ids: Vec<i64>,
    products: Vec<String>,
    ips: Vec<String>,
    slots: Vec<i64>,
    gateways: Vec<String>,
    ports: Vec<i64>,
    ranks: Vec<i64>,
    modems: Vec<Option<String>>,
}

impl Columns {
    fn push(&mut self, address: &Address, new: &NewAddress) {
        self.ids.push(address.id.0);
        self.products.push(address.pool.to_string());
        self.ips.push(address.ip.to_string());
        self.slots.push(new.slot.into());
        self.modems.push(new.modem.clone());
        self.gateways.push(address.gateway.clone());
        self.ports.push(address.port.into());
        self.ranks.push(address.rank);
    }
}

/// See [`crate::Store::add_prefix`].
pub(super) fn add_prefix(tx: &Tx<'_>, new: &NewPrefix) -> Result<bool> {
    ids::lock(tx)?;
    tx.execute(ADD_GATEWAY, &[&new.gateway])?;
    let (pool, base) = (new.pool.to_string(), new.base.to_string());
    Ok(tx.execute(ADD_PREFIX, &[&pool, &base, &i64::from(new.length), &new.gateway])? == 1)
}

/// See [`crate::Store::stock`]. Reads every address.
pub(super) fn lines(tx: &Tx<'_>, now: Time) -> Result<Vec<StockLine>> {
    let mut lines = StockLines::default();
    for row in tx.rows(LINES, &[&now.millis()])? {
        let count = |column| encoding::small("address.lease_id", row.int(column)?);
        let product = encoding::product("address.product", row.text(0)?)?;
        let line = lines.at(product, row.text(1)?.to_owned());
        line.free = count(2)?;
        line.leased = count(3)?;
        line.cooling = count(4)?;
    }
    for row in tx.rows(ALL_PREFIXES, &[])? {
        let product = encoding::product("prefix.product", row.text(5)?)?;
        lines.add_undrawn(prefix(&row, 0, product)?);
    }
    Ok(lines.into_lines())
}
