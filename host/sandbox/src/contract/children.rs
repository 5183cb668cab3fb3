//! The types of the interface `children`.

use wasmtime::component::{ComponentType, Lift, Lower};
use zapjobs_model::{ChildError, ChildErrorKind, ChildState, ChildStatus};

#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(crate) struct ChildRequested {
    pub(crate) job: String,
    pub(crate) input: String,
    pub(crate) options: String,
}

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum ErrorKind {
    #[component(name = "unknown-job")]
    UnknownJob,
    #[component(name = "not-granted")]
    NotGranted,
    #[component(name = "bad-input")]
    BadInput,
    #[component(name = "bad-options")]
    BadOptions,
    #[component(name = "quota-reached")]
    QuotaReached,
    #[component(name = "limit-reached")]
    LimitReached,
    #[component(name = "unavailable")]
    Unavailable,
    #[component(name = "other")]
    #[allow(dead_code, reason = "part of the interface")]
    Other,
}

#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct ChildFailure {
    kind: ErrorKind,
    message: String,
}

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Status {
    #[component(name = "waiting")]
    Waiting,
    #[component(name = "running")]
    Running,
    #[component(name = "completed")]
    Completed,
    #[component(name = "failed")]
    Failed,
    #[component(name = "cancelled")]
    Cancelled,
}

#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct ChildInfo {
    status: Status,
    output: Option<String>,
    #[component(name = "error-type")]
    error_type: Option<String>,
    #[component(name = "error-message")]
    error_message: Option<String>,
}

impl From<ChildError> for ChildFailure {
    fn from(error: ChildError) -> Self {
        let kind = match error.kind {
            ChildErrorKind::UnknownJob => ErrorKind::UnknownJob,
            ChildErrorKind::NotGranted => ErrorKind::NotGranted,
            ChildErrorKind::BadInput => ErrorKind::BadInput,
            ChildErrorKind::BadOptions => ErrorKind::BadOptions,
            ChildErrorKind::QuotaReached => ErrorKind::QuotaReached,
            ChildErrorKind::LimitReached => ErrorKind::LimitReached,
            ChildErrorKind::Unavailable => ErrorKind::Unavailable,
        };
        Self { kind, message: error.message }
    }
}

impl From<ChildState> for ChildInfo {
    fn from(state: ChildState) -> Self {
        let status = match state.status {
            ChildStatus::Waiting => Status::Waiting,
            ChildStatus::Running => Status::Running,
            ChildStatus::Completed => Status::Completed,
            ChildStatus::Failed => Status::Failed,
            ChildStatus::Cancelled => Status::Cancelled,
        };
        let (error_type, error_message) =
            state.error.map(|error| (error.error_type, error.message)).unzip();
        let output = state.output.map(|output| output.to_string());
        Self { status, output, error_type, error_message }
    }
}
