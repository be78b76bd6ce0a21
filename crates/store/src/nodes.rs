//! Gateways on other hosts, as the books know them.

use std::fmt;

use domain::time::Time;
use zeroize::Zeroize as _;

/// What gateways on other hosts know a shop by.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayIdentity {
    /// The private key of the shop, as text whose form is the business of who made it.
    pub key: String,
    /// The epoch of the books: it changes when they go back to what they were before.
    pub epoch: String,
}

impl GatewayIdentity {
    /// What the key is sealed for.
    pub(crate) const PLACE: &str = "gateway_identity/1/key";
}

impl fmt::Debug for GatewayIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayIdentity").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Drop for GatewayIdentity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// A gateway on another host that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNode {
    /// What it is called; no two that are there have the same name.
    pub name: String,
    /// Which gateways of the catalogue it is.
    pub gateways: Vec<String>,
    /// The hash of the token that it enrols with.
    pub token_hash: [u8; 32],
    /// Until when it may do so.
    pub token_until: Time,
}

/// A gateway on another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The id.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Which gateways of the catalogue it is.
    pub gateways: Vec<String>,
    /// Until when its token may be used.
    pub token_until: Time,
    /// The hash of its public key, once it has enrolled.
    pub key_hash: Option<[u8; 32]>,
    /// When it was added.
    pub created_at: Time,
    /// When it enrolled.
    pub enrolled_at: Option<Time>,
    /// When it was removed: from then on it is told nothing.
    pub removed_at: Option<Time>,
    /// When it was last heard of.
    pub seen_at: Option<Time>,
    /// What it said then, as JSON.
    pub report: Option<String>,
}

/// What has become of an attempt to enrol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The node is known by its key from now on.
    Done(Node),
    /// There is no such token, or its node was removed.
    Unknown,
    /// The token was used by another key.
    Used,
    /// The token's time is over.
    Late,
}

impl Enrolled {
    /// What becomes of it if a token was found to be that of `found`, and which node has to be
    /// given the key. The same key may ask again: it may not have heard the answer.
    pub(crate) fn decide(
        found: Option<Node>,
        key_hash: &[u8; 32],
        now: Time,
    ) -> (Enrolled, Option<i64>) {
        let Some(node) = found.filter(|node| node.removed_at.is_none()) else {
            return (Enrolled::Unknown, None);
        };
        match node.key_hash {
            Some(known) if known == *key_hash => (Enrolled::Done(node), None),
            Some(_) => (Enrolled::Used, None),
            None if node.token_until <= now => (Enrolled::Late, None),
            None => {
                let id = node.id;
                let (key_hash, enrolled_at) = (Some(*key_hash), Some(now));
                (Enrolled::Done(Node { key_hash, enrolled_at, ..node }), Some(id))
            }
        }
    }
}
