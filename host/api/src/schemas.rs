//! The shapes of answers, for the OpenAPI document alone.
//!
//! Answers are the model's own types, which know nothing of HTTP. **Invariant:** the names of a
//! shape are those that the type is written with; the tests below compare them.
#![allow(dead_code, reason = "the fields are read by the derive of their schemas")]

mod kept;

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

pub(crate) use kept::{
    BatchDocument, BatchReportDocument, CalendarRulesDocument, TemplateDocument,
};

/// A run: one request to execute a job, with all that has become of it.
#[derive(ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunDocument {
    /// Its id.
    id: String,
    /// Whose run it is.
    tenant: String,
    /// Which job.
    job_type: String,
    /// In which line it waits or waited.
    queue: String,
    /// Its place in that line, -1000 to 1000, higher first.
    priority: i16,
    /// What caused it: manual, scheduled, cron, api, retry or continuation.
    trigger: String,
    /// Where it stands: pending, scheduled, running, completed, failed, cancelled, awaiting-retry
    /// or held.
    status: String,
    /// What the job is given.
    input: Value,
    /// What the job returned, once completed.
    output: Value,
    /// Why it failed, was cancelled or is tried again.
    error: Option<ErrorDocument>,
    /// When it was stored.
    created_at: String,
    /// Since when it is ready, or when it will be.
    due_at: String,
    /// When the latest attempt began.
    started_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
    /// After this instant it is neither started nor tried again.
    deadline: Option<String>,
    /// Attempts used, the running one included.
    attempt: u32,
    /// How often it is tried at most.
    max_attempts: u32,
    /// Attempts that ended through the host's fault.
    host_faults: u32,
    /// The number of the latest claim.
    lease: u64,
    /// When the running attempt counts as lost unless it is renewed.
    lease_expires_at: Option<String>,
    /// The worker of the latest claim.
    worker: Option<String>,
    /// Whether someone asked a running attempt to stop.
    cancel_requested: bool,
    /// How far it has come.
    progress: ProgressDocument,
    /// How many items it has dealt with.
    counts: ItemCountsDocument,
    /// What the latest attempt used.
    usage: BTreeMap<String, u64>,
    /// Which code the latest attempt ran.
    digest: Option<String>,
    /// Ties it to something outside.
    correlation_id: Option<String>,
    /// The run that caused it.
    parent: Option<String>,
    /// Labels.
    tags: Vec<String>,
    /// Texts by name.
    metadata: BTreeMap<String, String>,
    /// By what it shares a limit per key.
    limit_key: Option<String>,
    /// The key that it holds until it has come so far.
    unique: Value,
    /// The batch that it is a member of.
    batch: Option<String>,
}

/// Why a run did not go well.
#[derive(ToSchema)]
#[schema(as = RunError)]
pub(crate) struct ErrorDocument {
    /// A short name to group by.
    #[schema(rename = "type")]
    kind: String,
    /// What went wrong, for people.
    message: String,
    /// More, as JSON.
    details: Value,
    /// Whose doing it is: guest, host or operator.
    blame: String,
}

/// How far a run has come, as the job tells.
#[derive(ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressDocument {
    /// Units of work done.
    done: u64,
    /// Units of work in all, where the job knows.
    total: Option<u64>,
    /// What the job is at.
    message: String,
}

/// How many items a run has dealt with.
#[derive(ToSchema)]
#[schema(as = ItemCounts)]
pub(crate) struct ItemCountsDocument {
    /// Looked at.
    processed: u64,
    /// Went well.
    succeeded: u64,
    /// Did not.
    failed: u64,
}

/// How many runs stand where.
#[derive(ToSchema)]
#[schema(as = Counts, rename_all = "kebab-case")]
pub(crate) struct CountsDocument {
    /// Ready.
    pending: u64,
    /// Waiting for their time.
    scheduled: u64,
    /// Claimed.
    running: u64,
    /// Ended well.
    completed: u64,
    /// Ended badly.
    failed: u64,
    /// Ended on request.
    cancelled: u64,
    /// Waiting to be tried again.
    awaiting_retry: u64,
    /// Waiting for something other than time.
    held: u64,
}

