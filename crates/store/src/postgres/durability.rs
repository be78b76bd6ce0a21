//! Settings of a server without which acknowledged work could be lost.

use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::error::OpenError;

/// The oldest major version whose statements and locks this program knows.
const VERSION_MIN: i64 = 14;

statements! {
    SETTINGS = "SELECT CAST(current_setting('server_version_num') AS BIGINT) / 10000,
        current_setting('server_encoding'), current_setting('fsync'),
        current_setting('full_page_writes'), pg_is_in_recovery()";
}

/// What is known of a server.
pub(super) struct Durability {
    complaint: Option<&'static str>,
}

/// Looks at the settings of the server. Refuses one that cannot keep books at all.
pub(super) fn look(tx: &Tx<'_>) -> Result<Durability> {
    let row = tx.row(SETTINGS, &[])?.expect("settings have a row");
    let refuse = |complaint: String| Err(OpenError::Unsafe(complaint).into());
    let version = row.int(0)?;
    if version < VERSION_MIN {
        return refuse(format!("PostgreSQL {version} is older than {VERSION_MIN}"));
    }
    let encoding = row.text(1)?;
    if encoding != "UTF8" {
        return refuse(format!("the encoding of the database is {encoding} instead of UTF8"));
    }
    if row.truth(4)? {
        return refuse("the server is a standby, which takes no writes".to_owned());
    }
    let complaint = match (row.text(2)?, row.text(3)?) {
        ("off", _) => Some("fsync is off: commits do not wait for the disk"),
        (_, "off") => Some("full_page_writes is off: a crash can tear pages"),
        _ => None,
    };
    Ok(Durability { complaint })
}

impl Durability {
    /// Refuses a server that could lose acknowledged work. The play money of a sandbox may be lost.
    pub(super) fn demand(&self, sandbox: bool) -> Result<()> {
        match self.complaint {
            Some(complaint) if !sandbox => Err(OpenError::Unsafe(complaint.to_owned()).into()),
            _ => Ok(()),
        }
    }
}
