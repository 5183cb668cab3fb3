//! The types of the interface `steps`.

use wasmtime::component::{ComponentType, Lift, Lower};
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
