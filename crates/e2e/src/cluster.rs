//! A shop of several servers on PostgreSQL, of which everything can fail.
//!
//! Each server of the shop has a wire of its own to the database, and so has the operator. A standby
//! follows the database and can take its place; the wires then lead to it.

use crate::postgres::wire::Wire;
use crate::postgres::{Acknowledged, Postgres, database_of};
use crate::shop::Setup;

/// The database, its standby, and the wires to it.
#[derive(Debug)]
pub struct Cluster {
    /// First, so that nobody waits for what goes away.
    operator: Wire,
    wires: Vec<Wire>,
    database: String,
    primary: Postgres,
    standby: Option<Postgres>,
}

impl Cluster {
    /// A new database for a shop of so many servers.
    #[track_caller]
    pub fn start(servers: usize) -> Cluster {
        let primary = Postgres::start();
        let database = database_of(&primary.new_database()).to_owned();
        let operator = Wire::to(primary.address());
        let wires = (0..servers).map(|_| Wire::to(primary.address())).collect();
        Cluster { operator, wires, database, primary, standby: None }
    }

    /// Has a standby follow the database.
    #[track_caller]
    pub fn follow(&mut self, acknowledged: Acknowledged) {
        self.standby = Some(self.primary.standby(acknowledged));
    }

    /// A shop that keeps its books here.
    #[must_use]
    pub fn keep(&self, setup: Setup) -> Setup {
        let url = self.primary.url(&self.database);
        let nodes: Vec<String> = self.wires.iter().map(|wire| wire.url(&url)).collect();
        setup.reached(&self.operator.url(&url), &nodes)
    }

    /// The server that has the books.
    pub fn primary(&self) -> &Postgres {
        &self.primary
    }

    /// The one that follows it.
    #[track_caller]
    pub fn standby(&self) -> &Postgres {
        self.standby.as_ref().expect("there is a standby")
    }

    /// The wires of the servers of the shop.
    pub fn wires(&self) -> &[Wire] {
        &self.wires
    }

    /// The wire of the operator.
    pub fn operator(&self) -> &Wire {
        &self.operator
    }

    /// Kills the server that has the books, and has the standby take its place. Nobody follows that.
    #[track_caller]
    pub fn fail_over(&mut self) {
        let promoted = self.standby.take().expect("there is a standby");
        self.primary.kill9();
        promoted.promote();
        for wire in self.wires.iter().chain([&self.operator]) {
            wire.lead_to(promoted.address());
        }
        self.primary = promoted;
    }
}
