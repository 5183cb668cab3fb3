//! The host of a component.

use crate::guest::bindings::zapjobs::job as imports;
use crate::steps::StepError;
use crate::waits::Waited;
use crate::{ChildState, ChildStatus, EnqueueError, EnqueueErrorKind, Trigger};

pub(crate) use imports::cancellation::is_requested as is_cancel_requested;
pub(crate) use imports::log::Field;
pub(crate) use imports::progress::{count_items, report as report_progress};
pub(crate) use imports::run_context::{
    attempt, correlation_id, deadline as deadline_ms, job, max_attempts, metadata, run_id, tenant,
};

pub(crate) fn min_level() -> log::Level {
    use imports::log::Level;
    match imports::log::min_level() {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}

pub(crate) fn write_log(level: log::Level, category: &str, message: &str, fields: &[Field]) {
    use imports::log::Level;
    let level = match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    };
    imports::log::write(level, category, message, fields);
}

pub(crate) fn trigger() -> Trigger {
    use imports::run_context::TriggerKind;
    match imports::run_context::trigger() {
        TriggerKind::Manual => Trigger::Manual,
        TriggerKind::Scheduled => Trigger::Scheduled,
        TriggerKind::Cron => Trigger::Cron,
        TriggerKind::Api => Trigger::Api,
        TriggerKind::Retry => Trigger::Retry,
        TriggerKind::Continuation => Trigger::Continuation,
    }
}

pub(crate) use imports::children::Request as ChildRequest;

pub(crate) fn enqueue(request: ChildRequest) -> Result<String, EnqueueError> {
    imports::children::enqueue(&request).map_err(not_taken)
}

pub(crate) fn enqueue_all(requests: Vec<ChildRequest>) -> Result<Vec<String>, EnqueueError> {
    imports::children::enqueue_all(&requests).map_err(not_taken)
}

pub(crate) fn child(id: &str) -> Result<Option<ChildState>, EnqueueError> {
    use imports::children::Status;
    let Some(state) = imports::children::child(id).map_err(not_taken)? else { return Ok(None) };
    let status = match state.status {
        Status::Waiting => ChildStatus::Waiting,
        Status::Running => ChildStatus::Running,
        Status::Completed => ChildStatus::Completed,
        Status::Failed => ChildStatus::Failed,
        Status::Cancelled => ChildStatus::Cancelled,
    };
    let output = state.output.and_then(|output| serde_json::from_str(&output).ok());
    let (error_type, error_message) = (state.error_type, state.error_message);
    Ok(Some(ChildState { status, output, error_type, error_message }))
}

fn not_taken(error: imports::children::Error) -> EnqueueError {
    use imports::children::ErrorKind;
    let kind = match error.kind {
        ErrorKind::UnknownJob => EnqueueErrorKind::UnknownJob,
        ErrorKind::NotGranted => EnqueueErrorKind::NotGranted,
        ErrorKind::BadInput => EnqueueErrorKind::BadInput,
        ErrorKind::BadOptions => EnqueueErrorKind::BadOptions,
        ErrorKind::QuotaReached => EnqueueErrorKind::QuotaReached,
        ErrorKind::LimitReached => EnqueueErrorKind::LimitReached,
        ErrorKind::Unavailable => EnqueueErrorKind::Unavailable,
        ErrorKind::Other => EnqueueErrorKind::Other,
    };
    EnqueueError::new(kind, error.message)
}

pub(crate) fn recorded_step(name: &str) -> Result<Option<String>, StepError> {
    imports::steps::recorded(name).map_err(not_recorded)
}

pub(crate) fn keep_step(name: &str, value: &str) -> Result<String, StepError> {
    imports::steps::keep(name, value).map_err(not_recorded)
}

pub(crate) fn sleep(name: &str, span_ms: u64) -> Result<bool, StepError> {
    imports::steps::sleep(name, span_ms).map_err(not_recorded)
}

pub(crate) fn wait_signal(name: &str, limit_ms: Option<u64>) -> Result<Waited, StepError> {
    use imports::steps::Waited as Told;
    Ok(match imports::steps::wait_signal(name, limit_ms).map_err(not_recorded)? {
        Told::Suspended => Waited::Suspended,
        Told::TimedOut => Waited::TimedOut,
        Told::Signal(payload) => Waited::Signal(payload),
    })
}

fn not_recorded(error: imports::steps::Error) -> StepError {
    use imports::steps::ErrorKind;
    let may_pass =
        matches!(error.kind, ErrorKind::Lost | ErrorKind::Unavailable | ErrorKind::Other);
    StepError { may_pass, message: error.message }
}
