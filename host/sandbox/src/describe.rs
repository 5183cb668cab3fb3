//! Turns what a plugin says of itself into the model's job descriptions.
//!
//! **Invariant:** what comes out is within the model's bounds. The error names the job and
//! the field.

use zapjobs_model::plugin::{
    DESCRIPTION_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, JOB_TYPES_MAX, SCHEMA_BYTES_MAX,
};
use zapjobs_model::port::LoadError;
use zapjobs_model::submit::TAGS_MAX;
use zapjobs_model::{JobDescription, JobType, Json, Limits, QueueName, RetryPolicy, Schedule, Tag};

use crate::{contract, text};

/// What a plugin may use to describe itself.
pub(crate) fn limits() -> Limits {
    Limits {
        memory_bytes_max: 64 << 20,
        cpu_ms_max: 1_000,
        wall_ms_max: 2_000,
        log_lines_max: 1_000,
        ..Limits::default()
    }
}

/// Bytes that a description may have in all.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Checks and converts all of a plugin's descriptions.
pub(crate) fn convert(
    described: Vec<contract::JobDescription>,
) -> Result<Vec<JobDescription>, LoadError> {
    if described.is_empty() {
        return Err(LoadError(
            "this plugin describes no jobs: add at least one job to it".to_owned(),
        ));
    }
    if described.len() > JOB_TYPES_MAX {
        return Err(LoadError(format!(
            "this plugin describes {} jobs: split it into plugins of at most {JOB_TYPES_MAX}",
            described.len()
        )));
    }
    let mut jobs: Vec<JobDescription> = Vec::with_capacity(described.len());
    for job in described {
        let id = text::name(&job.id, 100);
        let job = convert_one(job)
            .map_err(|problem| LoadError(format!("this plugin's job {id:?}: {problem}")))?;
        if jobs.iter().any(|other| other.job_type == job.job_type) {
            return Err(LoadError(format!(
                "this plugin describes the job {id:?} twice: give each job its own id"
            )));
        }
        jobs.push(job);
    }
    Ok(jobs)
}

fn convert_one(job: contract::JobDescription) -> Result<JobDescription, String> {
    Ok(JobDescription {
        job_type: JobType::new(&job.id).map_err(|error| error.to_string())?,
        display_name: bounded("display-name", job.display_name, DISPLAY_NAME_BYTES_MAX)?,
        description: bounded("description", job.description, DESCRIPTION_BYTES_MAX)?,
        queue: job.queue.map(QueueName::new).transpose().map_err(|error| error.to_string())?,
        retry: retry(job.retry)?,
        timeout_ms: timeout(job.timeout)?,
        schedule: schedule(job.schedule)?,
        default_input: default_input(job.default_input)?,
        tags: tags(&job.tags)?,
        input_schema: schema("input-schema", job.input_schema)?,
        output_schema: schema("output-schema", job.output_schema)?,
    })
}

fn bounded(field: &str, text: String, bytes_max: usize) -> Result<String, String> {
    if text.len() > bytes_max {
        return Err(format!("{field} has {} bytes: use at most {bytes_max}", text.len()));
    }
    Ok(text)
}

fn retry(policy: Option<contract::RetryPolicy>) -> Result<RetryPolicy, String> {
    let Some(policy) = policy else { return Ok(RetryPolicy::default()) };
    let policy = RetryPolicy {
        max_attempts: policy.max_attempts,
        base_ms: policy.base,
        cap_ms: policy.cap,
        jitter: f64::from(policy.jitter_percent) / 100.0,
        ..RetryPolicy::default()
    };
    policy.checked().map_err(|error| format!("retry: {error}"))
}

fn timeout(timeout_ms: Option<u64>) -> Result<Option<u64>, String> {
    match timeout_ms {
        Some(0) => Err("timeout is 0: use at least 1 ms, or none".to_owned()),
        other => Ok(other),
    }
}

fn schedule(schedule: contract::Schedule) -> Result<Schedule, String> {
    match schedule {
        contract::Schedule::Manual => Ok(Schedule::Manual),
        contract::Schedule::Interval(every_ms) => Schedule::every_ms(every_ms),
        contract::Schedule::Cron(cron) => {
            // Longer than any expression that means something, and shorter than what would
            // take long to parse.
            let expression = bounded("schedule", cron.expression, 500)?;
            let time_zone = bounded("time-zone", cron.time_zone, 100)?;
            Schedule::cron(&expression, &time_zone)
        }
    }
    .map_err(|error| error.line())
}

fn default_input(input: Option<String>) -> Result<Option<Json>, String> {
    let parse = |text: String| {
        let bytes_max = Limits::default().input_bytes_max;
        if text.len() as u64 > bytes_max {
            return Err(format!("default-input has {} bytes: use at most {bytes_max}", text.len()));
        }
        Json::parse(&text).map_err(|error| format!("default-input: {error}"))
    };
    input.map(parse).transpose()
}

fn tags(tags: &[String]) -> Result<Vec<Tag>, String> {
    if tags.len() > TAGS_MAX {
        return Err(format!("tags: there are {}: use at most {TAGS_MAX}", tags.len()));
    }
    tags.iter().map(|tag| Tag::new(tag).map_err(|error| error.to_string())).collect()
}

fn schema(field: &str, schema: Option<String>) -> Result<Option<Json>, String> {
    let Some(schema) = schema else { return Ok(None) };
    let schema = Json::parse(&bounded(field, schema, SCHEMA_BYTES_MAX)?)
        .map_err(|error| format!("{field}: {error}"))?;
    match schema.to_value() {
        Ok(serde_json::Value::Object(_) | serde_json::Value::Bool(_)) => Ok(Some(schema)),
        Ok(_) => Err(format!("{field} is no JSON Schema: use a JSON object")),
        Err(error) => Err(format!("{field}: {error}")),
    }
}
