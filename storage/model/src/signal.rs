//! Signals: what is told to a run from outside, kept with it until it takes it.
//!
//! **Invariant:** a signal is taken once: what takes it records it as the result of a step, in
//! the same write.

use serde::{Deserialize, Serialize};

use crate::{Json, SignalName, Timestamp};

/// Signals that are kept with one run and that it has not taken, at most.
pub const SIGNALS_PENDING_MAX: u64 = 100;
/// Bytes of what one signal brings at most: 64 KiB.
pub const SIGNAL_BYTES_MAX: u64 = 64 << 10;

/// A signal that a run has not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is called.
    pub name: SignalName,
    /// What it brings.
    pub payload: Json,
    /// When it was sent, by the store's clock.
    pub at: Timestamp,
}

/// What the step of a wait records once a signal came: an object, so that a signal that brings
/// `null` differs from none.
pub fn received(payload: &Json) -> Json {
    Json::trusted(format!("{{\"payload\":{payload}}}"))
}

/// What the step of a wait records once its time was over.
pub fn timed_out() -> Json {
    Json::null()
}

/// What such a step says: the payload, or `None` where the time was over; an error for what is
/// the result of another step.
pub fn payload_of(result: &Json) -> Result<Option<Json>, NoWait> {
    if *result == timed_out() {
        return Ok(None);
    }
    let text = result.as_str().strip_prefix("{\"payload\":");
    let payload = text.and_then(|text| text.strip_suffix('}'));
    payload.and_then(|payload| Json::parse(payload).ok()).map(Some).ok_or(NoWait)
}

/// The result of a step that is no wait for a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job recorded a step of its own under the name of a wait: give it another name")]
pub struct NoWait;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wait_recorded_is_read_again() {
        for payload in ["null", "{\"payload\":{}}", "[1, \"}\"]"] {
            let payload = Json::parse(payload).expect("JSON");
            assert_eq!(payload_of(&received(&payload)), Ok(Some(payload)));
        }
        assert_eq!(payload_of(&timed_out()), Ok(None));
        for other in ["7", "{}", "{\"payload\":1,\"more\":2}"] {
            assert_eq!(payload_of(&Json::parse(other).expect("JSON")), Err(NoWait), "{other}");
        }
    }
}
