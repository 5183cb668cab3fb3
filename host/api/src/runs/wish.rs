//! A wish for a run, as it is written in JSON.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;
use zapjobs_model::{
    Condition, CorrelationId, Dependency, Due, IdempotencyKey, JobKey, JobRequest, JobType, Json,
    LimitKey, OnConflict, Priority, QueueName, RunId, Tag, TenantId, Timestamp, Trigger, UniqueBy,
    UniqueRequest, UniqueScope, Until,
};
use zapjobs_storage::Storage;

use crate::http::problem::{Code, Problem};

/// A wish for a run. What is left out comes from the job's definition.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunWish {
    /// Which job.
    #[schema(value_type = String, example = "send-mail")]
    pub(super) job_type: JobType,
    /// What the job is given; its default input where absent or null.
    #[schema(value_type = Option<Object>, example = json!({"name": "Ada"}))]
    input: Option<Json>,
    /// Start after so many milliseconds.
    in_ms: Option<u64>,
    /// Start at this instant. Not together with `in_ms`.
    #[schema(value_type = Option<String>, example = "2026-12-24T18:00:00Z")]
    at: Option<Timestamp>,
    /// The queue to wait in; the job's own where absent.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// How urgent it is within its queue, -1000 to 1000, higher first.
    #[serde(default)]
    #[schema(value_type = i16)]
    priority: Priority,
    /// How often to try it, the first time included; as its job says where absent.
    max_attempts: Option<u32>,
    /// Do not start it after this instant.
    #[schema(value_type = Option<String>)]
    deadline: Option<Timestamp>,
    /// Ties it to something outside, such as a request id.
    #[schema(value_type = Option<String>)]
    correlation_id: Option<CorrelationId>,
    /// The run that causes it.
    #[schema(value_type = Option<String>)]
    parent: Option<RunId>,
    /// Labels.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    tags: Vec<Tag>,
    /// Texts by name, to find again.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// The runs that must end before it begins.
    #[serde(default)]
    #[schema(value_type = Vec<AfterWish>)]
    after: Vec<AfterWish>,
    /// By what it shares a limit per key.
    #[schema(value_type = Option<String>)]
    limit_key: Option<LimitKey>,
    /// Whether and how there is to be one such run.
    unique: Option<UniqueWish>,
    /// A name for this request: repeated with the same name, it is answered the first run's id.
    /// The header `Idempotency-Key` says the same.
    idempotency_key: Option<String>,
    /// For how long that name is known, in milliseconds; 24 hours where absent.
    idempotency_for_ms: Option<u64>,
}

/// A run to wait for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterWish {
    /// Which.
    #[schema(value_type = String)]
    run: RunId,
    /// How it must end: `success`, `failure` or `always`. `success` where absent.
    #[serde(default)]
    #[schema(value_type = String)]
    on: Condition,
}

/// What is the same in two runs that are the same, and for how long. One of `fields` and `text`,
/// or neither for the whole input; one of `until` and `for_ms`, or neither until it has ended.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UniqueWish {
    /// JSON pointers into the input.
    fields: Option<Vec<String>>,
    /// A text in place of the input.
    text: Option<String>,
    /// As long as the run has not come so far.
    until: Option<UntilWord>,
    /// For so many milliseconds.
    for_ms: Option<u64>,
    /// What becomes of the first one.
    #[serde(default)]
    on_conflict: ConflictWord,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UntilWord {
    /// It was started.
    Started,
    /// It has ended.
    Finished,
}

/// What becomes of a run whose key is held.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConflictWord {
    /// It stays as it is.
    #[default]
    Keep,
    /// It gets what the new one brings, unless it was started.
    Replace,
}

impl RunWish {
    /// The request that it stands for. `header` is the request's name as the header says it.
    pub(crate) async fn request(
        self,
        tenant: &TenantId,
        header: Option<String>,
        inputs: &mut Inputs<'_>,
    ) -> Result<JobRequest, Problem> {
        let idempotency_key = self.idempotency(header)?;
        let due = match (self.in_ms, self.at) {
            (Some(_), Some(_)) => return Err(both("in_ms", "at")),
            (Some(in_ms), None) => Due::In(Duration::from_millis(in_ms)),
            (None, Some(at)) => Due::At(at),
            (None, None) => Due::Now,
        };
        let input = match self.input {
            Some(input) => input,
            None => inputs.of(tenant, &self.job_type).await?,
        };
        Ok(JobRequest {
            due,
            trigger: Trigger::Api,
            queue: self.queue,
            priority: self.priority,
            max_attempts: self.max_attempts,
            deadline: self.deadline,
            correlation_id: self.correlation_id,
            parent: self.parent,
            tags: self.tags,
            metadata: self.metadata,
            after: self.after.iter().map(|of| Dependency { run: of.run, on: of.on }).collect(),
            limit_key: self.limit_key,
            unique: self.unique.map(UniqueWish::request).transpose()?,
            idempotency_key,
            ..JobRequest::new(tenant.clone(), self.job_type, input)
        })
    }

