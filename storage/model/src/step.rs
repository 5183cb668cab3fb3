//! What a run has come through: steps whose results are kept, so that a further attempt goes
//! on behind them.
//!
//! **Invariant:** a step's result never changes once it is recorded.

use serde::{Deserialize, Serialize};

use crate::{Json, StepName, Timestamp};

/// Steps of one run at most.
pub const STEPS_MAX: u64 = 1_000;
/// Bytes of one step's result at most: 1 MiB.
pub const STEP_BYTES_MAX: u64 = 1 << 20;
/// Bytes of the results of all steps of one run at most, for an attempt loads them together:
/// 16 MiB.
pub const STEPS_BYTES_MAX: u64 = 16 << 20;

/// A step that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What the job calls it.
    pub name: StepName,
    /// What it came to.
    pub result: Json,
    /// When it was recorded, by the store's clock.
    pub at: Timestamp,
}

/// Whether a run that has so many steps, with so many bytes, may have one more with this many.
pub const fn has_room(steps: u64, bytes: u64, more: u64) -> bool {
    steps < STEPS_MAX && more <= STEP_BYTES_MAX && bytes.saturating_add(more) <= STEPS_BYTES_MAX
}

/// Why a step was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What kind of reason it is.
    pub kind: StepErrorKind,
    /// What was wrong and what to do, in one line.
    pub message: String,
}

/// What kind of reason keeps a step from being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepErrorKind {
    /// The name is empty, too long or has control characters.
    BadName,
    /// The result is no JSON.
    BadResult,
    /// The result is too long, or the run has as many steps or bytes as it may.
    LimitReached,
    /// The attempt has lost its run: nothing that it does counts any more.
    Lost,
    /// The host cannot record now; later it may.
    Unavailable,
}

impl StepError {
    /// An error of this kind.
    pub fn new(kind: StepErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The run has as much as it may.
    pub fn full(name: &StepName) -> Self {
        let message = format!(
            "the step {name} cannot be recorded: a run may have {STEPS_MAX} steps, of {} MiB each \
             and {} MiB together: record references instead of data, or fewer steps",
            STEP_BYTES_MAX >> 20,
            STEPS_BYTES_MAX >> 20
        );
        Self::new(StepErrorKind::LimitReached, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_counts_by_itself() {
        assert!(has_room(0, 0, 0));
        assert!(has_room(STEPS_MAX - 1, STEPS_BYTES_MAX - STEP_BYTES_MAX, STEP_BYTES_MAX));
        assert!(!has_room(STEPS_MAX, 0, 1), "steps");
        assert!(!has_room(0, 0, STEP_BYTES_MAX + 1), "bytes of one");
        assert!(!has_room(1, STEPS_BYTES_MAX, 1), "bytes of all");
        assert!(!has_room(1, u64::MAX, 1));
    }
}
