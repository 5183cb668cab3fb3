//! Runs to try things with.

#[allow(unused_imports, reason = "each test file uses a part")]
pub(crate) use zapjobs_conformance::samples::{a_claim, a_run, completion};
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
