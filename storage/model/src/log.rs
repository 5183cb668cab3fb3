//! What a job says while it runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Json, Lease, RunId, Timestamp};

/// How weighty a log line is. The numbers are stored and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum LogLevel {
    /// Every step.
    Trace = 0,
    /// For the job's own developers.
    Debug = 1,
    /// What an operator wants to know.
    Info = 2,
    /// Something to look at.
    Warn = 3,
    /// Something went wrong.
    Error = 4,
}

impl LogLevel {
    /// Every level, least weighty first.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The stored number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The level with this number, if there is one.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|at| Self::ALL.get(at)).copied()
    }

    /// The name, as in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log level {0:?}: use trace, debug, info, warn or error")]
pub struct UnknownLevel(String);

impl FromStr for LogLevel {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| UnknownLevel(text.chars().take(40).collect()))
    }
}

/// One line, as it leaves the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was said, by the host's clock.
    pub at: Timestamp,
    /// How weighty it is.
    pub level: LogLevel,
    /// Who said it: a module of the job, `stdout`, `stderr` or `zapjobs`.
    pub category: String,
    /// What was said.
    pub message: String,
    /// Further fields, a JSON object.
    pub fields: Option<Json>,
}

/// One line, as it is kept. `(run, lease, index)` names it, and orders the lines of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Whose line it is.
    pub run: RunId,
    /// The claim under which it was said.
    pub lease: Lease,
    /// Its number within that claim, from 0.
    pub index: u32,
    /// The line.
    #[serde(flatten)]
    pub line: LogLine,
}
