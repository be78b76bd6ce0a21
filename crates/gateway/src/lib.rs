//! The data plane: accepts proxy traffic and leaves from the leased address, or not at all.

mod admit;
mod bucket;
mod caller;
pub mod clock;
mod connection;
mod destination;
mod egress;
mod flows;
mod gateway;
pub mod host;
pub mod http;
mod link;
mod listen;
mod meter;
pub mod policy;
pub mod ranges;
pub mod refusal;
mod refusals;
mod relay;
pub mod resolve;
mod settings;
pub mod socks5;
pub mod spool;
pub mod table;
pub mod target;
mod throng;
mod tls;
mod wheel;
mod worker;

pub use crate::egress::Binding;
pub use crate::gateway::Gateway;
pub use crate::listen::{ListenerId, Speaks};
pub use crate::meter::Used;
pub use crate::settings::{Settings, Udp};
pub use crate::table::{Change, Changed, Fresh, Lease, Table, Unfit};
pub use crate::tls::{Certificate, CertificateError};
