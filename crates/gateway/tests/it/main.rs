//! The gateway from outside: real sockets on loopback, where every lease has an exit of its own.

mod datagrams;
mod dns;
mod ends;
mod entries;
mod http_connect;
mod http_ends;
mod http_forward;
mod inside;
mod ipv6;
mod limits;
#[path = "../fuzz/mutation.rs"]
mod mutation;
mod networks;
mod open_proxy;
mod ports;
mod refusals;
mod rows;
mod slow;
mod socks5;
#[path = "../pure/spellings.rs"]
mod spellings;
mod support;
mod tls;
mod traffic;
