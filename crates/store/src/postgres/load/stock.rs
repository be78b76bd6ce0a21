//! What pools can give.
//!
//! Batches of several servers take addresses of one pool at the same time: each passes over those
//! that another has locked. Whether a pool is sold out cannot be told that way: what is locked
//! may be free again a moment later. Before anybody is told so, the batch is run again, and waits.

use domain::address::{Address, Pool, Prefix};
use domain::ids::AddressId;
use domain::needs::Needs;
use domain::product::ProductKey;
use domain::time::Time;
use domain::world::Loaded;

use crate::postgres::row::Row;
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::stock::prefix;
use crate::postgres::transaction::Tx;
use crate::postgres::value::Value;
use crate::{Result, encoding};

/// What is kept from others until the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Locks {
    /// Nothing: it is looked at only.
    None,
    /// What is needed, but addresses that others have locked are passed over.
    Passing,
    /// What is needed; addresses that others have locked are waited for.
    Waiting,
}

macro_rules! free {
    ($lock:literal) => {
        concat!(
            "SELECT id, ip, gateway, port, rank, free_at_ms FROM address
             WHERE product = $1 AND lease_id IS NULL AND free_at_ms <= $2
             ORDER BY rank, id LIMIT $3",
            $lock
        )
    };
}

statements! {
    FREE = free!("");
    FREE_PASSING = free!(" FOR NO KEY UPDATE SKIP LOCKED");
    FREE_WAITING = free!(" FOR NO KEY UPDATE");
    COUNT = "SELECT COUNT(*) FROM (SELECT 1 FROM address
        WHERE product = $1 AND lease_id IS NULL AND free_at_ms <= $2 LIMIT $3) AS free";
    /// Every gateway that is known has a row here.
    PORTS = "SELECT gateway, next_port FROM gateway_port
        WHERE gateway = ANY(ARRAY(SELECT gateway FROM prefix WHERE product = ANY($1)))
        ORDER BY gateway COLLATE \"C\"";
    LOCK_PORTS = "SELECT gateway, next_port FROM gateway_port
        WHERE gateway = ANY(ARRAY(SELECT gateway FROM prefix WHERE product = ANY($1)))
        ORDER BY gateway COLLATE \"C\" FOR NO KEY UPDATE";
    PREFIXES = "SELECT id, base, length, gateway, drawn, product FROM prefix
        WHERE product = ANY($1) ORDER BY id";
    LOCK_PREFIXES = "SELECT id, base, length, gateway, drawn, product FROM prefix
        WHERE product = ANY($1) ORDER BY id FOR NO KEY UPDATE";
}

/// The pools of a batch.
pub(in crate::postgres) struct Stock {
    now: i64,
    names: Vec<String>,
    /// The names of those whose leases have ports of their own.
    sharing: Vec<String>,
    pools: Vec<Wanted>,
}

/// A pool, and how many free addresses of it are looked at: more than are wanted, so that they can
/// be spread over networks.
struct Wanted {
    product: ProductKey,
    name: String,
    most: i64,
}

impl Stock {
    pub(super) fn new(needs: &Needs, now: Time) -> Stock {
        let pools = needs.stock.iter().map(|(product, quantity)| Wanted {
            product: product.clone(),
            name: product.to_string(),
            most: (i64::from(*quantity) * 4 + 64).max(128),
        });
        let pools: Vec<Wanted> = pools.collect();
        let sharing = pools.iter().filter(|pool| pool.product.kind.shares_host());
        Stock {
            now: now.millis(),
            names: pools.iter().map(|pool| pool.name.clone()).collect(),
            sharing: sharing.map(|pool| pool.name.clone()).collect(),
            pools,
        }
    }

    pub(super) fn ask<'a>(
        &'a self,
        locks: Locks,
        asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>,
    ) {
        if self.pools.is_empty() {
            return;
        }
        let (ports, prefixes, free) = match locks {
            Locks::None => (PORTS, PREFIXES, FREE),
            Locks::Passing => (LOCK_PORTS, LOCK_PREFIXES, FREE_PASSING),
            Locks::Waiting => (LOCK_PORTS, LOCK_PREFIXES, FREE_WAITING),
        };
        asks.push((ports, vec![&self.sharing]));
        asks.push((prefixes, vec![&self.names]));
        for pool in &self.pools {
            asks.push((free, vec![&pool.name, &self.now, &pool.most]));
        }
    }

    pub(super) fn read(&self, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        let [ports, prefixes, pools @ ..] = answers else { return Ok(()) };
        for row in &ports.rows {
            let port = encoding::small("gateway_port.next_port", row.int(1)?)?;
            loaded.next_ports.insert(row.text(0)?.to_owned(), port);
        }
        for (wanted, answer) in self.pools.iter().zip(pools) {
            let pool = Pool { free: free(&answer.rows, &wanted.product)?, prefixes: Vec::new() };
            loaded.pools.push((wanted.product.clone(), pool));
        }
        for row in &prefixes.rows {
            let product = encoding::product("prefix.product", row.text(5)?)?;
            let prefix: Prefix = prefix(row, 0, product)?;
            let pool = loaded.pools.iter_mut().find(|(product, _)| *product == prefix.pool);
            if let Some((_, pool)) = pool.filter(|_| prefix.drawn < prefix.capacity()) {
                pool.prefixes.push(prefix);
            }
        }
        Ok(())
    }

    /// Whether there are free addresses that were passed over because others have locked them, in
    /// a transaction that has loaded `pools`.
    pub(in crate::postgres) fn has_passed_over(
        tx: &Tx<'_>,
        needs: &Needs,
        now: Time,
        held: &[usize],
    ) -> Result<bool> {
        for (wanted, held) in Stock::new(needs, now).pools.iter().zip(held) {
            if !is_all(tx, wanted, *held, now.millis())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until what is free of each pool is what this transaction has locked, or enough.
    /// Addresses that came back while others were waited for are seen by the next look only.
    pub(super) fn wait_for_all(&self, tx: &Tx<'_>, loaded: &mut Loaded) -> Result<()> {
        for (wanted, (_, pool)) in self.pools.iter().zip(&mut loaded.pools) {
            while !is_all(tx, wanted, pool.free.len(), self.now)? {
                let rows = tx.rows(FREE_WAITING, &[&wanted.name, &self.now, &wanted.most])?;
                pool.free = free(&rows, &wanted.product)?;
            }
        }
        Ok(())
    }
}

/// Whether there are no more free addresses than the `held` ones, or enough of those.
fn is_all(tx: &Tx<'_>, wanted: &Wanted, held: usize, now: i64) -> Result<bool> {
    let held = i64::try_from(held).expect("it fits");
    if wanted.most <= held {
        return Ok(true);
    }
    let row = tx.row(COUNT, &[&wanted.name, &now, &wanted.most])?;
    Ok(row.map_or(Ok(0), |row| row.int(0))? <= held)
}

fn free(rows: &[Row], pool: &ProductKey) -> Result<Vec<Address>> {
    let address = |row: &Row| {
        Ok(Address {
            id: AddressId(row.int(0)?),
            pool: pool.clone(),
            ip: encoding::ip("address.ip", row.text(1)?)?,
            gateway: row.text(2)?.to_owned(),
            port: encoding::small("address.port", row.int(3)?)?,
            rank: row.int(4)?,
            lease: None,
            free_at: row.time(5)?,
        })
    };
    rows.iter().map(address).collect()
}
