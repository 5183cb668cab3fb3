//! Batches: runs that belong together, with counts of how they stand, and runs that are let go
//! once they have ended.
//!
//! **Invariant:** whether a batch is complete, and whether it succeeded, is decided here from its
//! record alone. Storages count members in the writes that change them, and write these decisions.

use serde::{Deserialize, Serialize};

use crate::{BatchId, BatchName, RunId, RunStatus, TenantId, Timestamp};

/// Where a member of a batch stands, as the batch counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It has not ended.
    Unfinished,
    /// It ended well.
    Completed,
    /// It ended badly.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Place {
    /// The place of a run that stands so.
    pub const fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
            _ => Self::Unfinished,
        }
    }
}

/// How many members of a batch stand where. A nested batch is one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BatchCounts {
    /// All that were ever added.
    pub total: u64,
    /// Those that have not ended.
    pub unfinished: u64,
    /// Those that ended well.
    pub completed: u64,
    /// Those that ended badly.
    pub failed: u64,
    /// Those that were called off.
    pub cancelled: u64,
}

impl BatchCounts {
    /// Counts one more, which has not ended.
    pub fn add(&mut self) {
        self.total += 1;
        self.unfinished += 1;
    }

    /// Counts a member elsewhere.
    pub fn shift(&mut self, from: Place, to: Place) {
        let before = self.of_mut(from);
        *before = before.saturating_sub(1);
        *self.of_mut(to) += 1;
    }

    fn of_mut(&mut self, place: Place) -> &mut u64 {
        match place {
            Place::Unfinished => &mut self.unfinished,
            Place::Completed => &mut self.completed,
            Place::Failed => &mut self.failed,
            Place::Cancelled => &mut self.cancelled,
        }
    }
}

/// Runs that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Whose batch it is; its members are the same tenant's.
    pub tenant: TenantId,
    /// What it is called.
    pub name: Option<BatchName>,
    /// The batch that it is a member of.
    pub parent: Option<BatchId>,
    /// When the store took it.
    pub created_at: Timestamp,
    /// Whether no more members are added.
    pub is_closed: bool,
    /// How its members stand.
    #[serde(flatten)]
    pub counts: BatchCounts,
    /// When it was first found closed and without unfinished members.
    pub completed_at: Option<Timestamp>,
    /// When it was found that all members completed.
    pub succeeded_at: Option<Timestamp>,
    /// The run that is let go once it is complete.
    pub on_complete: Option<RunId>,
    /// The run that is let go once it succeeded.
    pub on_success: Option<RunId>,
}

impl Batch {
    /// Where it stands, in a word.
    pub const fn state(&self) -> &'static str {
        match (self.is_closed, self.completed_at, self.succeeded_at) {
            (_, _, Some(_)) => "succeeded",
            (_, Some(_), None) if self.counts.unfinished > 0 => "running again",
            (_, Some(_), None) => "complete",
            (true, None, None) => "running",
            (false, None, None) => "open",
        }
    }

    /// Whether it has ended and no member runs again: it may be deleted.
    pub const fn is_over(&self) -> bool {
        self.completed_at.is_some() && self.counts.unfinished == 0
    }
}

/// What is decided about a batch. A storage writes it if the batch still calls for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// It is complete, and not all members completed.
    Complete,
    /// It is complete, and all members completed.
    CompleteWithSuccess,
    /// It was complete before; members that ran again have completed, and so have all.
    LateSuccess,
}

impl Settlement {
    /// Whether the batch is complete by it, which happens once.
    pub const fn completes(self) -> bool {
        matches!(self, Self::Complete | Self::CompleteWithSuccess)
    }

    /// Whether the batch succeeded by it, which happens once.
    pub const fn succeeds(self) -> bool {
        matches!(self, Self::CompleteWithSuccess | Self::LateSuccess)
    }

    /// How the batch is counted as a member of another: from which place to which.
    pub const fn of_parent(self) -> (Place, Place) {
        match self {
            Self::Complete => (Place::Unfinished, Place::Failed),
            Self::CompleteWithSuccess => (Place::Unfinished, Place::Completed),
            Self::LateSuccess => (Place::Failed, Place::Completed),
        }
    }
}

/// Decides about a batch as it stands; nothing while nothing is due.
pub fn decide(batch: &Batch) -> Option<Settlement> {
    let counts = &batch.counts;
    if !batch.is_closed || counts.unfinished > 0 || batch.succeeded_at.is_some() {
        return None;
    }
    let has_succeeded = counts.failed == 0 && counts.cancelled == 0;
    match (batch.completed_at, has_succeeded) {
        (None, true) => Some(Settlement::CompleteWithSuccess),
        (None, false) => Some(Settlement::Complete),
        (Some(_), true) => Some(Settlement::LateSuccess),
        (Some(_), false) => None,
    }
}

/// Writes a decision into the record, as of this instant.
pub fn write(batch: &mut Batch, settlement: Settlement, now: Timestamp) {
    if settlement.completes() {
        batch.completed_at = Some(now);
    }
    if settlement.succeeds() {
        batch.succeeded_at = Some(now);
    }
}

#[cfg(test)]
mod tests;