    /// Whether it brings a name of its own.
    fn is_named(&self) -> bool {
        self.idempotency_key.is_some()
    }

    fn idempotency(&self, header: Option<String>) -> Result<Option<IdempotencyKey>, Problem> {
        let text = match (&self.idempotency_key, header) {
            (Some(own), Some(header)) if *own != header => {
                return Err(both("idempotency_key", "the header Idempotency-Key"));
            }
            (own, header) => own.clone().or(header),
        };
        if text.is_none() && self.idempotency_for_ms.is_some() {
            let detail =
                "idempotency_for_ms without idempotency_key: name the request, or leave it out";
            return Err(Problem::new(Code::Invalid, detail));
        }
        Ok(text.map(IdempotencyKey::new).map(|key| IdempotencyKey {
            window: self.idempotency_for_ms.map_or(key.window, Duration::from_millis),
            ..key
        }))
    }
}

impl UniqueWish {
    fn request(self) -> Result<UniqueRequest, Problem> {
        let by = match (self.fields, self.text) {
            (Some(_), Some(_)) => return Err(both("unique.fields", "unique.text")),
            (Some(fields), None) => UniqueBy::Fields(fields),
            (None, Some(text)) => UniqueBy::Text(text),
            (None, None) => UniqueBy::Input,
        };
        let scope = match (self.until, self.for_ms) {
            (Some(_), Some(_)) => return Err(both("unique.until", "unique.for_ms")),
            (Some(UntilWord::Started), None) => UniqueScope::Until(Until::Started),
            (None, Some(for_ms)) => UniqueScope::For(Duration::from_millis(for_ms)),
            (Some(UntilWord::Finished) | None, None) => UniqueScope::Until(Until::Finished),
        };
        let on_conflict = match self.on_conflict {
            ConflictWord::Keep => OnConflict::Keep,
            ConflictWord::Replace => OnConflict::Replace,
        };
        Ok(UniqueRequest { by, scope, on_conflict })
    }
}

fn both(one: &str, other: &str) -> Problem {
    Problem::new(Code::Invalid, format!("{one} and {other}: give one of them"))
}

/// The requests that many wishes stand for; a problem says of which it tells. With a `name`, each
/// is known by `NAME#0`, `NAME#1` and so on, unless it has one of its own.
pub(crate) async fn requests(
    tenant: &TenantId,
    wishes: Vec<RunWish>,
    name: Option<&str>,
    inputs: &mut Inputs<'_>,
) -> Result<Vec<JobRequest>, Problem> {
    let mut requests = Vec::with_capacity(wishes.len());
    for (at, wish) in wishes.into_iter().enumerate() {
        let name = name.map(|name| format!("{name}#{at}")).filter(|_| !wish.is_named());
        let request = wish.request(tenant, name, inputs).await.map_err(|problem| {
            Problem::new(problem.code(), format!("runs[{at}]: {}", problem.detail()))
        })?;
        requests.push(request);
    }
    Ok(requests)
}

/// The default inputs of jobs; each job is looked up once.
pub(crate) struct Inputs<'a> {
    storage: &'a dyn Storage,
    known: HashMap<JobType, Json>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, known: HashMap::new() }
    }

    /// What a job is given where nobody says.
    pub(crate) async fn of(
        &mut self,
        tenant: &TenantId,
        job_type: &JobType,
    ) -> Result<Json, Problem> {
        if let Some(input) = self.known.get(job_type) {
            return Ok(input.clone());
        }
        let key = JobKey { tenant: tenant.clone(), job_type: job_type.clone() };
        let definition = self.storage.definition(&key).await?;
        let input = definition.map_or_else(Json::null, |it| it.default_input);
        self.known.insert(job_type.clone(), input.clone());
        Ok(input)
    }
}
