//! What an attempt came to, and what it used.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Json;

/// Whose doing a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The job's own: an error it returned, a panic, a limit it reached.
    Guest,
    /// The host's: a crash, a lost lease, a full disk.
    Host,
    /// A person's: a cancellation, a plugin taken away.
    Operator,
}

/// Why a run failed, was cancelled or is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// A short name to group by: the job's own error type, or a [`StopReason`] name.
    #[serde(rename = "type")]
    pub error_type: String,
    /// What went wrong, for people.
    pub message: String,
    /// More, such as a backtrace, as JSON.
    pub details: Option<Json>,
    /// Whose doing it is.
    pub blame: Blame,
}

impl RunError {
    /// An error without details.
    pub fn new(blame: Blame, error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into(), details: None, blame }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

/// Why the sandbox ended an attempt that did not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The wall-clock limit, waits included.
    WallTime,
    /// The limit on the guest's own CPU time.
    CpuTime,
    /// The limit on memory and tables.
    Memory,
    /// The limit on the depth of calls.
    Stack,
    /// The limit on the size of the output.
    OutputTooLarge,
    /// A panic.
    Panic,
    /// Any other trap: unreachable code, a memory access out of bounds, a bad cast.
    Trap,
    /// The limit on host resources held at a time.
    Handles,
    /// The limit on bytes passed to the host in one call.
    HostcallBytes,
    /// The job broke the contract, such as an output that is no JSON.
    Contract,
}

impl StopReason {
    /// The name, as in a run's error type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WallTime => "wall-time",
            Self::CpuTime => "cpu-time",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::OutputTooLarge => "output-too-large",
            Self::Panic => "panic",
            Self::Trap => "trap",
            Self::Handles => "handles",
            Self::HostcallBytes => "hostcall-bytes",
            Self::Contract => "contract",
        }
    }

    /// Whether another attempt with the same code and input could end otherwise.
    /// A panic or a slow neighbour may pass; a limit on what the job computes will not.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::WallTime | Self::Panic | Self::Trap)
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job returned an output.
    Completed(Json),
    /// The job failed and may be tried again, after its own delay if it named one.
    Retry {
        /// Why.
        error: RunError,
        /// The delay it asks for, in milliseconds; the policy's where absent.
        after_ms: Option<u64>,
    },
    /// The job failed for good.
    Failed(RunError),
    /// The job asks to be run later. This is no failure and burns no attempt.
    Snoozed {
        /// How much later, in milliseconds.
        for_ms: u64,
    },
    /// The job stopped because it was asked to.
    Cancelled(RunError),
    /// The sandbox ended the attempt.
    Stopped {
        /// Why.
        reason: StopReason,
        /// What to tell people.
        error: RunError,
    },
    /// The lease ran out: the host died or could not reach the store.
    Lost,
    /// The host could not run the attempt.
    HostFault(RunError),
    /// The host gives the run back unexecuted or interrupted, such as at shutdown or when no
    /// plugin serves the job type now. It burns no attempt, however often it happens.
    HandedBack {
        /// Not before this many milliseconds from now.
        after_ms: u64,
        /// Why, where an operator should know.
        error: Option<RunError>,
    },
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Microseconds of guest code.
    pub cpu_us: u64,
    /// Microseconds from start to end.
    pub wall_us: u64,
    /// Bytes of memories and tables at their largest.
    pub memory_bytes_peak: u64,
    /// Bytes of log text kept.
    pub log_bytes: u64,
    /// Log lines kept.
    pub log_lines: u64,
    /// Log lines dropped because a limit was reached.
    pub log_lines_dropped: u64,
    /// Bytes of output.
    pub output_bytes: u64,
    /// Microseconds that the guest waited for the host: for time to pass, files or answers.
    pub wait_us: u64,
    /// Outbound HTTP requests that were sent.
    pub http_requests: u64,
    /// Bytes of their bodies.
    pub http_sent_bytes: u64,
    /// Bytes of their answers' bodies.
    pub http_received_bytes: u64,
}

/// What a sandbox tells of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it came to.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
}
