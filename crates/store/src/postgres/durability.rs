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
#[derive(Debug)]
pub(super) struct Durability {
    complaint: Option<&'static str>,
}

/// The settings of a server, as it tells them.
struct Settings<'a> {
    version: i64,
    encoding: &'a str,
    fsync: &'a str,
    full_page_writes: &'a str,
    is_standby: bool,
}

/// Looks at the settings of the server. Refuses one that cannot keep books at all.
pub(super) fn look(tx: &Tx<'_>) -> Result<Durability> {
    let row = tx.row(SETTINGS, &[])?.expect("settings have a row");
    Ok(judge(&Settings {
        version: row.int(0)?,
        encoding: row.text(1)?,
        fsync: row.text(2)?,
        full_page_writes: row.text(3)?,
        is_standby: row.truth(4)?,
    })?)
}

fn judge(settings: &Settings<'_>) -> std::result::Result<Durability, OpenError> {
    let Settings { version, encoding, .. } = settings;
    if *version < VERSION_MIN {
        return Err(OpenError::Unsafe(format!("PostgreSQL {version} is older than {VERSION_MIN}")));
    }
    if *encoding != "UTF8" {
        let complaint = format!("the encoding of the database is {encoding} instead of UTF8");
        return Err(OpenError::Unsafe(complaint));
    }
    if settings.is_standby {
        return Err(OpenError::Unsafe("the server is a standby, which takes no writes".to_owned()));
    }
    let complaint = match (settings.fsync, settings.full_page_writes) {
        ("off", _) => Some("fsync is off: commits do not wait for the disk"),
        (_, "off") => Some("full_page_writes is off: a crash can tear pages"),
        _ => None,
    };
    Ok(Durability { complaint })
}

impl Durability {
    /// Refuses a server that could lose acknowledged work. The play money of a sandbox may be lost.
    pub(super) fn demand(&self, sandbox: bool) -> std::result::Result<(), OpenError> {
        match self.complaint {
            Some(complaint) if !sandbox => Err(OpenError::Unsafe(complaint.to_owned())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Settings<'_> = Settings {
        version: 15,
        encoding: "UTF8",
        fsync: "on",
        full_page_writes: "on",
        is_standby: false,
    };

    #[test]
    fn a_server_that_can_lose_what_was_committed_is_for_sandboxes_only() {
        judge(&SOUND).unwrap().demand(false).unwrap();
        for (settings, complaint) in [
            (Settings { fsync: "off", ..SOUND }, "fsync"),
            (Settings { full_page_writes: "off", ..SOUND }, "full_page_writes"),
        ] {
            let durability = judge(&settings).unwrap();
            durability.demand(true).unwrap();
            let error = durability.demand(false).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn a_server_that_cannot_keep_books_is_refused() {
        for (settings, complaint) in [
            (Settings { version: 13, ..SOUND }, "13 is older"),
            (Settings { encoding: "SQL_ASCII", ..SOUND }, "SQL_ASCII"),
            (Settings { is_standby: true, ..SOUND }, "standby"),
        ] {
            let error = judge(&settings).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
