//! What a host remembers of one plugin, and what its operator ordered.
//!
//! **Invariant:** a host writes records, operators' tools write orders; so neither undoes the
//! other's words, and a record never says what an operator did not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use zapjobs_model::{Capability, Digest, JobType, Timestamp};

/// Approvals remembered at most; the oldest goes.
const APPROVALS_MAX: usize = 10;
/// Versions kept at most for runs that still need them, beside those that are kept anyway.
const NEEDED_MAX: usize = 50;

/// What a host remembers of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginRecord {
    /// The version that served last.
    pub current: Option<Digest>,
    /// Versions that were accepted, latest first.
    pub history: Vec<PluginVersion>,
    /// Why the file in the directory is not what serves.
    pub turned_down: Option<TurnedDown>,
    /// When its file was found gone.
    pub retired_at: Option<Timestamp>,
}

/// A version that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginVersion {
    /// Which code.
    pub digest: Digest,
    /// When it first served.
    pub accepted_at: Timestamp,
    /// What it wants; approved by having been accepted.
    pub wants: BTreeSet<Capability>,
    /// The job types it served.
    pub jobs: Vec<JobType>,
    /// Its manifest's text at the time, where it had one.
    pub manifest: Option<String>,
    /// Its signature, where it had one.
    pub signature: Option<String>,
}

/// Why a file is not what serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedDown {
    /// Which code, if it could be read.
    pub digest: Option<Digest>,
    /// Why, on one line.
    pub reason: String,
    /// Whether an approval is all that it lacks.
    pub held: bool,
    /// What it wants beyond what was approved.
    pub wants_more: Vec<Capability>,
}

/// What an operator ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// Serve this version, whatever lies in the directory.
    pub pinned: Option<Digest>,
    /// Versions that may serve whatever they want, latest last.
    pub approved: Vec<Digest>,
    /// How often circuit breakers were reset; a host that sees it change resets its own.
    pub resets: u64,
}

impl PluginRecord {
    /// A version that was accepted.
    pub fn version(&self, digest: Digest) -> Option<&PluginVersion> {
        self.history.iter().find(|version| version.digest == digest)
    }

    /// The version that was accepted before the present one.
    pub fn before(&self) -> Option<&PluginVersion> {
        let current = |version: &&PluginVersion| Some(version.digest) == self.current;
        let mut history = self.history.iter();
        history.by_ref().find(current).and_then(|_| history.next())
    }

    /// Notes that a version serves. One that comes back keeps its place, so that going back
    /// twice goes back two versions.
    pub(super) fn accept(&mut self, version: PluginVersion) {
        self.current = Some(version.digest);
        self.retired_at = None;
        match self.history.iter_mut().find(|known| known.digest == version.digest) {
            Some(known) => *known = PluginVersion { accepted_at: known.accepted_at, ..version },
            None => self.history.insert(0, version),
        }
    }

    /// Forgets all but the `kept` latest versions, the one that serves, and those that someone
    /// needs.
    pub(super) fn trim(&mut self, kept: usize, needed: &BTreeSet<Digest>) {
        let current = self.current;
        let mut at = 0;
        self.history.retain(|version| {
            at += 1;
            let is_needed = at <= kept + NEEDED_MAX && needed.contains(&version.digest);
            at <= kept || is_needed || Some(version.digest) == current
        });
    }

    /// What this version wants that nobody approved: neither by accepting its predecessor, nor
    /// by granting it, nor by name. A first version is approved by being put in place, and so
    /// is one that was accepted before.
    pub(super) fn unapproved(
        &self,
        digest: Digest,
        wants: &BTreeSet<Capability>,
        granted: &BTreeSet<Capability>,
        orders: &Orders,
    ) -> Vec<Capability> {
        let current = self.current.and_then(|current| self.version(current));
        let Some(before) = current.or(self.history.first()) else { return Vec::new() };
        if orders.approved.contains(&digest) || self.version(digest).is_some() {
            return Vec::new();
        }
        let is_new = |it: &&Capability| !before.wants.contains(*it) && !granted.contains(*it);
        wants.iter().filter(is_new).cloned().collect()
    }
}

