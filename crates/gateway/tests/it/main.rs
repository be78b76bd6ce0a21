//! The gateway from outside: real sockets on loopback, where every lease has an exit of its own.

mod datagrams;
mod dns;
mod ends;
mod entries;
mod http_connect;
mod http_ends;
mod http_forward;
mod ipv6;
mod limits;
mod networks;
mod refusals;
mod socks5;
mod support;
mod tls;
mod traffic;
