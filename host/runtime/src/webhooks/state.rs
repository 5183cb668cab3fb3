//! What a follower knows between two rounds.

use std::collections::BTreeSet;

use zapjobs_model::{Lease, RunId, Timestamp};
use zapjobs_storage::{Ending, EndingPlace};

use super::progress::{Progress, Retry, Subject};

/// What is known of the webhook between two rounds.
pub(super) struct State {
    pub(super) progress: Progress,
    pub(super) revision: u64,
    pub(super) recent: BTreeSet<(Timestamp, RunId, Lease)>,
    /// Endings up to here were seen.
    pub(super) seen: EndingPlace,
    pub(super) looked_again_at: Option<Timestamp>,
    /// Whether there is something to save.
    pub(super) is_changed: bool,
}

/// A message that is to be sent now.
pub(super) struct Due {
    pub(super) subject: Subject,
    /// Attempts that failed before.
    pub(super) attempts: u32,
}

impl State {
    /// The messages that are due again, those that were due first before the others.
    pub(super) fn take_retries(&mut self, now: Timestamp, most: usize) -> Vec<Due> {
        let retries = std::mem::take(&mut self.progress.retries);
        let (mut due, later): (Vec<_>, Vec<_>) =
            retries.into_iter().partition(|retry| retry.due_at <= now);
        due.sort_by_key(|retry| retry.due_at);
        let rest = due.split_off(due.len().min(most));
        self.progress.retries = later;
        self.progress.retries.extend(rest);
        due.into_iter().map(|Retry { subject, attempts, .. }| Due { subject, attempts }).collect()
    }

    /// Takes endings that are to be told.
    pub(super) fn take(&mut self, found: Vec<Ending>, due: &mut Vec<Due>) {
        self.recent.extend(found.iter().map(mark));
        let subjects = found.into_iter().map(Subject::Ending);
        due.extend(subjects.map(|subject| Due { subject, attempts: 0 }));
    }

    /// Nothing before this place has to be looked at any more.
    pub(super) fn settle(&mut self, place: EndingPlace, has_moved: bool) {
        self.progress.settled = self.progress.settled.max(place);
        self.seen = self.seen.max(self.progress.settled);
        let settled = self.progress.settled;
        self.recent = self.recent.split_off(&(settled.ended_at, settled.run, Lease(0)));
        // Where nothing has ended there is nothing to save: whoever goes on finds nothing either.
        self.is_changed |= has_moved;
    }
}

/// By what an ending is known among those that were told.
pub(super) fn mark(ending: &Ending) -> (Timestamp, RunId, Lease) {
    (ending.ended_at, ending.run, ending.lease)
}
