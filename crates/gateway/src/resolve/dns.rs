//! Names asked of DNS servers.
//!
//! Not of the system's resolver: that holds a thread for each question, tells nothing of how long
//! an answer may be believed, completes names from a search list, and reads the hosts file of this
//! machine, which is no customer's business.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as Answered, NetError};
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::{Family, Found, Lookup};
use crate::refusal::Refusal;
use crate::target::Name;

/// How long one server is waited for before the next is asked.
const TRY: Duration = Duration::from_secs(2);
/// What all threads remember together.
const ANSWERS_MAX: u64 = 32 * 1024;

/// The DNS servers of this machine or others. Clones share their memory.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[error("the resolver cannot be set up: {0}")]
pub struct DnsError(#[from] NetError);

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Asks the servers that the system is configured to ask.
    pub fn of_system() -> Result<Dns, DnsError> {
        Ok(Dns::build(TokioResolver::builder_tokio()?)?)
    }

    /// Asks these servers.
    pub fn of(servers: &[SocketAddr]) -> Result<Dns, DnsError> {
        let servers = servers.iter().map(|server| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.map(|mut connection| {
                connection.port = server.port();
                connection
            });
            NameServerConfig::new(server.ip(), true, connections.into())
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        let provider = TokioRuntimeProvider::default();
        Ok(Dns::build(TokioResolver::builder_with_config(config, provider))?)
    }

    fn build(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<Dns, NetError> {
        let mut options = ResolverOpts::default();
        options.timeout = TRY;
        options.attempts = 1;
        options.cache_size = ANSWERS_MAX;
        options.use_hosts_file = ResolveHosts::Never;
        options.try_tcp_on_error = true;
        // Each thread remembers for itself what is not there. Remembered here too, it would be
        // believed for as long again.
        options.negative_max_ttl = Some(Duration::ZERO);
        options.positive_max_ttl = Some(Duration::from_secs(300));
        *builder.options_mut() = options;
        Ok(Dns { resolver: builder.build()? })
    }
}

impl Lookup for Dns {
    async fn lookup(&self, name: &Name, family: Family) -> Result<Found, Refusal> {
        let kind = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        // With the dot at the end it is the whole name, and no search list is asked.
        let found = self.resolver.lookup(format!("{name}."), kind).await;
        let found = found.map_err(|error| refusal(&error))?;
        let addresses = found.answers().iter().filter_map(|record| match &record.data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        });
        let valid = found.valid_until().saturating_duration_since(Instant::now());
        Ok(Found { addresses: addresses.collect(), valid })
    }
}

/// A server that said something has answered; everything else is silence.
fn refusal(error: &NetError) -> Refusal {
    match error {
        NetError::Dns(Answered::NoRecordsFound(_)) => Refusal::NameUnknown,
        _ => Refusal::NameTimeout,
    }
}
