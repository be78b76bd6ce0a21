//! Which database is meant, from its URL, and connecting to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::silent;
use super::reactor::Reactor;
use super::session::Session;
use super::tls;
use crate::Result;
use crate::error::{Error, OpenError};

/// How long a connection may take to be made, unless the URL says otherwise.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// The port that need not be named.
const USUAL: u16 = 5432;

/// What a URL says.
struct Parts {
    config: Config,
    verified: Option<MakeRustlsConnect>,
    prepares: bool,
    connections: Option<usize>,
}

/// A database that can be connected to. `Debug` shows no password.
pub(super) struct Target {
    reactor: Arc<Reactor>,
    config: Config,
    /// How connections are encrypted, and servers known; `None` is not at all.
    tls: Option<MakeRustlsConnect>,
    /// Whether statements may be prepared: not where a pooler hands each transaction to another
    /// process of the server.
    prepares: bool,
    /// How many callers can look at the same time, if the URL says so.
    pub(super) connections: Option<usize>,
}

impl Target {
    /// Reads `postgresql://user:password@host:port/database?…`.
    ///
    /// Beside the parameters of PostgreSQL's own library there are `connections=8`, how many
    /// callers can look at the same time, and `pooler=transaction` for poolers that hand each
    /// transaction to another process. The certificate of a server is checked, by the roots that
    /// the machine trusts or those in `sslrootcert=FILE`, whenever a connection is encrypted.
    pub(super) fn parse(url: &str, reactor: Arc<Reactor>) -> Result<Target> {
        let Parts { config, verified, prepares, connections } = read(url)?;
        Ok(Target { reactor, config, tls: verified, prepares, connections })
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Session> {
        let connected = self.reactor.wait(self.patience(), async {
            match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    Ok((client, self.reactor.spawn(live(connection))))
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    Ok((client, self.reactor.spawn(live(connection))))
                }
            }
        });
        let connected: std::result::Result<_, tokio_postgres::Error> =
            connected.ok_or_else(|| silent(self.patience()))?;
        // Whatever the reason is, the database cannot be used now.
        let (client, task) = connected.map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Session::new(self.reactor.clone(), client, task, self.prepares))
    }

    /// What PostgreSQL's own programs must find in their environment to connect here.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let config = &self.config;
        let hosts: Vec<String> = config.get_hosts().iter().map(shown).collect();
        let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
        let password = config.get_password().map(|it| String::from_utf8_lossy(it).into_owned());
        let mode = if self.tls.is_some() { "require" } else { "disable" };
        [
            ("PGHOST", Some(hosts.join(","))),
            ("PGPORT", Some(ports.join(","))),
            ("PGUSER", config.get_user().map(str::to_owned)),
            ("PGPASSWORD", password),
            ("PGDATABASE", config.get_dbname().map(str::to_owned)),
            ("PGSSLMODE", Some(mode.to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
    }

    /// For each host there is.
    fn patience(&self) -> Duration {
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_PATIENCE);
        each * u32::try_from(self.config.get_hosts().len().max(1)).unwrap_or(u32::MAX)
    }
}

/// Moves the bytes of a connection until its end, of which its users hear themselves.
async fn live<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Err(error) = connection.await {
        tracing::debug!(%error, "A connection to the database has ended");
    }
}

fn read(url: &str) -> std::result::Result<Parts, OpenError> {
    let bad = |reason: &str| OpenError::BadUrl(reason.to_owned());
    if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
        return Err(bad("it does not begin with postgresql://"));
    }
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut prepares, mut connections) = (None, None, true, None);
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, value) {
            ("sslmode", value) => mode = Some(value),
            ("sslrootcert", value) => roots = Some(value),
            ("pooler", "transaction") => prepares = false,
            ("pooler", "session" | "none") => prepares = true,
            ("pooler", _) => return Err(bad("pooler is transaction, session or none")),
            ("connections", value) => {
                let number = value.parse().ok().filter(|number| (1..=1000).contains(number));
                let number = number.ok_or_else(|| bad("connections is a number from 1 to 1000"));
                connections = Some(number?);
            }
            _ => rest.push(pair),
        }
    }
    let plain = format!("{place}?{}", rest.join("&"));
    let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
        // The error names a parameter, and never what is in front of them.
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        bad(&format!("{error}{}", source.unwrap_or_default()))
    })?;
    if config.get_dbname().is_none() {
        return Err(bad("it names no database"));
    }
    if config.get_application_name().is_none() {
        config.application_name("sublet");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_PATIENCE);
    }
    if config.get_hosts().len() > 1 {
        // Of several, the one that takes writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    let mode = mode.unwrap_or(if is_near(&config) { "disable" } else { "verify-full" });
    config.ssl_mode(match mode {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" | "verify-full" => SslMode::Require,
        _ => return Err(bad("sslmode is disable, prefer, require or verify-full")),
    });
    let verified = match mode {
        "disable" => None,
        _ => Some(tls::verified(roots.map(str::as_ref))?),
    };
    Ok(Parts { config, verified, prepares, connections })
}

/// Whether it is on this machine, so that nobody can listen.
fn is_near(config: &Config) -> bool {
    config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                let address: Option<std::net::IpAddr> = name.parse().ok();
                name == "localhost" || address.is_some_and(|address| address.is_loopback())
            }
            Host::Unix(_) => true,
        })
}

fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            f.write_str(&shown(host))?;
            // One port is for all.
            if let Some(port) = ports.get(index).or(ports.first()).filter(|port| **port != USUAL) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: (SslMode, bool, Option<usize>)) {
        let parts = read(url).unwrap();
        let mode = parts.config.get_ssl_mode();
        assert_eq!((mode, parts.prepares, parts.connections), expected, "{url}");
    }

    #[test]
    fn a_url_says_how_to_connect() {
        let far = "postgresql://ann:secret@db.example:5433/shop";
        check("postgres://ann@localhost/shop", (SslMode::Disable, true, None));
        check("postgresql://127.0.0.1,[::1]/shop", (SslMode::Disable, true, None));
        check("postgresql://ann@%2Frun%2Fpostgresql/shop", (SslMode::Disable, true, None));
        check(far, (SslMode::Require, true, None));
        check(&format!("{far}?sslmode=disable&connections=9"), (SslMode::Disable, true, Some(9)));
        check(&format!("{far}?sslmode=prefer&pooler=session"), (SslMode::Prefer, true, None));
        check(
            &format!("{far}?pooler=transaction&application_name=x&sslmode=require"),
            (SslMode::Require, false, None),
        );
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_its_password() {
        for (url, complaint) in [
            ("mysql://ann:secret@db/shop", "begin with"),
            ("postgresql://ann:secret@localhost", "no database"),
            ("postgresql://ann:secret@localhost/shop?sslmode=maybe", "sslmode is"),
            ("postgresql://ann:secret@localhost/shop?pooler=often", "pooler is"),
            ("postgresql://ann:secret@localhost/shop?connections=0", "connections is"),
            ("postgresql://ann:secret@localhost/shop?colour=blue", "colour"),
            ("postgresql://ann:secret@localhost:secret/shop", "port"),
            ("postgresql://ann:secret@db/shop?sslrootcert=/nowhere.pem", "/nowhere.pem"),
        ] {
            let error = read(url).err().unwrap().to_string();
            assert!(error.contains(complaint) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
