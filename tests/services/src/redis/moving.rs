//! Moves a slot with all its keys from one node of a cluster to another, as an operator does
//! who adds a node.

use std::io;
use std::time::Instant;

use super::slot::SLOTS;
use super::wire::{Reply, Wire};
use super::{Redis, RedisCluster};
use crate::process::until;
use crate::server::PATIENCE;

/// Keys that are moved with one command.
const BATCH: &str = "100";
/// How long one batch may take, in milliseconds.
const BATCH_MAX_MS: &str = "20000";

impl RedisCluster {
    /// Moves a slot with all its keys to the node `to`, while the cluster serves. Clients are
    /// redirected: with `ASK` while it goes on, with `MOVED` afterwards. Waits until all nodes
    /// know. Does nothing where the slot is there already.
    ///
    /// # Errors
    ///
    /// Where the slot or the node does not exist, a node does not answer, or a key cannot be
    /// moved. The slot may be half moved then; calling it again goes on.
    pub fn move_slot(&self, slot: u16, to: usize) -> io::Result<()> {
        if self.begin_move(slot, to)? {
            self.move_keys(slot, to)?;
            self.end_move(slot, to)?;
        }
        Ok(())
    }

    /// The first step of [`RedisCluster::move_slot`]: from now on the old node sends who asks
    /// for a key that it does not have to the new one, with `ASK`. False where the slot is at
    /// the node `to` already, and nothing is to be moved.
    ///
    /// # Errors
    ///
    /// As [`RedisCluster::move_slot`].
    pub fn begin_move(&self, slot: u16, to: usize) -> io::Result<bool> {
        let (from, to_node) = self.ends(slot, to)?;
        if std::ptr::eq(from, to_node) {
            return Ok(false);
        }
        let slot = slot.to_string();
        to_node.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)?])?;
        from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to_node)?])?;
        Ok(true)
    }

    /// The second step: all keys go over, in batches.
    ///
    /// # Errors
    ///
    /// As [`RedisCluster::move_slot`], and where it takes more than a minute.
    pub fn move_keys(&self, slot: u16, to: usize) -> io::Result<()> {
        let (from, to) = self.ends(slot, to)?;
        let mut wire = Wire::connect(from.plain_port, &from.settings)?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let keys = wire.ask(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), BATCH])?;
            let keys: Vec<Vec<u8>> = keys
                .entries()
                .into_iter()
                .filter_map(|key| if let Reply::Bytes(key) = key { Some(key) } else { None })
                .collect();
            if keys.is_empty() {
                return Ok(());
            }
            wire.ask(&migrate(to, keys))?;
        }
        Err(io::Error::other(format!("the keys of slot {slot} take too long to move")))
    }

    /// The last step: the slot is the new node's. Waits until all nodes say so.
    ///
    /// # Errors
    ///
    /// As [`RedisCluster::move_slot`].
    pub fn end_move(&self, slot: u16, to: usize) -> io::Result<()> {
        let to_node = self.ends(slot, to)?.1;
        let (number, owner) = (slot.to_string(), id(to_node)?);
        // The new one first: a slot without an owner would be refused.
        let others = self.nodes.iter().filter(|node| !std::ptr::eq(*node, to_node));
        for node in std::iter::once(to_node).chain(others) {
            node.ask(&["CLUSTER", "SETSLOT", &number, "NODE", &owner])?;
        }
        let knows = |node| self.owner_as_seen_by(node, slot).is_ok_and(|owner| owner == to);
        if until(PATIENCE, || Ok(self.nodes.iter().all(knows)))? {
            return Ok(());
        }
        Err(io::Error::other(format!("not all nodes know where slot {slot} is now")))
    }

    /// The nodes that a slot moves between.
    fn ends(&self, slot: u16, to: usize) -> io::Result<(&Redis, &Redis)> {
        let wrong = |words: String| io::Error::new(io::ErrorKind::InvalidInput, words);
        if slot >= SLOTS {
            return Err(wrong(format!("there is no slot {slot}: the last one is {}", SLOTS - 1)));
        }
        let to = self.nodes.get(to).ok_or_else(|| wrong(format!("there is no node {to}")))?;
        Ok((&self.nodes[self.owner_of(slot)?], to))
    }
}

fn id(node: &Redis) -> io::Result<String> {
    Ok(node.ask(&["CLUSTER", "MYID"])?.text())
}

fn migrate(to: &Redis, keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let port = to.port().to_string();
    let mut words: Vec<Vec<u8>> =
        ["MIGRATE", "127.0.0.1", &port, "", "0", BATCH_MAX_MS].map(Into::into).into();
    if let Some(password) = &to.settings.password {
        let user = to.settings.user.as_deref().unwrap_or("default");
        words.extend(["AUTH2", user, password].map(Into::into));
    }
    words.push("KEYS".into());
    words.extend(keys);
    words
}
