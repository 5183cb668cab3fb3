//! The host of a test: the thread's recorder.

use crate::steps::StepError;
use crate::testing::recorder::{Recorder, with_current};
use crate::testing::{ItemCounts, LogLine, Progress};
use crate::waits::Waited;
use crate::{ChildState, EnqueueError, Trigger};

/// One field of a log line.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// As JSON text.
    pub(crate) value: String,
}

pub(crate) fn min_level() -> log::Level {
    with_current(|recorder| recorder.min_level)
}

pub(crate) fn write_log(level: log::Level, category: &str, message: &str, fields: &[Field]) {
    let fields = fields
        .iter()
        .map(|field| {
            let value = serde_json::from_str(&field.value).expect("fields are told as JSON");
            (field.name.clone(), value)
        })
        .collect();
    let (category, message) = (category.to_owned(), message.to_owned());
    with_current(|recorder| recorder.logs.push(LogLine { level, category, message, fields }));
}

pub(crate) fn report_progress(done: u64, total: Option<u64>, message: &str) {
    let message = message.to_owned();
    with_current(|recorder| recorder.progress.push(Progress { done, total, message }));
}

pub(crate) fn count_items(processed: u64, succeeded: u64, failed: u64) {
    let counts = ItemCounts { processed, succeeded, failed };
    with_current(|recorder| recorder.counts = Some(counts));
}

pub(crate) fn is_cancel_requested() -> bool {
    with_current(Recorder::look_for_cancellation)
}

pub(crate) fn run_id() -> String {
    with_current(|recorder| recorder.run_id.clone())
}

pub(crate) fn attempt() -> u32 {
    with_current(|recorder| recorder.attempt)
}

pub(crate) fn max_attempts() -> u32 {
    with_current(|recorder| recorder.max_attempts)
}

pub(crate) fn job() -> String {
    with_current(|recorder| recorder.job.clone())
}

pub(crate) fn tenant() -> String {
    with_current(|recorder| recorder.tenant.clone())
}

pub(crate) fn trigger() -> Trigger {
    with_current(|recorder| recorder.trigger)
}

pub(crate) fn correlation_id() -> Option<String> {
    with_current(|recorder| recorder.correlation_id.clone())
}

pub(crate) fn deadline_ms() -> Option<u64> {
    with_current(|recorder| recorder.deadline_ms)
}

pub(crate) fn metadata() -> Vec<(String, String)> {
    with_current(|recorder| recorder.metadata.clone().into_iter().collect())
}

/// A run to be enqueued.
#[derive(Debug, Clone)]
pub(crate) struct ChildRequest {
    pub(crate) job: String,
    /// As JSON text.
    pub(crate) input: String,
    /// As JSON text, or empty.
    pub(crate) options: String,
}

pub(crate) fn enqueue(request: ChildRequest) -> Result<String, EnqueueError> {
    with_current(|recorder| recorder.children.enqueue(request))
}

pub(crate) fn enqueue_all(requests: Vec<ChildRequest>) -> Result<Vec<String>, EnqueueError> {
    requests.into_iter().map(enqueue).collect()
}

pub(crate) fn child(id: &str) -> Result<Option<ChildState>, EnqueueError> {
    with_current(|recorder| Ok(recorder.children.state(id)))
}

pub(crate) fn recorded_step(name: &str) -> Result<Option<String>, StepError> {
    with_current(|recorder| {
        let found = recorder.steps.iter().find(|(known, _)| known == name);
        Ok(found.map(|(_, value)| value.to_string()))
    })
}

/// With the bounds of a host on names.
pub(crate) fn keep_step(name: &str, value: &str) -> Result<String, StepError> {
    with_current(|recorder| {
        let kept = serde_json::from_str(value).expect("a value is told as JSON");
        recorder.keep(name, kept)?;
        Ok(value.to_owned())
    })
}

pub(crate) fn sleep(name: &str, span_ms: u64) -> Result<bool, StepError> {
    with_current(|recorder| recorder.sleep(name, span_ms))
}

/// However long its limit: time passes when the test says so.
pub(crate) fn wait_signal(name: &str, _limit_ms: Option<u64>) -> Result<Waited, StepError> {
    with_current(|recorder| recorder.wait_signal(name))
}
