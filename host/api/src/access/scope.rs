//! What a token allows. Each scope includes those before it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token allows. Each scope includes those before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Looking: runs with inputs and outputs, logs, schedules, limits, counts, events.
    Read,
    /// Submitting runs, batches and workflows.
    Enqueue,
    /// Changing what is there: runs, schedules, limits and pauses.
    Operate,
    /// All the rest: plugins, tokens, what was changed by whom.
    Admin,
}

impl Scope {
    /// Every scope, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Enqueue, Self::Operate, Self::Admin];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Enqueue => "enqueue",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}: use read, enqueue, operate or admin")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == text);
        found.ok_or_else(|| UnknownScope(text.chars().take(40).collect()))
    }
}
