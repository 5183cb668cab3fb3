//! From a request to a run: the one place that checks what is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::retry::ATTEMPTS_MAX;
use crate::workflow::outputs;
use crate::{
    BatchId, CorrelationId, Dependency, Due, IdempotencyKey, InvalidName, InvalidUnique,
    JobDefinition, JobType, Json, LimitKey, NewRun, Priority, QueueName, RunId, Tag, TenantId,
    Timestamp, Trigger, UniqueRequest,
};

/// Labels on one run at most.
pub const TAGS_MAX: usize = 32;
/// Bytes of all metadata keys and values of one run at most.
pub const METADATA_BYTES_MAX: usize = 8 * 1024;
/// Places of an input that breaks its schema that are told at most.
pub const SCHEMA_BREAKS_MAX: usize = 20;
/// Bytes of one input at most, unless a host sets less.
pub const INPUT_BYTES_MAX: u64 = 16 << 20;
/// A run may be put off by ten years at most.
pub const DELAY_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// A wish that a job be executed. What is left out comes from the job's definition.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    /// Whose run it will be.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
    /// What the job is given.
    pub input: Json,
    /// When it becomes ready.
    pub due: Due,
    /// What causes it.
    pub trigger: Trigger,
    /// In which line it waits.
    pub queue: Option<QueueName>,
    /// Its place in that line.
    pub priority: Priority,
    /// How often it is tried, the first time included.
    pub max_attempts: Option<u32>,
    /// After this instant it is neither started nor tried again.
    pub deadline: Option<Timestamp>,
    /// Ties it to something outside.
    pub correlation_id: Option<CorrelationId>,
    /// The run that causes it.
    pub parent: Option<RunId>,
    /// Labels, beside those of the definition.
    pub tags: Vec<Tag>,
    /// Whatever the submitter wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// The runs that must end before it begins, see [`NewRun::after`]. Where its input holds
    /// `{"$output": "RUN"}`, naming one of these, what that run returned takes its place.
    pub after: Vec<Dependency>,
    /// By what it shares a limit per key; where absent, what the limit's pointer finds in the
    /// input.
    pub limit_key: Option<LimitKey>,
    /// Whether and how there is to be one such run.
    pub unique: Option<UniqueRequest>,
    /// The caller's name for this request, by which a repeated one is known.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The batch that its run is a member of.
    pub batch: Option<BatchId>,
}

impl JobRequest {
    /// The plainest wish: this job with this input, now.
    pub fn new(tenant: TenantId, job_type: JobType, input: Json) -> Self {
        Self {
            tenant,
            job_type,
            input,
            due: Due::Now,
            trigger: Trigger::Api,
            queue: None,
            priority: Priority::default(),
            max_attempts: None,
            deadline: None,
            correlation_id: None,
            parent: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            after: Vec::new(),
            limit_key: None,
            unique: None,
            idempotency_key: None,
            batch: None,
        }
    }
}

/// A place of an input that breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaBreak {
    /// A JSON pointer to the place, `/` for the whole.
    pub at: String,
    /// What is wrong there.
    pub problem: String,
}

/// A request that cannot be granted. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The input is too long.
    #[error("the input is {bytes} bytes long, {bytes_max} are allowed: pass a reference instead")]
    InputTooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The input breaks the job's schema.
    #[error("the input does not fit {job_type}'s schema: at {at}: {problem}")]
    InputBreaksSchema {
        /// Which job.
        job_type: JobType,
        /// A JSON pointer to the place, `/` for the whole.
        at: String,
        /// What is wrong there.
        problem: String,
        /// Further places, up to [`SCHEMA_BREAKS_MAX`] in all.
        more: Vec<SchemaBreak>,
    },
    /// No definition has this name.
    #[error("unknown job type {job_type}: {advice}")]
    UnknownJobType {
        /// What was asked for.
        job_type: JobType,
        /// What to do, such as names that are like it.
        advice: String,
    },
    /// Too many labels.
    #[error("the run has {0} tags, {TAGS_MAX} are allowed")]
    TooManyTags(usize),
    /// Too much metadata.
    #[error("the run has {0} bytes of metadata, {METADATA_BYTES_MAX} are allowed")]
    MetadataTooLarge(usize),
    /// Too many or no attempts.
    #[error("the run asks for {0} attempts: use 1 to {ATTEMPTS_MAX}")]
    Attempts(u32),
    /// Too far in the future.
    #[error("the run is put off by more than ten years")]
    TooFarAhead,
    /// It asks for what a run returned that it does not wait for.
    #[error("the input asks for the output of {0:?}: name a run that the run waits for")]
    UnknownOutput(String),
    /// The deadline passes before the run is ready.
    #[error("the run's deadline passes before the run is ready")]
    DeadlineBeforeDue,
    /// The key of a limit per key is none.
    #[error("the input at {pointer} is no key to limit by: {error}")]
    LimitKey {
        /// Where the limit finds keys.
        pointer: String,
        /// What is wrong with what stands there.
        error: InvalidName,
    },
    /// A key that makes no sense.
    #[error("the run cannot be told from others: {0}")]
    Unique(#[from] InvalidUnique),
}

