//! Runs to try things with.

pub(crate) use zapjobs_conformance::samples::{a_claim, a_run, completion, listed_one_by_one};
use zapjobs_model::{Outcome, RetryPolicy, Run, Timestamp, Transition, Usage, settle};

/// The run's lease ran out.
pub(crate) fn lost(run: &Run, now: Timestamp) -> Transition {
    let policy = RetryPolicy::default();
    let mut lost = settle(run, Outcome::Lost, Usage::default(), now, &policy, 0.5);
    // At once: nobody waits for a test.
    if !lost.status.is_final() {
        lost.due_at = Some(now);
    }
    lost
}
