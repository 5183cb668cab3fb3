//! The types of `wit/job.wit`, as they cross the border.
//!
//! **Invariant:** names and order are those of the WIT; wasmtime checks them when a component
//! is linked. [`crate::describe`] and [`crate::verdict`] turn them into the model's.

mod children;
mod steps;

use wasmtime::component::{ComponentType, Lift, Lower, WasmStr};

pub(crate) use children::{ChildFailure, ChildInfo, ChildRequested};
pub(crate) use steps::{StepFailure, WaitedFor};

/// The package that this host knows.
pub(crate) const PACKAGE: &str = "zapjobs:job";
/// What it may have as its version: `0.1` and whatever is compatible.
pub(crate) const VERSION: &str = "0.1";
/// The version that the host's own imports are registered under.
pub(crate) const VERSION_FULL: &str = "0.1.0";
/// What a plugin exports.
pub(crate) const JOBS: &str = "zapjobs:job/jobs";

/// The interfaces that a plugin may import, and the functions in each.
pub(crate) const IMPORTS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("log", &["min-level", "write"]),
    ("progress", &["report", "count-items"]),
    (
        "run-context",
        &[
            "run-id",
            "attempt",
            "max-attempts",
            "job",
            "tenant",
            "trigger",
            "correlation-id",
            "deadline",
            "metadata",
        ],
    ),
    ("cancellation", &["is-requested"]),
    ("children", &["enqueue", "enqueue-all", "child"]),
    ("steps", &["recorded", "keep", "sleep", "wait-signal"]),
];

/// `run`: the job and its input in, an output or a failure out.
pub(crate) type RunParams<'a> = (&'a str, &'a str);
/// What `run` answers.
pub(crate) type RunResult = (Result<String, Failure>,);
/// What `describe` answers.
pub(crate) type DescribeResult = (Vec<JobDescription>,);

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Field {
    pub(crate) name: WasmStr,
    pub(crate) value: WasmStr,
}

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum TriggerKind {
    #[component(name = "manual")]
    Manual,
    #[component(name = "scheduled")]
    Scheduled,
    #[component(name = "cron")]
    Cron,
    #[component(name = "api")]
    Api,
    #[component(name = "retry")]
    Retry,
    #[component(name = "continuation")]
    Continuation,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct RetryPolicy {
    #[component(name = "max-attempts")]
    pub(crate) max_attempts: u32,
    pub(crate) base: u64,
    pub(crate) cap: u64,
    #[component(name = "jitter-percent")]
    pub(crate) jitter_percent: u8,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Cron {
    pub(crate) expression: String,
    #[component(name = "time-zone")]
    pub(crate) time_zone: String,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Schedule {
    #[component(name = "manual")]
    Manual,
    #[component(name = "interval")]
    Interval(u64),
    #[component(name = "cron")]
    Cron(Cron),
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct JobDescription {
    pub(crate) id: String,
    #[component(name = "display-name")]
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) queue: Option<String>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<u64>,
    pub(crate) schedule: Schedule,
    #[component(name = "default-input")]
    pub(crate) default_input: Option<String>,
    pub(crate) tags: Vec<String>,
    #[component(name = "input-schema")]
    pub(crate) input_schema: Option<String>,
    #[component(name = "output-schema")]
    pub(crate) output_schema: Option<String>,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum FailureKind {
    #[component(name = "retry")]
    Retry(Option<u64>),
    #[component(name = "permanent")]
    Permanent,
    #[component(name = "snooze")]
    Snooze(u64),
    #[component(name = "cancelled")]
    Cancelled,
}

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    #[component(name = "error-type")]
    pub(crate) error_type: String,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
}
