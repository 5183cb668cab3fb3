//! The host of a test: the thread's recorder.

use crate::Trigger;
use crate::testing::recorder::{Recorder, with_current};
use crate::testing::{ItemCounts, LogLine, Progress};

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
