//! Whether inputs that wait still fit once a new version has come.
//!
//! **Invariant:** the work is bounded, whatever waits; what was not looked at is told.

use std::fmt;
use std::sync::Arc;

use zapjobs_model::{JobDefinition, JobType, Json, Run, RunStatus};
use zapjobs_storage::{Cursor, RunFilter, RunPageRequest, Storage, StorageError};

use crate::schema::InputSchema;

/// Waiting inputs of one job type that are looked at, latest first.
const INPUTS_SAMPLED_MAX: usize = 1_000;
/// Bytes of them.
const INPUT_BYTES_SAMPLED_MAX: usize = 64 << 20;
/// Inputs read at a time.
const PAGE: usize = 100;
/// Characters of a reason that are told.
const REASON_CHARS_MAX: usize = 300;
/// Where a run waits.
const WAITING: [RunStatus; 4] =
    [RunStatus::Pending, RunStatus::Scheduled, RunStatus::AwaitingRetry, RunStatus::Held];

/// What is done about inputs that wait and do not fit a new version's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaCheck {
    /// They are not looked at.
    Off,
    /// The version is taken, and they are told of.
    #[default]
    Warn,
    /// The version is held back until an operator approves it, or they are gone.
    Hold,
}

/// Waiting inputs of a job type that do not fit its new schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfits {
    /// Which job.
    pub job_type: JobType,
    /// How many do not fit, of those that were looked at.
    pub unfit: usize,
    /// How many were looked at.
    pub looked_at: usize,
    /// How many wait.
    pub waiting: u64,
    /// What is wrong with the latest of them.
    pub first: String,
}

impl fmt::Display for Misfits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job_type, unfit, looked_at, waiting, first } = self;
        write!(f, "{unfit} of {looked_at} waiting inputs of {job_type} do not fit the new schema")?;
        if *waiting > *looked_at as u64 {
            write!(f, " ({waiting} wait in all)")?;
        }
        write!(f, ": {first}")
    }
}

/// Looks at what waits for a definition whose schema changes. `None` where all of it fits.
pub(super) async fn misfits(
    storage: &dyn Storage,
    new: &JobDefinition,
    stored: Option<&JobDefinition>,
) -> Result<Option<Misfits>, StorageError> {
    let (Some(schema), Some(stored)) = (&new.input_schema, stored) else { return Ok(None) };
    if stored.input_schema.as_ref() == Some(schema) {
        return Ok(None);
    }
    // It compiled before; if not now, the version is refused elsewhere.
    let Ok(schema) = InputSchema::compile(schema).map(Arc::new) else { return Ok(None) };
    let filter = RunFilter {
        statuses: WAITING.to_vec(),
        tenant: Some(new.key.tenant.clone()),
        job_type: Some(new.key.job_type.clone()),
        ..RunFilter::default()
    };
    let job_type = new.key.job_type.clone();
    let mut sample = Sample { schema, job_type, looked_at: 0, bytes: 0, unfit: 0, first: None };
    let mut after: Option<Cursor> = None;
    loop {
        let request = RunPageRequest { filter: filter.clone(), after, limit: PAGE };
        let page = storage.runs(request).await?;
        sample = sample.with(page.runs).await;
        after = page.next;
        if after.is_none() || sample.is_full() {
            break;
        }
    }
    let Some(first) = sample.first else { return Ok(None) };
    let counts = storage.counts(&filter).await?;
    Ok(Some(Misfits {
        job_type: sample.job_type,
        unfit: sample.unfit,
        looked_at: sample.looked_at,
        waiting: counts.total(),
        first,
    }))
}

struct Sample {
    schema: Arc<InputSchema>,
    job_type: JobType,
    looked_at: usize,
    bytes: usize,
    unfit: usize,
    first: Option<String>,
}

impl Sample {
    /// Checks some more, on a thread that may be busy.
    async fn with(mut self, runs: Vec<Run>) -> Self {
        let checked = tokio::task::spawn_blocking(move || {
            runs.iter().for_each(|run| self.check(&run.input));
            self
        });
        checked.await.expect("checking an input does not panic")
    }

    fn check(&mut self, input: &Json) {
        if self.is_full() {
            return;
        }
        self.looked_at += 1;
        self.bytes += input.as_str().len();
        if let Err(error) = self.schema.check(&self.job_type, input) {
            self.unfit += 1;
            let reason = || error.to_string().chars().take(REASON_CHARS_MAX).collect();
            self.first.get_or_insert_with(reason);
        }
    }

    fn is_full(&self) -> bool {
        self.looked_at >= INPUTS_SAMPLED_MAX || self.bytes >= INPUT_BYTES_SAMPLED_MAX
    }
}
