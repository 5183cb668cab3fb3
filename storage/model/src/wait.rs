//! Waits within a run: it ends its attempt, gives its place to others, and goes on behind its
//! steps when its time has come or what it waits for has happened.
//!
//! **Invariant:** whether a run waits and whether it has been told is decided in one write: a
//! signal that came before is found when the run is suspended, and one that comes later finds
//! the run waiting.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    InvalidName, Lease, RunStatus, SignalName, StepName, Timestamp, Transition, run::released,
    step::STEPS_MAX,
};

/// The longest sleep, and the longest wait for a signal: ten years. Also the limit of a wait that
/// is given none.
pub const WAIT_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
/// How often a run may suspend itself at most, signals and orders from outside left aside. Each
/// sleep and each wait has a step of its own that says when it ends, and the run goes on only
/// then; so it is the bound of steps.
pub const SUSPENSIONS_MAX: u64 = STEPS_MAX;

/// What a suspended run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// A signal; none where it only sleeps.
    pub signal: Option<SignalName>,
    /// When it goes on at the latest.
    pub until: Timestamp,
}

/// The end of an attempt that waits, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// What becomes of the run: pending or scheduled. [`crate::settle::suspend`] makes it.
    pub transition: Transition,
    /// What it waits for.
    pub wait: Wait,
}

impl Suspension {
    /// What is written: where a signal of the name that the run waits for is there already, it
    /// goes on at once.
    pub fn decide(&self, has_signal: bool) -> Transition {
        let transition = self.transition.clone();
        if !has_signal || self.wait.signal.is_none() {
            return transition;
        }
        let status = released(transition.at, transition.at);
        Transition { status, due_at: Some(transition.at), ..transition }
    }
}

/// Whether a wait that was kept at the end of the attempt with this lease still stands: the run
/// was neither claimed anew nor made ready.
pub fn stands(wait_lease: Lease, run_status: RunStatus, run_lease: Lease) -> bool {
    run_status == RunStatus::Scheduled && run_lease == wait_lease
}

/// The step that says when a sleep ends.
pub fn sleep_step(name: &str) -> Result<StepName, InvalidName> {
    StepName::new(format!("sleep:{name}"))
}

/// The step of the nth wait (from 1) of a run for a signal: what came of it.
pub fn signal_step(name: &SignalName, nth: u32) -> Result<StepName, InvalidName> {
    StepName::new(format!("wait:{name}#{nth}"))
}

/// The step that says when that wait ends.
pub fn limit_step(name: &SignalName, nth: u32) -> Result<StepName, InvalidName> {
    StepName::new(format!("until:{name}#{nth}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_stands_until_its_run_is_ready_or_claimed() {
        let lease = Lease(3);
        assert!(stands(lease, RunStatus::Scheduled, lease));
        assert!(!stands(lease, RunStatus::Pending, lease), "it is ready");
        assert!(!stands(lease, RunStatus::Cancelled, lease), "it has ended");
        assert!(!stands(lease, RunStatus::Scheduled, Lease(4)), "it was claimed since");
    }

    #[test]
    fn steps_of_waits_are_numbered() {
        let name = SignalName::new("approved").expect("a name");
        assert_eq!(signal_step(&name, 2).expect("a name").as_str(), "wait:approved#2");
        assert_eq!(limit_step(&name, 2).expect("a name").as_str(), "until:approved#2");
        assert!(sleep_step(&"x".repeat(200)).is_err(), "no room for the prefix");
    }
}
