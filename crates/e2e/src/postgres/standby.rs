//! A second server that follows the first and can take its place.

use std::path::Path;
use std::time::{Duration, Instant};

use super::installation::Installation;
use super::wire::Wire;
use super::{Disk, Own, PATIENCE, Postgres, succeed};

/// The name by which a standby is known to the server that it follows.
const NAME: &str = "standby";

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// When the standby has it on its disk as well.
    ByBoth,
    /// When the first server has it, though the standby may not have heard of it.
    ByTheFirstAlone,
}

impl Postgres {
    /// Makes a server that follows this one, and waits until it does. It can be read at once.
    #[track_caller]
    pub fn standby(&self, acknowledged: Acknowledged) -> Postgres {
        let wire = Wire::to(self.address());
        let port = wire.address().port();
        let follow = format!("host=127.0.0.1 port={port} user=postgres application_name={NAME}");
        let fill = |installation: &Installation, data: &Path| {
            let mut command = installation.server("pg_basebackup", data);
            command.args(["--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
            command.arg("--write-recovery-conf").arg("--dbname").arg(&follow);
            command.arg("--pgdata").arg(data);
            succeed(&mut command);
        };
        let mut standby = Postgres::own(Own::prepare(fill, Disk::WaitedFor));
        standby.owned_mut().follows = Some(wire);
        self.wait_for("state = 'streaming'");
        if acknowledged == Acknowledged::ByBoth {
            self.acknowledge(&format!("'{NAME}'"));
            self.wait_for("sync_state = 'sync'");
        }
        standby
    }

    /// Takes no notice of standbys any more when it acknowledges a commit.
    #[track_caller]
    pub fn stand_alone(&self) {
        self.acknowledge("''");
    }

    /// Cuts a standby off from the server that it follows, for good.
    #[track_caller]
    pub fn cut_off(&self) {
        let wire = self.owned().follows.as_ref().expect("it is a standby");
        wire.refuse();
        wire.cut();
    }

    /// Has a standby become a server of its own, and waits until it can be written to.
    #[track_caller]
    pub fn promote(&self) {
        let promoted = self.psql("postgres", "SELECT pg_promote(true, 60)");
        assert_eq!(promoted.trim(), "t", "{}", self.logged());
        assert_eq!(self.psql("postgres", "SELECT pg_is_in_recovery()").trim(), "f");
    }

    #[track_caller]
    fn acknowledge(&self, names: &str) {
        // Each of them is a transaction, and the first cannot be in one with another.
        self.psql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = {names}"));
        self.psql("postgres", "SELECT pg_reload_conf()");
    }

    #[track_caller]
    fn wait_for(&self, state: &str) {
        let began = Instant::now();
        let sql = format!(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = '{NAME}' AND {state}"
        );
        while self.psql("postgres", &sql).trim() == "0" {
            assert!(began.elapsed() < PATIENCE, "the standby does not follow: {}", self.logged());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
