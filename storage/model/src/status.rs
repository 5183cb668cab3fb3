//! Where a run stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a run stands. The numbers are stored and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum RunStatus {
    /// Ready, and waiting for a worker.
    Pending = 0,
    /// Waiting for its time.
    Scheduled = 1,
    /// Claimed by a worker.
    Running = 2,
    /// Ended well; it has an output.
    Completed = 3,
    /// Ended badly, and will not be tried again by itself.
    Failed = 4,
    /// Ended because someone asked.
    Cancelled = 5,
    /// An attempt failed; the next one waits for its time.
    AwaitingRetry = 6,
    /// Waiting for something other than time: a limit that admits it, runs that it follows.
    Held = 7,
}

impl RunStatus {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Scheduled,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::AwaitingRetry,
        Self::Held,
    ];

    /// The stored number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The status with this number, if there is one.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|at| Self::ALL.get(at)).copied()
    }

    /// Whether the run has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether the run waits for a time: scheduled or awaiting a retry.
    pub const fn is_delayed(self) -> bool {
        matches!(self, Self::Scheduled | Self::AwaitingRetry)
    }

    /// Whether the run waits: for a worker, a time, or something else.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Pending | Self::Held) || self.is_delayed()
    }

    /// The name, as in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::AwaitingRetry => "awaiting-retry",
            Self::Held => "held",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown status {0:?}: use pending, scheduled, running, completed, failed, cancelled, \
     awaiting-retry or held"
)]
pub struct UnknownStatus(String);

impl FromStr for RunStatus {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| UnknownStatus(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_numbers_never_change() {
        let codes = RunStatus::ALL.map(RunStatus::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7]);
        for status in RunStatus::ALL {
            assert_eq!(RunStatus::from_code(status.code().into()), Some(status));
            assert_eq!(status.name().parse(), Ok(status));
        }
        assert_eq!(RunStatus::from_code(8), None);
        assert_eq!(RunStatus::from_code(-1), None);
    }
}
