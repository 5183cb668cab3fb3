//! How runs are submitted, awaited and called off, from a host or from any other process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use zapjobs_model::submit::submit;
use zapjobs_model::workflow::outputs;
use zapjobs_model::{
    EventKind, InvalidRequest, JobDefinition, JobKey, JobRequest, Json, Limits, NewRun, Run, RunId,
    TenantId, Timestamp,
};
use zapjobs_storage::{
    CancelResult, EnqueueResult, ErrorKind, Notice, RequeueResult, Storage, StorageError,
};

use crate::batches::InvalidBatch;
use crate::limit_keys::{LimitKeys, find_limit_key};
use crate::parents;
use crate::schema::SchemaCache;
use crate::tenant_client::TenantClient;
use crate::tenants::TenantPolicy;
use crate::workflow::{InvalidWorkflow, Plan, StartedWorkflow, Workflow};

/// While it waits for a run, a client looks at least this often, whatever hints are lost.
const WAIT_POLL: Duration = Duration::from_millis(250);
/// Job types named in the answer to an unknown one at most.
const NAMES_ADVISED_MAX: usize = 8;

/// Submits runs and asks after them.
#[derive(Clone)]
pub struct Client {
    storage: Arc<dyn Storage>,
    schemas: Arc<SchemaCache>,
    input_bytes_max: u64,
    pub(crate) tenants: Arc<TenantPolicy>,
    limit_keys: Arc<LimitKeys>,
}

