//! The host of a component.

use crate::Trigger;
use crate::guest::bindings::zapjobs::job as imports;

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
