//! Runs that follow others: what they wait for, and what becomes of them once that has ended.
//!
//! **Invariant:** whether a run that waits for others is let go, ends without having run, or
//! goes on waiting is decided here, edge by edge, from the run that ended and how; storages
//! write what these rules say.
//!
//! [`graph`] finds what cannot be waited for; [`outputs`] puts what runs returned into the
//! inputs of those that follow them.

pub mod graph;
pub mod outputs;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Blame, Json, RunError, RunId, RunStatus};

/// Runs that one run waits for at most.
pub const DEPENDENCIES_MAX: usize = 1_000;

/// How a run must have ended for one that follows it to begin. The numbers are stored and never
/// change meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Condition {
    /// It completed.
    #[default]
    Success = 0,
    /// It failed. One that was cancelled, on request or because it was skipped, did not.
    Failure = 1,
    /// It ended, in whatever way.
    Always = 2,
}

impl Condition {
    /// Every condition, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Always];

    /// The stored number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The condition with this number, if there is one.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|at| Self::ALL.get(at)).copied()
    }

    /// The name, as in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Always => "always",
        }
    }

    /// Whether a run that ended so meets it.
    pub const fn is_met_by(self, ended: RunStatus) -> bool {
        match self {
            Self::Success => matches!(ended, RunStatus::Completed),
            Self::Failure => matches!(ended, RunStatus::Failed),
            Self::Always => ended.is_final(),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown condition {0:?}: use success, failure or always")]
pub struct UnknownCondition(String);

impl FromStr for Condition {
    type Err = UnknownCondition;
    fn from_str(text: &str) -> Result<Self, UnknownCondition> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.name() == text)
            .ok_or_else(|| UnknownCondition(text.chars().take(40).collect()))
    }
}

/// Another run that a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// Which.
    pub run: RunId,
    /// How it must end.
    #[serde(default)]
    pub on: Condition,
}

/// What becomes of a run that waits, now that one of those it waits for has ended. A storage
/// writes it if the run still waits for that one, and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It goes on waiting for others.
    Wait,
    /// It waited for this one alone: it is let go, with another input where one is given.
    Release {
        /// The input with what other runs returned in it.
        input: Option<Json>,
    },
    /// It ends without having run.
    End {
        /// `Cancelled` where it is skipped, `Failed` where it cannot begin.
        status: RunStatus,
        /// Why.
        error: RunError,
    },
}

/// Decides what becomes of a run that waits for `parent`, which ended so, and for so many others.
pub fn decide(parent: RunId, ended: RunStatus, on: Condition, others: u64) -> Step {
    if !on.is_met_by(ended) {
        return Step::End { status: RunStatus::Cancelled, error: skipped(parent, ended, on) };
    }
    if others > 0 { Step::Wait } else { Step::Release { input: None } }
}

/// The error type of a run that was skipped.
pub const SKIPPED: &str = "skipped";

fn skipped(parent: RunId, ended: RunStatus, on: Condition) -> RunError {
    let wanted = match on {
        Condition::Success => "completed",
        Condition::Failure => "failed",
        Condition::Always => "ended",
    };
    let message = format!("skipped: it was to run once {parent} had {wanted}, which is {ended}");
    RunError::new(Blame::Operator, SKIPPED, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const PARENT: RunId = RunId(Uuid::from_u128(7));

    #[test]
    fn stored_numbers_never_change() {
        assert_eq!(Condition::ALL.map(Condition::code), [0, 1, 2]);
        for condition in Condition::ALL {
            assert_eq!(Condition::from_code(condition.code().into()), Some(condition));
            assert_eq!(condition.name().parse(), Ok(condition));
        }
        assert_eq!(Condition::from_code(3), None);
    }

    #[test]
    fn a_run_is_let_go_once_the_last_condition_is_met() {
        let release = Step::Release { input: None };
        assert_eq!(decide(PARENT, RunStatus::Completed, Condition::Success, 1), Step::Wait);
        assert_eq!(decide(PARENT, RunStatus::Completed, Condition::Success, 0), release);
        assert_eq!(decide(PARENT, RunStatus::Failed, Condition::Failure, 0), release);
        for ended in [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled] {
            assert_eq!(decide(PARENT, ended, Condition::Always, 0), release);
        }
    }

    #[test]
    fn one_condition_that_cannot_be_met_skips_the_run_whatever_else_it_waits_for() {
        let broken = [
            (RunStatus::Failed, Condition::Success),
            (RunStatus::Cancelled, Condition::Success),
            (RunStatus::Completed, Condition::Failure),
            (RunStatus::Cancelled, Condition::Failure),
        ];
        for (ended, on) in broken {
            for others in [0, 5] {
                let Step::End { status, error } = decide(PARENT, ended, on, others) else {
                    panic!("{ended} does not meet {on}");
                };
                assert_eq!((status, error.error_type.as_str()), (RunStatus::Cancelled, SKIPPED));
                assert!(error.message.contains(&PARENT.to_string()), "{}", error.message);
            }
        }
    }
}