/// Why a request was not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The request is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// The job's own schema is at fault.
    #[error("the input schema of {0} cannot be used: {1}")]
    Schema(JobKey, String),
    /// The tenant has too many runs that wait.
    #[error(transparent)]
    QuotaExceeded(#[from] QuotaExceeded),
    /// The workflow is at fault.
    #[error(transparent)]
    Workflow(#[from] InvalidWorkflow),
    /// The batch is at fault.
    #[error(transparent)]
    Batch(#[from] InvalidBatch),
    /// The idempotency key was used for another request.
    #[error("failed to {0}")]
    Conflict(StorageError),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(StorageError),
}

impl From<StorageError> for SubmitError {
    fn from(error: StorageError) -> Self {
        match error.kind() {
            ErrorKind::Conflict => Self::Conflict(error),
            _ => Self::Storage(error),
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The run that stands for it: its own, or the one that has its key.
    pub id: RunId,
    /// Whether that is its own.
    pub result: EnqueueResult,
}

/// A tenant would have more runs that wait than its quota allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "tenant {tenant} may have {queued_runs_max} runs that wait, and {runs} more would exceed that: \
     wait until some have run, submit fewer, or raise queued_runs_max"
)]
pub struct QuotaExceeded {
    /// Whose.
    pub tenant: TenantId,
    /// Runs that were to be stored.
    pub runs: u64,
    /// The quota.
    pub queued_runs_max: u64,
}

/// Why waiting ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The time was over; the run goes on.
    #[error("the run has not ended within the time given; it is {0}")]
    TimedOut(zapjobs_model::RunStatus),
    /// There is no such run, or no longer.
    #[error("there is no run {0}")]
    NotFound(RunId),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

impl Client {
    /// A client of this storage, with the default limit on inputs.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        let input_bytes_max = Limits::default().input_bytes_max;
        Self {
            storage,
            schemas: Arc::default(),
            input_bytes_max,
            tenants: Arc::default(),
            limit_keys: Arc::default(),
        }
    }

    /// Allows inputs of up to this many bytes.
    pub fn with_input_bytes_max(mut self, bytes: u64) -> Self {
        self.input_bytes_max = bytes;
        self
    }

    /// Refuses runs beyond the tenants' quotas of queued runs. Several clients that submit at
    /// the same time may exceed a quota by what each of them submits at once.
    pub fn with_tenants(mut self, tenants: Arc<TenantPolicy>) -> Self {
        self.tenants = tenants;
        self
    }

    /// A view of one tenant's runs, to which all others are not there.
    pub fn of_tenant(&self, tenant: TenantId) -> TenantClient {
        TenantClient::new(self.clone(), tenant)
    }

    /// The storage it works on.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Checks a request and stores its run. The run is durable once this returns. Where another
    /// run has its key (see [`JobRequest::unique`]), that one is answered.
    pub async fn enqueue(&self, request: JobRequest) -> Result<RunId, SubmitError> {
        let ids = self.enqueue_all(vec![request]).await?;
        Ok(ids[0])
    }

    /// Checks all requests and stores their runs, all or none.
    pub async fn enqueue_all(&self, requests: Vec<JobRequest>) -> Result<Vec<RunId>, SubmitError> {
        let submitted = self.submit_all(requests).await?;
        Ok(submitted.into_iter().map(|submitted| submitted.id).collect())
    }

    /// The same, and tells of each request whether its run was stored.
    pub async fn submit_all(
        &self,
        requests: Vec<JobRequest>,
    ) -> Result<Vec<Submitted>, SubmitError> {
        let requests = requests.into_iter().map(|request| (RunId(Uuid::now_v7()), request));
        self.submit_as(requests.collect()).await
    }

    /// Checks a workflow and stores its runs, all or none.
    pub async fn start_workflow(&self, workflow: Workflow) -> Result<StartedWorkflow, SubmitError> {
        let Plan { started, requests } = workflow.plan()?;
        self.submit_as(requests).await?;
        Ok(started)
    }

    /// The same with ids that the caller chose. A run that is stored already is left as it is.
    pub(crate) async fn submit_as(
        &self,
        requests: Vec<(RunId, JobRequest)>,
    ) -> Result<Vec<Submitted>, SubmitError> {
        let runs = self.prepare(requests).await?;
        self.store(&runs).await
    }

    /// Checks requests, and makes the runs of them that are to be stored.
    pub(crate) async fn prepare(
        &self,
        requests: Vec<(RunId, JobRequest)>,
    ) -> Result<Vec<NewRun>, SubmitError> {
        let mut runs = Vec::with_capacity(requests.len());
        let mut latest: Option<JobDefinition> = None;
        let now = self.storage.now().await?;
        let pointers = self.limit_keys.pointers(&*self.storage).await?;
        for (id, mut request) in requests {
            let known = latest.take().filter(|definition| {
                definition.key.job_type == request.job_type
                    && definition.key.tenant == request.tenant
            });
            let definition = match known {
                Some(definition) => definition,
                None => self.definition(&request).await?,
            };
            self.check_schema(&definition, &request)?;
            find_limit_key(&mut request, &pointers)?;
            runs.push(submit(request, &definition, id, now, self.input_bytes_max)?);
            latest = Some(definition);
        }
        parents::check(&*self.storage, &runs).await?;
        Ok(runs)
    }

    /// Waits until a run has ended, and answers it as it then stands; for ever where no time
    /// is given.
    pub async fn wait(&self, id: RunId, within: Option<Duration>) -> Result<Run, WaitError> {
        let end = within.map(|within| Instant::now() + within);
        let mut notices = self.storage.subscribe();
        loop {
            let run = self.storage.run(id).await?.ok_or(WaitError::NotFound(id))?;
            if run.status.is_final() {
                return Ok(run);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(WaitError::TimedOut(run.status));
            }
            let poll = Instant::now() + WAIT_POLL;
            let until = end.map_or(poll, |end| end.min(poll));
            let hint = async { while notices.next().await.is_some_and(|it| !hints_at(&it, id)) {} };
            // Either a hint came or the time is over: both mean to look again.
            let _ = timeout_at(until, hint).await;
        }
    }

    /// Asks a run to stop.
    pub async fn cancel(&self, id: RunId) -> Result<CancelResult, StorageError> {
        self.storage.request_cancel(id).await
    }

    /// Runs a failed or cancelled run again, unless another holds its key.
    pub async fn retry(&self, id: RunId) -> Result<RequeueResult, StorageError> {
        self.storage.requeue(id).await
    }

    /// Refuses a request that could not be submitted; stores nothing.
    pub(crate) fn check(
        &self,
        request: JobRequest,
        definition: &JobDefinition,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        self.check_schema(definition, &request)?;
        submit(request, definition, RunId(Uuid::nil()), now, self.input_bytes_max)?;
        Ok(())
    }

    pub(crate) async fn definition(
        &self,
        request: &JobRequest,
    ) -> Result<JobDefinition, SubmitError> {
        let key = JobKey { tenant: request.tenant.clone(), job_type: request.job_type.clone() };
        match self.storage.definition(&key).await? {
            Some(definition) => Ok(definition),
            None => {
                let job_type = key.job_type;
                let advice = self.advice(&request.tenant, job_type.as_str()).await?;
                Err(InvalidRequest::UnknownJobType { job_type, advice }.into())
            }
        }
    }

    async fn advice(&self, tenant: &TenantId, wanted: &str) -> Result<String, StorageError> {
        let definitions = self.storage.definitions(Some(tenant)).await?;
        let mut names: Vec<&str> =
            definitions.iter().map(|definition| definition.key.job_type.as_str()).collect();
        if names.is_empty() {
            return Ok("no plugin is loaded: put a component into the plugins directory of a \
                       running host"
                .to_owned());
        }
        names.sort_by_key(|name| edit_distance(name, wanted));
        let named = names.iter().take(NAMES_ADVISED_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(NAMES_ADVISED_MAX);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        Ok(format!("there are {named}{tail}"))
    }

    fn check_schema(
        &self,
        definition: &JobDefinition,
        request: &JobRequest,
    ) -> Result<(), SubmitError> {
        // What others return is not there yet: it is checked once it is.
        if !request.after.is_empty() && outputs::names(&request.input).next().is_some() {
            return Ok(());
        }
        self.check_against_schema(definition, &request.input)
    }

    pub(crate) fn schemas(&self) -> &SchemaCache {
        &self.schemas
    }

    pub(crate) fn input_bytes_max(&self) -> u64 {
        self.input_bytes_max
    }

    pub(crate) fn check_against_schema(
        &self,
        definition: &JobDefinition,
        input: &Json,
    ) -> Result<(), SubmitError> {
        let Some(schema) = &definition.input_schema else { return Ok(()) };
        let schema = self
            .schemas
            .get(schema)
            .map_err(|problem| SubmitError::Schema(definition.key.clone(), problem))?;
        Ok(schema.check(&definition.key.job_type, input)?)
    }

    /// Refuses runs that would exceed a quota of runs that wait. Counts no further than it must.
    pub(crate) async fn check_queued(&self, runs: &[NewRun]) -> Result<(), SubmitError> {
        let mut more = BTreeMap::<&TenantId, u64>::new();
        for run in runs {
            if let Some(runs) = more.get_mut(&run.tenant) {
                *runs += 1;
            } else if self.tenants.of(&run.tenant).queued_runs_max.is_some() {
                more.insert(&run.tenant, 1);
            }
        }
        for (tenant, runs) in more {
            let Some(queued_runs_max) = self.tenants.of(tenant).queued_runs_max else { continue };
            let exceeded = QuotaExceeded { tenant: tenant.clone(), runs, queued_runs_max };
            let Some(room) = queued_runs_max.checked_sub(runs) else { return Err(exceeded.into()) };
            if self.storage.waiting(tenant, room + 1).await? > room {
                return Err(exceeded.into());
            }
        }
        Ok(())
    }

    async fn store(&self, runs: &[NewRun]) -> Result<Vec<Submitted>, SubmitError> {
        self.check_queued(runs).await?;
        let results = self.storage.enqueue(runs).await?;
        let submitted = runs.iter().zip(results);
        Ok(submitted
            .map(|(run, result)| Submitted { id: result.survivor(run.id), result })
            .collect())
    }
}

/// Whether a notice may tell that this run has ended.
fn hints_at(notice: &Notice, id: RunId) -> bool {
    match notice {
        Notice::Resync => true,
        Notice::Events(events) => events
            .iter()
            .any(|event| event.run == id && matches!(event.kind, EventKind::Settled(_))),
        _ => false,
    }
}

/// How many letters must be inserted, removed or replaced to make one word the other
/// (Levenshtein 1965).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (at, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::edit_distance;

    #[test]
    fn likeness_counts_single_letters() {
        assert_eq!(edit_distance("greet", "greet"), 0);
        assert_eq!(edit_distance("greet", "gret"), 1);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
