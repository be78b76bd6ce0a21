//! Connections are encrypted, to servers whose certificates were checked.
//!
//! The certificates in `tls/` are of an authority that was made for this test, and of another.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use e2e::postgres::Postgres;
use store::Store;
use store::error::{Error, OpenError};
use store::postgres::PostgresStore;
use tempfile::TempDir;

use crate::databases::options;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/tls").join(name)
}

/// Gives the server a certificate for `localhost`.
fn encrypt(server: &Postgres) {
    for name in ["server.pem", "server.key"] {
        let text = std::fs::read_to_string(file(name)).unwrap();
        let copy = format!(
            "COPY (SELECT unnest(string_to_array('{}', E'\\n'))) TO PROGRAM 'umask 077; cat > {name}'",
            text.trim_end()
        );
        server.psql("postgres", &copy);
    }
    for setting in ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl = on"] {
        server.psql("postgres", &format!("ALTER SYSTEM SET {setting}"));
    }
    server.psql("postgres", "SELECT pg_reload_conf()");
    while server.psql("postgres", "SHOW ssl").trim() != "on" {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn connections_are_encrypted_and_servers_known() {
    let server = Postgres::start();
    let folder = TempDir::new().unwrap();
    let url = server.new_database();
    let named = url.replace("127.0.0.1", "localhost");
    let open = |url: &str, parameters: &str| {
        PostgresStore::open(&options(&format!("{url}?{parameters}"), folder.path(), false))
    };
    let known = format!("sslrootcert={}", file("authority.pem").display());
    let is_encrypted = || {
        let sql = "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE ssl AND application_name = 'sublet'";
        server.psql("postgres", sql).trim() != "0"
    };

    // Whoever wants no plain connection does not get one.
    assert!(matches!(
        open(&named, &format!("sslmode=require&{known}")),
        Err(Error::Unavailable(_))
    ));
    drop(open(&named, &format!("sslmode=prefer&{known}")).unwrap());
    encrypt(&server);
    for mode in ["verify-full", "require", "prefer"] {
        let store = open(&named, &format!("sslmode={mode}&{known}")).unwrap();
        store.customers(None, 1).unwrap();
        assert!(is_encrypted(), "{mode}");
    }
    let store = open(&named, "sslmode=disable").unwrap();
    store.customers(None, 1).unwrap();

    // Another name, another authority, and no authority at all.
    let stranger = format!("sslmode=require&sslrootcert={}", file("stranger.pem").display());
    for (url, parameters) in [(&url, format!("sslmode=require&{known}")), (&named, stranger)] {
        let error = open(url, &parameters).unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    let nobody = format!("sslrootcert={}&sslmode=require", file("server.key").display());
    assert!(matches!(open(&named, &nobody), Err(Error::Open(OpenError::BadUrl(_)))));
}