impl Orders {
    /// Approves a version, and lets the directory decide again what serves.
    pub(super) fn approve(&mut self, digest: Digest) {
        self.approved.retain(|known| *known != digest);
        self.approved.push(digest);
        let surplus = self.approved.len().saturating_sub(APPROVALS_MAX);
        self.approved.drain(..surplus);
        self.pinned = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u8, wants: &[Capability]) -> PluginVersion {
        PluginVersion {
            digest: digest(number),
            accepted_at: Timestamp::from_micros(i64::from(number)),
            wants: wants.iter().cloned().collect(),
            jobs: Vec::new(),
            manifest: None,
            signature: None,
        }
    }

    fn digest(number: u8) -> Digest {
        Digest::of(&[number])
    }

    fn record(versions: impl IntoIterator<Item = PluginVersion>) -> PluginRecord {
        let mut record = PluginRecord::default();
        versions.into_iter().for_each(|version| record.accept(version));
        record
    }

    #[test]
    fn a_successor_may_want_what_its_predecessor_had_or_what_is_granted() {
        let record = record([version(1, &[Capability::Files])]);
        let wants = BTreeSet::from([Capability::Files, Capability::Http]);
        let more = |granted: &[Capability], orders: &Orders| {
            let granted = granted.iter().cloned().collect();
            record.unapproved(digest(2), &wants, &granted, orders)
        };
        assert_eq!(more(&[], &Orders::default()), [Capability::Http]);
        assert!(more(&[Capability::Http], &Orders::default()).is_empty());
        let approved = Orders { approved: vec![digest(2)], ..Orders::default() };
        assert!(more(&[], &approved).is_empty());
        let another = Orders { approved: vec![digest(3)], ..Orders::default() };
        assert_eq!(more(&[], &another), [Capability::Http], "an approval is for one digest");
    }

    #[test]
    fn what_a_version_in_between_gave_up_must_be_approved_anew() {
        let record = record([version(1, &[Capability::Http]), version(2, &[])]);
        let wants = BTreeSet::from([Capability::Http]);
        let orders = Orders::default();
        let more = |number| record.unapproved(digest(number), &wants, &BTreeSet::new(), &orders);
        assert_eq!(more(3), [Capability::Http]);
        assert!(more(1).is_empty(), "but a version that served before may come back");
    }

    #[test]
    fn a_first_version_is_approved_by_being_put_in_place() {
        let wants = BTreeSet::from([Capability::Sockets]);
        let record = PluginRecord::default();
        assert!(
            record.unapproved(digest(1), &wants, &BTreeSet::new(), &Orders::default()).is_empty()
        );
    }

    #[test]
    fn history_is_bounded_save_for_what_serves_or_is_needed() {
        let mut record = record((1..=8).map(|number| version(number, &[])));
        record.current = Some(digest(2));
        record.trim(3, &BTreeSet::from([digest(4)]));
        let left: Vec<Digest> = record.history.iter().map(|version| version.digest).collect();
        assert_eq!(left, [8, 7, 6, 4, 2].map(digest));
    }

    #[test]
    fn going_back_twice_goes_back_two_versions() {
        let mut record = record((1..=3).map(|number| version(number, &[])));
        let before = |record: &PluginRecord| record.before().map(|version| version.digest);
        assert_eq!(before(&record), Some(digest(2)));
        record.accept(version(2, &[]));
        assert_eq!(before(&record), Some(digest(1)));
        record.accept(version(1, &[]));
        assert_eq!(before(&record), None);
    }

    #[test]
    fn an_approval_ends_a_pin_and_old_approvals_are_forgotten() {
        let mut orders = Orders { pinned: Some(digest(1)), ..Orders::default() };
        (0..20).for_each(|number| orders.approve(digest(number)));
        assert_eq!(orders.pinned, None);
        assert_eq!(orders.approved.len(), APPROVALS_MAX);
        assert_eq!(orders.approved.last(), Some(&digest(19)));
    }
}
