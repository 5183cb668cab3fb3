//! What becomes of a run that waits for a time or a signal.

use super::Ended;
use crate::{Outcome, Run, Timestamp, Transition, Usage, run::released, wait::Wait};

/// Decides what becomes of `run`, whose running attempt ended at `now` to wait. No attempt is
/// burnt. A run that was asked to stop is cancelled; one that would sleep beyond its deadline
/// fails, and one that waits for a signal waits until its deadline at most.
pub fn suspend(run: &Run, wait: &Wait, usage: Usage, now: Timestamp) -> Transition {
    let ended = Ended { run, usage, now };
    if run.cancel_requested {
        return ended.as_cancelled(&Outcome::HandedBack { after_ms: 0, error: None });
    }
    let latest = run.deadline.filter(|_| wait.signal.is_some());
    let until = latest.map_or(wait.until, |deadline| deadline.min(wait.until)).max(now);
    let waiting = ended.waiting(released(until, now), until.since(now), None);
    Transition { attempt: run.attempt.saturating_sub(1), ..waiting }
}
