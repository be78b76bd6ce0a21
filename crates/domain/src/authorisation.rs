//! Who may use the addresses of an order.
//!
//! An order has any number of authorisations, each a pair of login and password or an address to
//! connect from, and each in force or not. Lists of proxies have room for one: the one that is
//! shown, which is the first.
//!
//! A login is one customer's, and one authorisation's. Only the pair that a customer usually uses
//! is used by as many of his orders as he likes.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::{Access, Login};
use crate::ids::{AuthorisationId, CustomerId, OrderId};
use crate::order::Order;
use crate::time::Time;

/// A way in to the addresses of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorisation {
    /// The id.
    pub id: AuthorisationId,
    /// Whose.
    pub customer: CustomerId,
    /// To whose addresses it is the way in.
    pub order: OrderId,
    /// Whether it lets anybody in.
    pub active: bool,
    /// How its customer is known.
    pub access: Access,
    /// Whether its login is the one that its customer usually uses.
    pub usual: bool,
    /// Whether its login was chosen by its customer rather than issued.
    pub chosen: bool,
    /// Whether lists of proxies show it.
    pub shown: bool,
}

/// An authorisation of an order that is not over, as its customer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorised {
    /// The authorisation.
    pub authorisation: Authorisation,
    /// The order.
    pub order: Arc<Order>,
    /// The latest end of the order's leases.
    pub ends_at: Time,
}

/// How somebody is to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Granting {
    /// By the customer's usual pair.
    Usual,
    /// By a pair of its own.
    Own(Login),
    /// By the address that connects.
    SourceIp(IpAddr),
}

/// The most authorisations that an order has.
pub const AUTHORISATIONS_MAX: usize = 100;

/// Whether a customer may choose `login`: 4 to 32 letters, digits, `-`, `_` or `.`, of ASCII.
pub fn is_login(login: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (4..=32).contains(&login.len()) && login.bytes().all(fits)
}

/// Whether a customer may choose `password`: 6 to 64 visible signs of ASCII, but none that would
/// end it early where it is written in front of a host.
pub fn is_password(password: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b":@/?#\\\"'`;,".contains(&byte);
    (6..=64).contains(&password.len()) && password.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_and_passwords_can_be_written_in_front_of_a_host() {
        for good in ["ann1", "A.n-n_7", &"a".repeat(32)] {
            assert!(is_login(good), "{good}");
        }
        for bad in ["", "ann", "ann:1", "ann 1", "ännä", "ann@1", &"a".repeat(33)] {
            assert!(!is_login(bad), "{bad}");
        }
        for good in ["secret", "p9xL!m2%&*()", &"x".repeat(64)] {
            assert!(is_password(good), "{good}");
        }
        for bad in
            ["", "short", "with space", "a:bcdef", "a@bcdef", "a/bcdef", "sécret", "a\u{0}bcde"]
        {
            assert!(!is_password(bad), "{bad}");
        }
    }
}
