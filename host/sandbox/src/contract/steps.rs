//! The types of the interface `steps`.

use wasmtime::component::{ComponentType, Lift, Lower};
use zapjobs_model::port::Waited;
use zapjobs_model::{StepError, StepErrorKind};

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum ErrorKind {
    #[component(name = "bad-name")]
    BadName,
    #[component(name = "bad-value")]
    BadValue,
    #[component(name = "limit-reached")]
    LimitReached,
    #[component(name = "lost")]
    Lost,
    #[component(name = "unavailable")]
    Unavailable,
    #[component(name = "other")]
    #[allow(dead_code, reason = "part of the interface")]
    Other,
}

#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct StepFailure {
    kind: ErrorKind,
    message: String,
}

/// What came of a wait for a signal.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
pub(crate) enum WaitedFor {
    #[component(name = "suspended")]
    Suspended,
    #[component(name = "timed-out")]
    TimedOut,
    #[component(name = "signal")]
    Signal(String),
}

impl From<Waited> for WaitedFor {
    fn from(waited: Waited) -> Self {
        match waited {
            Waited::Suspended => Self::Suspended,
            Waited::TimedOut => Self::TimedOut,
            Waited::Signal(payload) => Self::Signal(payload.to_string()),
        }
    }
}

impl From<StepError> for StepFailure {
    fn from(error: StepError) -> Self {
        let kind = match error.kind {
            StepErrorKind::BadName => ErrorKind::BadName,
            StepErrorKind::BadResult => ErrorKind::BadValue,
            StepErrorKind::LimitReached => ErrorKind::LimitReached,
            StepErrorKind::Lost => ErrorKind::Lost,
            StepErrorKind::Unavailable => ErrorKind::Unavailable,
        };
        Self { kind, message: error.message }
    }
}
