//! How a command ends when it does not end well.
//!
//! **Invariant:** a failure is one line that says what was wrong, where, and what to do; and
//! its exit code tells a script what kind it is, without reading the line.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;
use zapjobs_runtime::{OrderError, RescanError, StartError, SubmitError, WaitError};
use zapjobs_storage::StorageError;

/// How a command ends, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The run, the job or the build failed or was cancelled.
    Failed = 1,
    /// The arguments, the configuration, the input or a file named by them is wrong.
    Usage = 2,
    /// The storage, the plugins directory, the sandbox or a tool is not available.
    Unavailable = 3,
    /// The time given was over; the run goes on.
    Timeout = 4,
    /// Interrupted by a signal.
    Interrupted = 130,
}

/// What `--help` says about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done; with --wait, the run completed
  1    the run, the job or the build failed or was cancelled
  2    wrong arguments, configuration or input; no such run or job
  3    the storage, the plugins directory or a tool is not available
  4    the time given was over; the run goes on
  130  interrupted by a signal";

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
}

/// What a command comes to.
pub(crate) type Done<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        // Messages from elsewhere may have several lines; people and logs want one.
        let message: String = message.into();
        let lines: Vec<&str> =
            message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self { code, message: lines.join("; ") }
    }

    /// Something in the request is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Something around us is not there.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }

    /// The failure as JSON.
    pub(crate) fn as_json(&self) -> impl Serialize {
        serde_json::json!({ "error": { "code": self.code as u8, "message": self.message } })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::unavailable(format!("failed to {error}"))
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Storage(error) => error.into(),
            error => Self::usage(error.to_string()),
        }
    }
}

impl From<WaitError> for Failure {
    fn from(error: WaitError) -> Self {
        let code = match &error {
            WaitError::TimedOut(_) => Code::Timeout,
            WaitError::NotFound(_) => Code::Usage,
            WaitError::Storage(_) => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RescanError> for Failure {
    fn from(error: RescanError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match &error {
            OrderError::Unknown(_) => Self::usage(error.to_string()),
            OrderError::Unwritable(..) => Self::unavailable(error.to_string()),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Options(_) => Self::usage(error.to_string()),
            _ => Self::unavailable(error.to_string()),
        }
    }
}
