//! The shapes of what is kept beside runs: batches, calendars, templates.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::BulkDocument;

/// A batch, and where it stands.
#[derive(ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchDocument {
    /// Its id.
    id: String,
    /// Whose batch it is.
    tenant: String,
    /// What it is called.
    name: Option<String>,
    /// The batch that it is a member of.
    parent: Option<String>,
    /// When it was stored.
    created_at: String,
    /// Whether no more members are added.
    is_closed: bool,
    /// Members that were ever added; a batch within it is one.
    total: u64,
    /// Members that have not ended.
    unfinished: u64,
    /// Members that ended well.
    completed: u64,
    /// Members that ended badly.
    failed: u64,
    /// Members that were called off.
    cancelled: u64,
    /// When it was first found closed and without unfinished members.
    completed_at: Option<String>,
    /// When it was found that all members completed.
    succeeded_at: Option<String>,
    /// The run that is let go once it is complete.
    on_complete: Option<String>,
    /// The run that is let go once it succeeded.
    on_success: Option<String>,
    /// In a word: open, running, complete, running again or succeeded.
    state: String,
}

/// What became of a whole batch.
#[derive(ToSchema)]
#[schema(as = BatchReport, rename_all = "kebab-case")]
pub(crate) struct BatchReportDocument {
    /// Batches looked at: itself, and those within it.
    batches: usize,
    /// What became of their runs.
    runs: BulkDocument,
    /// Whether there were more batches than were looked at.
    has_more_batches: bool,
}

/// What a calendar excludes.
#[derive(ToSchema)]
#[schema(as = CalendarRules)]
pub(crate) struct CalendarRulesDocument {
    /// What it is for, in plain words.
    #[schema(required = false)]
    description: String,
    /// Where its days and hours hold, such as Europe/Lisbon; UTC where absent.
    #[schema(required = false)]
    time_zone: String,
    /// Single days, such as 2027-04-02.
    #[schema(required = false)]
    dates: Vec<String>,
    /// Days from one to another: `{"from": DAY, "to": DAY}`.
    #[schema(required = false)]
    ranges: Vec<Value>,
    /// Days of every year, such as 12-25.
    #[schema(required = false)]
    yearly: Vec<String>,
    /// Days of every week: SAT, or MON-FRI.
    #[schema(required = false)]
    weekdays: Vec<String>,
    /// Spans that begin when a cron expression fires.
    #[schema(required = false)]
    windows: Vec<Value>,
    /// Where there are any, all other hours are excluded.
    #[schema(required = false)]
    business_hours: Vec<Value>,
}

/// A preset of a job and its input.
#[derive(ToSchema)]
#[schema(as = Template)]
pub(crate) struct TemplateDocument {
    /// What it is for, in plain words.
    #[schema(required = false)]
    description: String,
    /// Which job.
    #[schema(example = "send-mail")]
    job: String,
    /// Its input, in which `{"$param": "name"}` stands where a value is to be filled in.
    #[schema(required = false)]
    input: Value,
    /// What can be filled in, each with `description`, `schema`, `default`, `example`, `required`.
    #[schema(required = false)]
    parameters: BTreeMap<String, Value>,
    /// In which queue its runs wait.
    queue: Option<String>,
    /// Their place in it, -1000 to 1000.
    #[schema(required = false)]
    priority: i16,
    /// Their labels.
    #[schema(required = false)]
    tags: Vec<String>,
    /// How long they are put off.
    delay_ms: Option<u64>,
    /// How often they are tried.
    max_attempts: Option<u32>,
}
