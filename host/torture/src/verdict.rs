//! What became of an attack.

use serde::Serialize;

/// What became of an attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The attack's name.
    pub attack: String,
    /// Whether it came to nothing, and left nothing behind.
    pub held: bool,
    /// What has to hold it.
    pub limit: String,
    /// Milliseconds from the first look at the component to the end of its attempts.
    pub ms: u64,
    /// What went wrong, if it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
