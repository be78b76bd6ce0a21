//! The dialect of Proxy-Seller's User API, v1 and v2, one file per noun.
//!
//! Every answer is an envelope of `status`, `data` and `errors`; see [`envelope`]. The two versions
//! differ in how things are named: [`id::Id`] is a number in v1 and a text in v2. Members that only
//! one of them has are left out in the other.

pub mod auth;
pub mod auto_prolong;
pub mod auto_top_up;
pub mod balance;
pub mod check;
pub mod comment;
pub mod date;
pub mod download;
pub mod envelope;
pub mod id;
pub mod order;
pub mod order_list;
pub mod prolong;
pub mod proxy_list;
pub mod proxy_list_stream;
pub mod reference;
pub mod replace;
pub mod section;
pub mod system;

use serde::Serialize;

use crate::lenient::Field;

/// Writes a switch as this dialect does.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn yes_or_no<S: serde::Serializer>(value: &Field<bool>, serializer: S) -> Result<S::Ok, S::Error> {
    value.given().map(|yes| if *yes { "Y" } else { "N" }).serialize(serializer)
}