/// Checks a request against its definition and makes the run of it. Whether the input fits
/// the schema is the caller's to check, for it keeps the compiled schemas.
pub fn submit(
    request: JobRequest,
    definition: &JobDefinition,
    id: RunId,
    now: Timestamp,
    input_bytes_max: u64,
) -> Result<NewRun, InvalidRequest> {
    check_input(&request.input, input_bytes_max.min(INPUT_BYTES_MAX))?;
    check_times(&request, now)?;
    check_outputs(&request)?;
    let max_attempts = request.max_attempts.unwrap_or(definition.retry.max_attempts);
    if !(1..=ATTEMPTS_MAX).contains(&max_attempts) {
        return Err(InvalidRequest::Attempts(max_attempts));
    }
    let metadata_bytes = request.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if metadata_bytes > METADATA_BYTES_MAX {
        return Err(InvalidRequest::MetadataTooLarge(metadata_bytes));
    }
    let (tenant, job_type, input) = (&request.tenant, &request.job_type, &request.input);
    let unique = request.unique.as_ref().map(|wish| wish.of(tenant, job_type, input));
    let name = request.idempotency_key.as_ref();
    let idempotency = name.map(|name| name.of(tenant, job_type, input));
    Ok(NewRun {
        id,
        unique: unique.transpose()?,
        idempotency: idempotency.transpose()?,
        tags: merged_tags(request.tags, &definition.tags)?,
        queue: request.queue.unwrap_or_else(|| definition.queue.clone()),
        tenant: request.tenant,
        job_type: request.job_type,
        priority: request.priority,
        trigger: match request.after.is_empty() {
            true => request.trigger,
            false => Trigger::Continuation,
        },
        input: request.input,
        due: request.due,
        deadline: request.deadline,
        max_attempts,
        correlation_id: request.correlation_id,
        parent: request.parent,
        metadata: request.metadata,
        after: request.after,
        limit_key: request.limit_key,
        batch: request.batch,
    })
}

fn check_input(input: &Json, bytes_max: u64) -> Result<(), InvalidRequest> {
    let bytes = input.as_str().len() as u64;
    if bytes > bytes_max {
        return Err(InvalidRequest::InputTooLarge { bytes, bytes_max });
    }
    Ok(())
}

/// Of a run that waits for none, such objects are plain data.
fn check_outputs(request: &JobRequest) -> Result<(), InvalidRequest> {
    if request.after.is_empty() {
        return Ok(());
    }
    let is_known = |name: &str| {
        name.parse().is_ok_and(|id: RunId| request.after.iter().any(|of| of.run == id))
    };
    match outputs::names(&request.input).find(|name| !is_known(name)) {
        Some(name) => Err(InvalidRequest::UnknownOutput(name.chars().take(80).collect())),
        None => Ok(()),
    }
}

fn check_times(request: &JobRequest, now: Timestamp) -> Result<(), InvalidRequest> {
    let due = request.due.instant(now);
    if due.since(now) > DELAY_MAX {
        return Err(InvalidRequest::TooFarAhead);
    }
    if request.deadline.is_some_and(|deadline| deadline < due) {
        return Err(InvalidRequest::DeadlineBeforeDue);
    }
    Ok(())
}

fn merged_tags(mut tags: Vec<Tag>, inherited: &[Tag]) -> Result<Vec<Tag>, InvalidRequest> {
    tags.extend_from_slice(inherited);
    tags.sort();
    tags.dedup();
    if tags.len() > TAGS_MAX {
        return Err(InvalidRequest::TooManyTags(tags.len()));
    }
    Ok(tags)
}
