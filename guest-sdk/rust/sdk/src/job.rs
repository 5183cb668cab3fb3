//! The list of jobs, and how one is called with JSON.
//!
//! `#[job]` makes one [`Job`] for each function and puts it on the list before anything runs.
//! Everything in it is static or a plain function pointer: schemas are made only when asked
//! for.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny};
use serde::ser::Serialize;

use crate::JobError;
use crate::input::unfit_input;

/// What a job may take: whatever derives `Deserialize` and `JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a job's input",
    label = "this type must be `Deserialize` and `JsonSchema`",
    note = "write `#[derive(Deserialize, JsonSchema)]` before it; the crates `serde` and \
            `schemars` have to be among your dependencies"
)]
pub trait Input: DeserializeOwned + JsonSchema {}
impl<T: DeserializeOwned + JsonSchema> Input for T {}

/// What a job may return: whatever derives `Serialize` and `JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a job's output",
    label = "this type must be `Serialize` and `JsonSchema`",
    note = "write `#[derive(Serialize, JsonSchema)]` before it; the crates `serde` and \
            `schemars` have to be among your dependencies"
)]
pub trait Output: Serialize + JsonSchema {}
impl<T: Serialize + JsonSchema> Output for T {}

/// What a fallible job returns.
#[diagnostic::on_unimplemented(
    message = "a job cannot return `{Self}`",
    label = "return a `Result` whose error turns into a `JobError`",
    note = "every `std::error::Error` does; for `anyhow::Error` and others that only display, \
            return `Result<_, JobError>` and write `.map_err(JobError::retry)?`"
)]
pub trait Attempt {
    /// What it is when all went well.
    type Output;
    /// With the error as the host knows it.
    fn into_result(self) -> Result<Self::Output, JobError>;
}

impl<O, E: Into<JobError>> Attempt for Result<O, E> {
    type Output = O;
    fn into_result(self) -> Result<O, JobError> {
        self.map_err(Into::into)
    }
}

/// How often a run is tried, and how long it waits in between.
#[allow(missing_docs, reason = "the fields are those of job-description in wit/job.wit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    pub max_attempts: u32,
    pub base_ms: u64,
    pub cap_ms: u64,
    pub jitter_percent: u8,
}

/// When a job runs by itself.
#[allow(missing_docs, reason = "the fields are those of job-description in wit/job.wit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    Manual,
    EveryMs(u64),
    Cron { expression: &'static str, time_zone: &'static str },
}

/// One job of this plugin. Made by `#[job]`.
#[allow(missing_docs, reason = "the fields are those of job-description in wit/job.wit")]
#[derive(Debug)]
pub struct Job {
    pub id: &'static str,
    pub display_name: &'static str,
    pub description: &'static str,
    pub queue: Option<&'static str>,
    pub retry: Option<RetryPolicy>,
    pub timeout_ms: Option<u64>,
    pub schedule: Schedule,
    pub default_input: Option<&'static str>,
    pub tags: &'static [&'static str],
    pub input_schema: fn() -> Option<String>,
    pub output_schema: fn() -> Option<String>,
    pub run: fn(&str) -> Result<String, JobError>,
}

inventory::collect!(Job);

/// Every job, ordered by id.
pub(crate) fn all() -> Vec<&'static Job> {
    let mut jobs: Vec<&'static Job> = inventory::iter::<Job>.into_iter().collect();
    jobs.sort_unstable_by_key(|job| job.id);
    jobs
}

/// Executes the job of this name.
pub(crate) fn run(id: &str, input: &str) -> Result<String, JobError> {
    match inventory::iter::<Job>.into_iter().find(|job| job.id == id) {
        Some(job) => (job.run)(input),
        None => {
            let names: Vec<&str> = all().into_iter().map(|job| job.id).collect();
            let message = format!("this plugin has no job {id:?}, only {}", names.join(", "));
            Err(JobError::permanent(message).with_type("unknown-job"))
        }
    }
}

/// Stands for the input of a job that takes none: any JSON will do.
#[derive(Debug)]
pub struct NoInput;

impl<'de> Deserialize<'de> for NoInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for NoInput {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Anything".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
    fn inline_schema() -> bool {
        true
    }
}

/// Calls a job with JSON in and out. Another attempt would meet the same input and make the
/// same output, so what does not fit fails for good.
pub fn call<I: Input, O: Output>(
    json: &str,
    job: impl FnOnce(I) -> Result<O, JobError>,
) -> Result<String, JobError> {
    let input = serde_json::from_str(json).map_err(|error| unfit_input(json, &error))?;
    let output = job(input)?;
    serde_json::to_string(&output).map_err(|error| unfit_output(&error))
}

fn unfit_output(error: &serde_json::Error) -> JobError {
    JobError::permanent(format_args!("the output does not serialise as JSON: {error}"))
        .with_type("invalid-output")
}

/// The schema of what a job accepts.
pub fn input_schema<I: Input>() -> Option<String> {
    schema_text::<I>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of what a job returns.
pub fn output_schema<O: Output>() -> Option<String> {
    schema_text::<O>(SchemaSettings::draft2020_12().for_serialize())
}

/// None where any value fits.
fn schema_text<T: JsonSchema>(settings: SchemaSettings) -> Option<String> {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The contract says which draft it is, and a type without a name of its own has a title
    // that says nothing.
    schema.remove("$schema");
    if T::inline_schema() {
        schema.remove("title");
    }
    let any = schema.as_object().is_none_or(|keys| keys.keys().all(|key| key == "title"));
    (!any).then(|| schema.as_value().to_string())
}
