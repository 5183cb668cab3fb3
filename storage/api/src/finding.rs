//! What an examination of a storage found, for operators.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and something can go wrong.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, such as `clock` or `eviction policy`.
    pub subject: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found, in one sentence, and what follows from it.
    pub found: String,
    /// What mends it, in one sentence. `None` where nothing has to be mended.
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        let (subject, found) = (subject.into(), found.into());
        Self { subject, verdict: Verdict::Good, found, remedy: None }
    }

    /// Something can go wrong.
    pub fn warning(
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warning, ..Self::problem(subject, found, remedy) }
    }

    /// Something does not work.
    pub fn problem(
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (subject, found) = (subject.into(), found.into());
        Self { subject, verdict: Verdict::Problem, found, remedy: Some(remedy.into()) }
    }
}
