//! What a job may know of its run, and whether it should stop.

use std::time::{Duration, SystemTime};

use crate::{JobError, host};

/// What a job may know of its run. A job gets it as its last parameter, `ctx: &Context`, or
/// anywhere by [`Context::current`]. Each question goes to the host and costs about 0.1 us.
#[derive(Debug)]
#[non_exhaustive]
pub struct Context {}

/// What caused a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// A person.
    Manual,
    /// An interval schedule.
    Scheduled,
    /// A cron schedule.
    Cron,
    /// A program.
    Api,
    /// A finished run that was asked to run again.
    Retry,
    /// Another run that ended.
    Continuation,
}

impl Context {
    /// The context of the run that calls.
    pub fn current() -> Self {
        Self {}
    }

    /// The run's id, a UUID in lower case. The same for all its attempts: use it as the key
    /// that makes outside effects happen once.
    pub fn run_id(&self) -> String {
        host::run_id()
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        host::attempt()
    }

    /// How many attempts there may be.
    pub fn max_attempts(&self) -> u32 {
        host::max_attempts()
    }

    /// Whether no attempt follows this one.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt() >= self.max_attempts()
    }

    /// The id of the job.
    pub fn job(&self) -> String {
        host::job()
    }

    /// Whose run it is.
    pub fn tenant(&self) -> String {
        host::tenant()
    }

    /// What caused it.
    pub fn trigger(&self) -> Trigger {
        host::trigger()
    }

    /// What ties it to something outside, if anything.
    pub fn correlation_id(&self) -> Option<String> {
        host::correlation_id()
    }

    /// When this attempt will be stopped at the latest, in whole milliseconds.
    pub fn deadline(&self) -> Option<SystemTime> {
        host::deadline_ms().map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
    }

    /// How long until this attempt will be stopped at the latest; zero once that has passed.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline()?;
        Some(deadline.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// What the submitter attached, ordered by key.
    pub fn metadata(&self) -> Vec<(String, String)> {
        host::metadata()
    }

    /// What the submitter attached under this key.
    pub fn metadata_value(&self, key: &str) -> Option<String> {
        self.metadata().into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// Whether someone asked the run to stop. A job that asks has five seconds from the request to
/// end by itself, best with [`JobError::cancelled`]; one that never asks is stopped at once.
/// Costs about 0.1 us.
pub fn is_cancel_requested() -> bool {
    host::is_cancel_requested()
}

/// Ends the job with `?` when someone asked the run to stop:
///
/// ```
/// # use zapjobs_sdk::prelude::*;
/// fn sum(numbers: &[u64]) -> Result<u64, JobError> {
///     let mut sum = 0;
///     for number in numbers {
///         check_cancelled()?;
///         sum += number;
///     }
///     Ok(sum)
/// }
/// # assert_eq!(sum(&[1, 2]), Ok(3));
/// ```
pub fn check_cancelled() -> Result<(), JobError> {
    if is_cancel_requested() { Err(JobError::cancelled()) } else { Ok(()) }
}
