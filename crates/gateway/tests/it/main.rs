//! The gateway from outside: real sockets on loopback, where every lease has an exit of its own.

mod ends;
mod entries;
mod http_connect;
mod http_forward;
mod limits;
mod socks5;
mod support;
mod traffic;
