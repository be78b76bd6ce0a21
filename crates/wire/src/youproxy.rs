//! The dialect of Youproxy's client API v1, one file per noun.
//!
//! Every answer is a JSON object that begins with `success` and keeps all its members when it is
//! `false`; what cannot be said then has a neutral value. The order of the fields is the order on
//! the wire.
//!
//! Requests are read by hand, because one bad member must not hide the others: the server checks
//! them in a fixed order and answers with the number of the first that is wrong. Answers are read
//! by a client that trusts the server, so for them serde's derives will do.

pub mod auto_extend;
pub mod balance;
pub mod calculate;
pub mod country;
pub mod date;
pub mod extend;
pub mod ip_address;
pub mod ip_address_stream;
pub mod mobile_operator;
pub mod order;
pub mod problem;
pub mod promo_code;
pub mod proxy_type;
pub mod rent_period;