/// A line of a log.
#[derive(ToSchema)]
#[schema(as = LogEntry)]
pub(crate) struct LogDocument {
    /// Whose line it is.
    run: String,
    /// The claim under which it was said.
    lease: u64,
    /// Its number within that claim.
    index: u32,
    /// When it was said.
    at: String,
    /// trace, debug, info, warn or error.
    level: String,
    /// Who said it.
    category: String,
    /// What was said.
    message: String,
    /// Further fields, an object.
    fields: Value,
}

/// A step that a run recorded.
#[derive(ToSchema)]
#[schema(as = Step)]
pub(crate) struct StepDocument {
    /// What the job calls it.
    name: String,
    /// What it came to.
    result: Value,
    /// When it was recorded.
    at: String,
}

/// A run that another waits for.
#[derive(ToSchema)]
#[schema(as = Dependency)]
pub(crate) struct DependencyDocument {
    /// Which.
    run: String,
    /// How it must end: success, failure or always.
    on: String,
}

/// What became of many runs.
#[derive(ToSchema)]
#[schema(as = BulkReport, rename_all = "kebab-case")]
pub(crate) struct BulkDocument {
    /// The change is made.
    done: usize,
    /// Running runs that were asked to stop.
    asked: usize,
    /// Runs that stay as they are, by why.
    refused: BTreeMap<String, usize>,
    /// Runs that are not there.
    gone: usize,
    /// Whether there are more runs than were looked at.
    has_more: bool,
}

/// A job type as configured.
#[derive(ToSchema)]
#[schema(as = JobDefinition)]
pub(crate) struct JobDocument {
    /// Its tenant and job type.
    key: BTreeMap<String, String>,
    /// What people call it.
    display_name: String,
    /// What it does.
    description: String,
    /// Where its runs wait unless said otherwise.
    queue: String,
    /// When its plugin wants it to run by itself.
    schedule: Value,
    /// How often a run is tried, and how long it waits in between.
    retry: Value,
    /// Wall-clock limit of one attempt, in milliseconds.
    timeout_ms: Option<u64>,
    /// Labels that its runs inherit.
    tags: Vec<String>,
    /// What a scheduled run is given.
    default_input: Value,
    /// JSON Schema of the input.
    input_schema: Value,
    /// JSON Schema of the output.
    output_schema: Value,
    /// The code that serves it; null once its plugin was removed.
    digest: Option<String>,
    /// How its latest finished run ended.
    last_status: Option<String>,
}

/// A schedule, and what it says in plain English.
#[derive(ToSchema)]
#[schema(as = JobSchedule)]
pub(crate) struct ScheduleDocument {
    /// Its tenant and name.
    key: BTreeMap<String, String>,
    /// Which job it runs.
    job_type: String,
    /// When: of `kind` `cron` (with `expression`, `time_zone`), `interval` (`every_ms`, `start`) or
    /// `once` (`at`).
    rule: Value,
    /// What its runs are given; the job's default input where null.
    input: Value,
    /// Where its runs wait; the job's queue where null.
    queue: Option<String>,
    /// The place of its runs in that queue.
    priority: i16,
    /// Labels of its runs.
    tags: Vec<String>,
    /// Whether it fires.
    enabled: bool,
    /// What becomes of missed fire times.
    missed: Value,
    /// A fire time later than this is missed.
    tolerance_ms: u64,
    /// What becomes of fire times while its latest run goes on.
    overlap: String,
    /// Calendars that exclude times.
    calendars: Vec<String>,
    /// What becomes of excluded times: skip or next-open-time.
    on_excluded: String,
    /// Who made it: plugin or operator.
    origin: String,
    /// The rule that a plugin declares for it.
    declared: Value,
    /// Whether a person changed what the plugin declares.
    overridden: bool,
    /// The next fire time.
    next_fire_at: Option<String>,
    /// The latest fire time that became a run.
    last_fire_at: Option<String>,
    /// Its latest run.
    last_run: Option<String>,
    /// A fire time that waits until the latest run has ended.
    held: Option<String>,
    /// When to look whether it has.
    look_at: Option<String>,
    /// Fire times that became no run.
    skipped: u64,
    /// Why the latest fire time became no run.
    problem: Option<String>,
    /// Rises with each write.
    revision: u64,
    /// What the rule says in plain English.
    description: String,
}
