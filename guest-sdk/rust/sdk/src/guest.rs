//! The component: exports `zapjobs:job/jobs` for whatever jobs the plugin's crate has.

use std::io::Write as _;

use crate::{ErrorKind, JobError, job, logging, panics};

use bindings::exports::zapjobs::job::jobs;

#[allow(unsafe_code, unreachable_pub, missing_docs, reason = "generated from wit/job.wit")]
pub(crate) mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin" });
    use super::Component;
    export!(Component);
}

pub(crate) struct Component;

impl jobs::Guest for Component {
    fn describe() -> Vec<jobs::JobDescription> {
        panics::install();
        job::all().into_iter().map(describe).collect()
    }

    fn run(job: String, input: String) -> Result<String, jobs::Failure> {
        panics::install();
        logging::install();
        let result = job::run(&job, &input);
        // Nothing else would print what a line without an end has left in the buffer.
        let _ = std::io::stdout().flush();
        result.map_err(failure)
    }
}

fn describe(job: &job::Job) -> jobs::JobDescription {
    jobs::JobDescription {
        id: job.id.to_owned(),
        display_name: job.display_name.to_owned(),
        description: job.description.to_owned(),
        queue: job.queue.map(str::to_owned),
        retry: job.retry.map(|retry| jobs::RetryPolicy {
            max_attempts: retry.max_attempts,
            base: retry.base_ms,
            cap: retry.cap_ms,
            jitter_percent: retry.jitter_percent,
        }),
        timeout: job.timeout_ms,
        schedule: match job.schedule {
            job::Schedule::Manual => jobs::Schedule::Manual,
            job::Schedule::EveryMs(ms) => jobs::Schedule::Interval(ms),
            job::Schedule::Cron { expression, time_zone } => jobs::Schedule::Cron(jobs::Cron {
                expression: expression.to_owned(),
                time_zone: time_zone.to_owned(),
            }),
        },
        default_input: job.default_input.map(str::to_owned),
        tags: job.tags.iter().map(|&tag| tag.to_owned()).collect(),
        input_schema: (job.input_schema)(),
        output_schema: (job.output_schema)(),
    }
}

fn failure(error: JobError) -> jobs::Failure {
    let ms = |wait: std::time::Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let kind = match error.kind() {
        ErrorKind::Retry(wait) => jobs::FailureKind::Retry(wait.map(ms)),
        ErrorKind::Permanent => jobs::FailureKind::Permanent,
        ErrorKind::Snooze(wait) => jobs::FailureKind::Snooze(ms(wait)),
        ErrorKind::Cancelled => jobs::FailureKind::Cancelled,
    };
    jobs::Failure {
        kind,
        error_type: error.error_type().to_owned(),
        message: error.message().to_owned(),
        details: error.details().map(ToString::to_string),
    }
}
