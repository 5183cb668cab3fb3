//! Errors of the layers below, as problems.

use zapjobs_model::InvalidRequest;
use zapjobs_runtime::{
    CalendarError, DeskError, OrderError, ScheduleError, SubmitError, UseTemplateError, WaitError,
};
use zapjobs_storage::{ErrorKind, StorageError};

use super::problem::{Code, PlacedError, Problem};

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let code = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Busy | ErrorKind::Full | ErrorKind::Closed => {
                Code::Unavailable
            }
            ErrorKind::InvalidRequest => Code::Invalid,
            ErrorKind::Conflict => Code::Conflict,
            ErrorKind::NotFound => Code::NotFound,
            _ => {
                tracing::error!("failed to {error}");
                let detail = format!("failed to {}: the server's log says why", error.operation());
                return Self::new(Code::Internal, detail);
            }
        };
        Self::new(code, format!("failed to {error}"))
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let code = match &error {
            SubmitError::Storage(_) | SubmitError::Conflict(_) => {
                let (SubmitError::Storage(error) | SubmitError::Conflict(error)) = error else {
                    unreachable!("matched above")
                };
                return error.into();
            }
            SubmitError::Invalid(InvalidRequest::InputTooLarge { .. }) => Code::TooLarge,
            SubmitError::Invalid(InvalidRequest::InputBreaksSchema { .. }) => {
                Code::InputBreaksSchema
            }
            SubmitError::Invalid(InvalidRequest::UnknownJobType { .. }) => Code::UnknownJobType,
            SubmitError::QuotaExceeded(_) => {
                return Self::new(Code::Quota, error.to_string()).retry_after(5);
            }
            SubmitError::Invalid(_)
            | SubmitError::Schema(..)
            | SubmitError::Workflow(_)
            | SubmitError::Batch(_) => Code::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

impl Problem {
    /// A refusal of the one run that a body asks for, whose input is a member of it: with each
    /// place of that which breaks its schema.
    pub(crate) fn of_run(error: SubmitError) -> Self {
        let SubmitError::Invalid(InvalidRequest::InputBreaksSchema { at, problem, more, .. }) =
            &error
        else {
            return error.into();
        };
        let placed = |at: &str, problem: &str| PlacedError {
            pointer: format!("/input{}", if at == "/" { "" } else { at }),
            detail: problem.to_owned(),
        };
        let more = more.iter().map(|it| placed(&it.at, &it.problem));
        let errors = std::iter::once(placed(at, problem)).chain(more).collect();
        Self::from(error).at(errors)
    }
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Self {
        let code = match error {
            ScheduleError::Submit(error) => return error.into(),
            ScheduleError::Storage(error) => return error.into(),
            ScheduleError::Invalid(error) => return Self::new(Code::Invalid, error.line()),
            ScheduleError::Calendar(CalendarError::NotFound(_)) => Code::Invalid,
            ScheduleError::Calendar(error) => return error.into(),
            ScheduleError::NotFound(_) => Code::NotFound,
            ScheduleError::Exists(_)
            | ScheduleError::Declared(_)
            | ScheduleError::NotDeclared(_) => Code::Conflict,
            ScheduleError::Contended(_) => Code::Busy,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CalendarError> for Problem {
    fn from(error: CalendarError) -> Self {
        let code = match error {
            CalendarError::Storage(error) => return error.into(),
            CalendarError::Invalid(error) => return Self::new(Code::Invalid, error.line()),
            CalendarError::NotFound(_) => Code::NotFound,
            CalendarError::InUse { .. } => Code::Conflict,
        };
        Self::new(code, error.to_string())
    }
}

impl From<UseTemplateError> for Problem {
    fn from(error: UseTemplateError) -> Self {
        let code = match error {
            UseTemplateError::Storage(error) => return error.into(),
            UseTemplateError::Submit(error) => return error.into(),
            UseTemplateError::Sample(error) => {
                let problem = Self::from(error);
                let detail = format!("with its defaults and examples: {}", problem.detail());
                return problem.saying(detail);
            }
            UseTemplateError::NotFound(_) => Code::NotFound,
            UseTemplateError::Template(_) => Code::Invalid,
        };
        Self::new(code, error.to_string())
    }
}

impl From<WaitError> for Problem {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::NotFound(id) => Self::unknown_run(id),
            WaitError::Storage(error) => error.into(),
            WaitError::TimedOut(_) => Self::new(Code::TimedOut, error.to_string()),
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Storage(error) => error.into(),
            DeskError::Unknown(_) => {
                Self::new(Code::NotFound, format!("{error}: GET /api/v1/plugins lists them"))
            }
            DeskError::Order(OrderError::Unknown(_)) => {
                Self::new(Code::Conflict, error.to_string())
            }
            DeskError::Order(OrderError::Unwritable(..)) | DeskError::Unreadable(_) => {
                tracing::error!("{error}");
                let detail = "the versions of plugins cannot be read or written: the server's log \
                              says why";
                Self::new(Code::Internal, detail)
            }
        }
    }
}
