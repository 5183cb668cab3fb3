//! Runs of which there is to be one: unique runs, and requests that may be repeated.
//!
//! A run may carry a [`Unique`]: a key, how long the key is held, and what becomes of a second
//! run with the same key. It may also carry an [`Idempotency`], by which a caller that repeats a
//! request is answered the first run. Both are records by key in the store.
//!
//! **Invariant:** a record says which run took the key; whether it *holds* it still follows from
//! how that run stands and what time it is ([`KeyRecord::holds`]). So nothing has to be released:
//! claims and results know nothing of keys, and no crash leaves one held.
//!
//! In reading order: [`request`] is what callers say, `key` and `canonical` make keys of it, and
//! [`mod@plan`] says what becomes of a batch.

mod canonical;
mod key;
pub mod plan;
pub mod request;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{RunId, RunStatus, Timestamp};

pub use plan::{Change, KeyTaken, Plan, plan};
pub use request::{IdempotencyKey, InvalidUnique, UniqueBy, UniqueRequest};

/// The 128 bits that a unique run or a repeated request is known by: the start of a SHA-256 over
/// the tenant, the job type and what was chosen of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UniqueKey(pub Uuid);

/// The 128 bits by which two requests with one idempotency key are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub Uuid);

/// How far a run must come for its key to be free again. The numbers are stored and never change
/// meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Until {
    /// Until a worker first claims it: one waits, and while one runs another may wait.
    Started = 0,
    /// Until it ends, in whatever way; waits between attempts belong to it.
    Finished = 1,
}

impl Until {
    /// The stored number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The value with this number, if there is one.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Started),
            1 => Some(Self::Finished),
            _ => None,
        }
    }

    /// Whether a run that stands so holds its key.
    pub const fn is_held(self, standing: Standing) -> bool {
        match self {
            Self::Started => standing.is_untouched(),
            Self::Finished => !standing.status.is_final(),
        }
    }
}

/// How long a key is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UniqueScope {
    /// As long as the run has not come so far.
    Until(Until),
    /// For this long from when the run was stored, whatever becomes of it.
    For(Duration),
}

impl Default for UniqueScope {
    fn default() -> Self {
        Self::Until(Until::Finished)
    }
}

/// What becomes of a run whose key is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnConflict {
    /// It is not stored: the run that holds the key is answered.
    #[default]
    Keep,
    /// The same, and a holder that was never started gets the new one's input, priority, due
    /// time and deadline.
    Replace,
}

/// What makes a new run unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unique {
    /// What it is known by.
    pub key: UniqueKey,
    /// How long it holds the key.
    pub scope: UniqueScope,
    /// What becomes of it where the key is held.
    pub on_conflict: OnConflict,
}

impl Unique {
    /// What the stored run keeps of it; nothing where the key does not depend on the run.
    pub const fn hold(&self) -> Option<UniqueHold> {
        match self.scope {
            UniqueScope::Until(until) => Some(UniqueHold { key: self.key, until }),
            UniqueScope::For(_) => None,
        }
    }
}

/// The key of a stored run, which it holds until it has come so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UniqueHold {
    /// The key.
    pub key: UniqueKey,
    /// How far.
    pub until: Until,
}

/// What makes a repeated request be answered the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Idempotency {
    /// What it is known by.
    pub key: UniqueKey,
    /// For how long.
    pub window: Duration,
    /// Which request it was.
    pub fingerprint: Fingerprint,
}

/// How a run stands, as far as keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: RunStatus,
    /// Whether it was claimed since it was stored or asked to run again.
    pub was_started: bool,
}

impl Standing {
    /// Whether it waits and was never started: nobody has seen its input yet.
    pub const fn is_untouched(self) -> bool {
        !self.was_started && self.status.is_waiting()
    }

    /// Whether another run may replace what it has: one that is held keeps it, for others count
    /// on what they hold.
    pub const fn is_replaceable(self) -> bool {
        self.is_untouched() && !matches!(self.status, RunStatus::Held)
    }
}

/// How long a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// As long as its run has not come so far.
    Until(Until),
    /// Up to this instant.
    Before(Timestamp),
}

/// What is stored under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRecord {
    /// The run that took the key.
    pub run: RunId,
    /// How long it holds it.
    pub term: Term,
    /// Of which request, where the key is an idempotency key.
    pub fingerprint: Option<Fingerprint>,
}

impl KeyRecord {
    /// Whether the key is held at `now`. `standing` is how the record's run stands, if it is
    /// stored and can be read.
    pub fn holds(&self, standing: Option<Standing>, now: Timestamp) -> bool {
        match self.term {
            Term::Until(until) => standing.is_some_and(|standing| until.is_held(standing)),
            Term::Before(end) => now < end,
        }
    }

    /// The run that holds a key which `run` is to take again, if that is another.
    pub fn obstacle(
        &self,
        run: RunId,
        standing: Option<Standing>,
        now: Timestamp,
    ) -> Option<RunId> {
        (self.run != run && self.holds(standing, now)).then_some(self.run)
    }
}

#[cfg(test)]
mod tests;
