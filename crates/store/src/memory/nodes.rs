//! Gateways on other hosts, and what they know this shop by.

use domain::time::Time;

use super::books::Books;
use super::next;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};

impl Books {
    pub(super) fn gateway_identity(&mut self, fresh: &GatewayIdentity) -> GatewayIdentity {
        self.gateway_identity.get_or_insert_with(|| fresh.clone()).clone()
    }

    pub(super) fn set_gateway_epoch(&mut self, epoch: &str) {
        if let Some(identity) = &mut self.gateway_identity {
            epoch.clone_into(&mut identity.epoch);
        }
    }

    pub(super) fn add_node(&mut self, new: &NewNode, now: Time) -> Option<i64> {
        let there = |(_, node): &([u8; 32], Node)| node.removed_at.is_none();
        if self.nodes.values().filter(|it| there(it)).any(|(_, node)| node.name == new.name) {
            return None;
        }
        let id = next(self.nodes.keys().copied());
        let node = Node {
            id,
            name: new.name.clone(),
            gateways: new.gateways.clone(),
            token_until: new.token_until,
            key_hash: None,
            created_at: now,
            enrolled_at: None,
            removed_at: None,
            seen_at: None,
            report: None,
        };
        self.nodes.insert(id, (new.token_hash, node));
        Some(id)
    }

    pub(super) fn nodes(&self) -> Vec<Node> {
        self.nodes.values().map(|(_, node)| node.clone()).collect()
    }

    pub(super) fn node_by_key(&self, key_hash: &[u8; 32]) -> Option<Node> {
        let mut nodes = self.nodes.values().map(|(_, node)| node);
        nodes.find(|node| node.key_hash.as_ref() == Some(key_hash)).cloned()
    }

    pub(super) fn enrol_node(
        &mut self,
        token_hash: &[u8; 32],
        key_hash: &[u8; 32],
        now: Time,
    ) -> Enrolled {
        let found = self.nodes.values().find(|(hash, _)| hash == token_hash);
        let found = found.map(|(_, node)| node.clone());
        let (outcome, id) = Enrolled::decide(found, key_hash, now);
        if let Some((_, node)) = id.and_then(|id| self.nodes.get_mut(&id)) {
            (node.key_hash, node.enrolled_at) = (Some(*key_hash), Some(now));
        }
        outcome
    }

    pub(super) fn remove_node(&mut self, name: &str, now: Time) -> bool {
        let mut nodes = self.nodes.values_mut().map(|(_, node)| node);
        let found = nodes.find(|node| node.name == name && node.removed_at.is_none());
        let removed = found.map(|node| node.removed_at = Some(now));
        removed.is_some()
    }

    pub(super) fn note_node(&mut self, id: i64, report: &str, now: Time) {
        if let Some((_, node)) = self.nodes.get_mut(&id) {
            (node.seen_at, node.report) = (Some(now), Some(report.to_owned()));
        }
    }
}
