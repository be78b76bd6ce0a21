//! The words and rules of Sublet: no I/O, no clock, no formats.
//!
//! A command is a wish in no dialect's words ([`command::Command`]). It says what has to be known
//! to decide it ([`needs::Needs`]); a store loads that into a [`world::World`]; the decision is a
//! plain function of that world and the time; what changed is in [`world::Changes`].
//!
//! Money is in integer minor units, time in milliseconds since 1970 UTC, shares in hundredths of a
//! per cent. Nothing here is serialised: a format frozen here would outlive the rule.

pub mod access;
pub mod address;
pub mod api_key;
pub mod authorisation;
pub mod authorise;
pub mod auto_extend;
pub mod auto_top_up;
pub mod card;
pub mod catalogue;
pub mod command;
pub mod comment;
pub mod country;
pub mod credit;
pub mod customer;
pub mod deposit;
pub mod extend;
pub mod funded;
pub mod idempotency;
pub mod ids;
pub mod journal;
pub mod kind;
pub mod lease;
pub mod ledger;
pub mod limits;
pub mod modem;
pub mod money;
pub mod needs;
pub mod network;
pub mod order;
pub mod payment;
pub mod period;
pub mod ports;
pub mod pricing;
pub mod product;
pub mod promo;
pub mod proxy;
pub mod public_id;
pub mod refusal;
pub mod renew;
pub mod replace;
pub mod rotation;
pub mod select;
pub mod served;
pub mod stock;
pub mod sweep;
pub mod time;
pub mod usage;
pub mod world;
