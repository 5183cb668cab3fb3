//! A cluster of three masters.

use std::io;

use super::config::Role;
use super::slot::{SLOTS, slot_of};
use super::{Redis, RedisSettings, only_plain, places};
use crate::url::login;

/// Nodes of a cluster.
const NODES: u16 = 3;

/// A cluster of three masters.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes.
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts the nodes and makes a cluster of them: each has a third of the slots. Waits
    /// until each serves.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start() -> io::Result<Self> {
        Self::start_with(&RedisSettings::default())
    }

    /// Starts it with nodes of these settings.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`], and with TLS.
    pub fn start_with(settings: &RedisSettings) -> io::Result<Self> {
        only_plain(settings)?;
        let start = |_| Redis::start_as(Role::Node, settings);
        let nodes: Vec<Redis> = (0..NODES).map(start).collect::<io::Result<_>>()?;
        for (number, node) in (0..).zip(&nodes) {
            let first = SLOTS / NODES * number;
            let last = if number + 1 == NODES { SLOTS } else { first + SLOTS / NODES } - 1;
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
            let bus = node.ask(&["CONFIG", "GET", "cluster-port"])?.entries();
            let bus = bus.last().map(super::Reply::text).unwrap_or_default();
            if number > 0 {
                let port = node.port().to_string();
                nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
            }
        }
        for node in &nodes {
            node.wait_until(&["CLUSTER", "INFO"], |info| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })?;
        }
        Ok(Self { nodes })
    }

    /// Where it is: all nodes, with the login.
    pub fn url(&self) -> String {
        let settings = &self.nodes[0].settings;
        let login = login(settings.user.as_deref(), settings.password.as_deref());
        format!("redis-cluster://{login}{}", places(&self.nodes))
    }

    /// The slot of a key, 0 to 16383. What stands in braces, as in `{zapjobs}:runs`, decides
    /// alone.
    pub fn slot_of(key: impl AsRef<[u8]>) -> u16 {
        slot_of(key.as_ref())
    }

    /// Which of [`RedisCluster::nodes`] serves a slot, as the first node that answers sees it.
    ///
    /// # Errors
    ///
    /// Where no node answers, or none has the slot.
    pub fn owner_of(&self, slot: u16) -> io::Result<usize> {
        let nodes = self.nodes.iter();
        let mut last = io::Error::other("the cluster has no nodes");
        for node in nodes.filter(|node| node.pid().is_some()) {
            match self.owner_as_seen_by(node, slot) {
                Ok(owner) => return Ok(owner),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Which node serves a slot, as one of them sees it.
    pub(super) fn owner_as_seen_by(&self, node: &Redis, slot: u16) -> io::Result<usize> {
        let ranges = node.ask(&["CLUSTER", "SLOTS"])?.entries().into_iter();
        let port = ranges.map(super::Reply::entries).find_map(|range| {
            let [first, last, master, ..] = range.as_slice() else { return None };
            let number = |reply: &super::Reply| reply.text().parse::<u16>().ok();
            let slots = number(first)?..=number(last)?;
            let master = master.clone().entries();
            slots.contains(&slot).then(|| number(master.get(1)?)).flatten()
        });
        let owner = self.nodes.iter().position(|node| Some(node.port()) == port);
        owner.ok_or_else(|| io::Error::other(format!("no node has the slot {slot}")))
    }
}
