//! A lease as a gateway knows it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// All that a gateway has to know of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Which lease it is, for ever.
    pub id: u64,
    /// The addresses and ports that its customer connects to, or nothing if any will do. Port 0 is
    /// any port of an address; the unspecified address is any address of the gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<SocketAddr>,
    /// How its customer is known.
    pub access: Access,
    /// Where its traffic leaves from.
    pub exit: Exit,
    /// How many exits there have been: whatever was begun through another one is over, even if both
    /// are told in the same words.
    #[serde(default)]
    pub exits: u32,
    /// Whether the exit is just about to be another one: then nothing new is begun.
    #[serde(default)]
    pub dialing: bool,
    /// When it ends: milliseconds since 1970 UTC.
    pub ends_at: i64,
    /// Whether it is suspended: known, but not served.
    #[serde(default)]
    pub suspended: bool,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Which ports it may connect to; nothing if that is for the gateway alone to say. Few leases
    /// have it, and there are many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Box<PortRules>>,
}

/// Which ports a lease may connect to, beside what its gateway says. Ranges are told by their first
/// and last port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortRules {
    /// Connections may go there, unless the gateway closes it by name. Ports of mail are opened by
    /// ranges of one port alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<(u16, u16)>,
    /// Nothing may go there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<(u16, u16)>,
}

/// How a customer is known: any of these lets him in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// By a login and its password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<Login>,
    /// By the address that connects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

impl Access {
    /// Whether nobody is let in.
    pub fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.sources.is_empty()
    }
}

impl From<Login> for Access {
    fn from(login: Login) -> Access {
        Access { logins: vec![login], sources: Vec::new() }
    }
}

impl From<Vec<Source>> for Access {
    fn from(sources: Vec<Source>) -> Access {
        Access { logins: Vec::new(), sources }
    }
}

/// A login and its password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The login.
    pub login: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// The addresses that share their first `bits` bits with `ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// An address of the network.
    pub ip: IpAddr,
    /// How many bits count: at most 32 or 128.
    pub bits: u8,
}

/// Where traffic leaves from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// From this address of the gateway's host.
    Address(IpAddr),
    /// Through the network interface of this name, from whatever address it has.
    Interface(String),
}

/// What a lease may use. A number that is zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Flows at a time.
    pub flows: u32,
    /// New flows in a second. Requests that a client sends one after the other are one flow, but
    /// each further connection that they need to a destination counts here too.
    pub flows_per_second: u32,
    /// Bytes in a second, each way.
    pub bytes_per_second: u64,
    /// Whether datagrams are passed on too, not only connections. A gateway may do so for all.
    pub udp: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_control_plane_leaves_out_has_a_meaning() {
        let text = r#"{"id":7,"access":{"logins":[{"login":"anna","password":"canary"}]},
            "exit":{"address":"192.0.2.1"},"ends_at":1000,"from_the_future":true}"#;
        let lease: Lease = serde_json::from_str(text).unwrap();
        assert!(lease.entries.is_empty() && lease.access.sources.is_empty() && !lease.suspended);
        assert_eq!(lease.limits, Limits::default());
        assert!(lease.exits == 0 && !lease.dialing);
        let text = serde_json::to_string(&lease).unwrap();
        assert_eq!(serde_json::from_str::<Lease>(&text).unwrap(), lease);
    }

    #[test]
    fn a_password_is_not_shown() {
        let login = Login { login: "anna".to_owned(), password: "canary".to_owned() };
        assert_eq!(format!("{login:?}"), "Login(***)");
    }
}
