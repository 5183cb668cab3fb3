//! Webhooks: who is told of runs that ended, and the rules by which they are told.
//!
//! **Invariant:** when to send again, when to rest and how a message is signed are pure functions
//! of what came before; whoever sends brings the instant, the randomness and the network.
//!
//! The messages keep to the Standard Webhooks specification. For users: `docs/webhooks.md`.

pub mod base64;
pub mod breaker;
pub mod signature;
pub mod url;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::RunStatus;

pub use breaker::{Breaker, Gate};
pub use signature::{InvalidSecret, Secret};
pub use url::{InvalidUrl, WebhookUrl};

/// How often a message is sent at most, the first time included; then it is given up. With the
/// pauses between, that takes at least 21 hours.
pub const ATTEMPTS_MAX: u32 = 16;
/// The pause after the first failure, in milliseconds, and the longest one: 6 hours.
const PAUSE_MS: (u64, u64) = (5_000, 6 * 3_600_000);
/// By how much a pause is lengthened at most, by chance: a fifth.
const JITTER: f64 = 0.2;

/// What a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// A run ended well.
    #[serde(rename = "run.completed")]
    Completed,
    /// A run ended badly, for good: it is a dead letter now.
    #[serde(rename = "run.failed")]
    Failed,
    /// A run was cancelled, or skipped because one that it waited for ended otherwise.
    #[serde(rename = "run.cancelled")]
    Cancelled,
}

impl WebhookEvent {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Cancelled];

    /// That a run ended so; `None` where it has not ended.
    pub const fn of(status: RunStatus) -> Option<Self> {
        match status {
            RunStatus::Completed => Some(Self::Completed),
            RunStatus::Failed => Some(Self::Failed),
            RunStatus::Cancelled => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// The word, as in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "run.completed",
            Self::Failed => "run.failed",
            Self::Cancelled => "run.cancelled",
        }
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event {0:?}: use run.completed, run.failed or run.cancelled")]
pub struct UnknownEvent(String);

impl FromStr for WebhookEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let found = Self::ALL.into_iter().find(|event| event.name() == text);
        found.ok_or_else(|| UnknownEvent(text.chars().take(40).collect()))
    }
}

/// How long to wait after an attempt has failed, by its number from 1; `None` where it was the
/// last. It doubles from 5 seconds to 6 hours; `random`, 0 to 1, lengthens it by a fifth at most.
pub fn pause_after(attempt: u32, random: f64) -> Option<Duration> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let doubled = PAUSE_MS.0.saturating_mul(1 << (attempt.saturating_sub(1)).min(32));
    let pause = doubled.min(PAUSE_MS.1) as f64;
    Some(Duration::from_millis((pause * (1.0 + JITTER * random.clamp(0.0, 1.0))) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_end() {
        let pause = |attempt| pause_after(attempt, 0.0);
        assert_eq!(pause(1), Some(Duration::from_secs(5)));
        assert_eq!(pause(2), Some(Duration::from_secs(10)));
        assert_eq!(pause(ATTEMPTS_MAX - 1), Some(Duration::from_secs(6 * 3_600)));
        assert_eq!(pause(ATTEMPTS_MAX), None);
        assert_eq!(pause_after(1, 1.0), Some(Duration::from_secs(6)));
        let all: Duration = (1..ATTEMPTS_MAX).filter_map(pause).sum();
        assert!((18..=24).contains(&(all.as_secs() / 3_600)), "{all:?}");
    }

    #[test]
    fn events_are_what_their_words_say() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.name().parse(), Ok(event));
            let json = serde_json::to_string(&event).expect("serialises");
            assert_eq!(json, format!("{:?}", event.name()));
        }
        assert_eq!(WebhookEvent::of(RunStatus::AwaitingRetry), None);
    }
}
