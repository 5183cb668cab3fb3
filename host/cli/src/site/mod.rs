//! Where commands that look after jobs do their work: on a storage, or on a server through its
//! HTTP API.
//!
//! **Invariant:** a command that works both ways asks these traits alone, and so shows the same
//! whichever way it takes.
//!
//! [`Local`] is the runtime's client over a storage, [`Remote`] the API's routes.

mod hints;
mod local;
mod remote;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_api::ListedQueue;
use zapjobs_model::{
    Dependency, FlowLimit, JobDefinition, JobRequest, JobSchedule, JobType, Json, LimitChange,
    LimitScope, LogEntry, QueueName, Run, RunId, RunStatus, ScheduleName, Signal, Step, TenantId,
    Timestamp, Wait,
};
use zapjobs_runtime::{BulkReport, DeadLetterGroups, Selection, Submitted};
use zapjobs_storage::{
    Alteration, CancelResult, LimitUse, RequeueResult, RunFilter, Span, SpanStatistics,
    WorkerRecord,
};

use crate::errors::Done;
pub(crate) use hints::Hints;
pub(crate) use local::Local;
pub(crate) use remote::{Remote, Secret, ServerUrl};

/// Everything that commands ask.
pub(crate) trait Site: Runs + Schedules + Installation {}
impl<T: Runs + Schedules + Installation> Site for T {}

/// What commands ask about runs. All are one tenant's: others' are not there.
#[async_trait]
pub(crate) trait Runs: Send + Sync {
    /// Stores runs, all or none.
    async fn submit(&self, requests: Vec<JobRequest>) -> Done<Vec<Submitted>>;
    /// One run, whole.
    async fn run(&self, id: RunId) -> Done<Option<Run>>;
    /// One run, and what it waits for.
    async fn details(&self, id: RunId) -> Done<Option<RunDetails>>;
    /// A page of runs, newest first.
    async fn runs(&self, request: &RunsRequest) -> Done<RunsPage>;
    /// A page of a run's log behind a place, oldest first.
    async fn log(&self, run: RunId, after: Option<&str>) -> Done<LogPart>;
    /// Waits for a run to end.
    async fn wait(&self, id: RunId, within: Option<Duration>) -> Done<Run>;
    /// What tells that something happened: to this run, or to any.
    async fn hints(&self, of: Option<RunId>) -> Done<Hints>;
    /// Asks a run to stop.
    async fn cancel(&self, id: RunId) -> Done<CancelResult>;
    /// Runs a run again.
    async fn retry(&self, id: RunId) -> Done<RequeueResult>;
    /// Refuses an input that does not fit a run's job. A server does it by itself.
    async fn check_input(&self, run: &Run, input: &Json) -> Done;
    /// Changes these runs.
    async fn alter(&self, ids: &[RunId], alteration: &Alteration) -> Done<BulkReport>;
    /// Changes all runs that a selection takes.
    async fn alter_all(&self, selection: &Selection, alteration: &Alteration) -> Done<BulkReport>;
    /// How many runs that would be, and whether there are more than were looked at.
    async fn count_matching(
        &self,
        selection: &Selection,
        alteration: &Alteration,
    ) -> Done<(usize, bool)>;
    /// What a run has done for good.
    async fn steps(&self, run: RunId) -> Done<Vec<Step>>;
    /// Failed runs in groups.
    async fn dead_letters(&self) -> Done<DeadLetterGroups>;
}

/// What commands ask about job types and schedules.
#[async_trait]
pub(crate) trait Schedules: Send + Sync {
    /// A job type as it is served.
    async fn definition(&self, job: &JobType) -> Done<Option<JobDefinition>>;
    /// All of them.
    async fn definitions(&self) -> Done<Vec<JobDefinition>>;
    /// All schedules.
    async fn schedules(&self) -> Done<Vec<JobSchedule>>;
    /// One, and how its latest run stands.
    async fn schedule(&self, name: &ScheduleName) -> Done<(JobSchedule, Option<RunStatus>)>;
    /// Changes one; answers what it is then.
    async fn change_schedule(
        &self,
        name: &ScheduleName,
        change: ScheduleChange,
    ) -> Done<JobSchedule>;
    /// Removes one.
    async fn remove_schedule(&self, name: &ScheduleName) -> Done;
    /// Makes a run of it now.
    async fn trigger_schedule(&self, name: &ScheduleName) -> Done<RunId>;
}

/// What commands ask about the installation.
#[async_trait]
pub(crate) trait Installation: Send + Sync {
    /// Where it is, for people; without secrets.
    fn place(&self) -> String;
    /// Whose runs it shows.
    fn tenant(&self) -> &TenantId;
    /// The present instant by the store's clock.
    async fn now(&self) -> Done<Timestamp>;
    /// Queues that hold a run.
    async fn queues(&self) -> Done<Vec<ListedQueue>>;
    /// Host processes; none where this caller may not see them.
    async fn workers(&self) -> Done<Option<Vec<WorkerRecord>>>;
    /// What happened, as sums.
    async fn statistics(&self, request: &SumsRequest) -> Done<Vec<SpanStatistics>>;
    /// Limits, and how much of them is used.
    async fn limits(&self) -> Done<Vec<LimitUse>>;
    /// Changes one; answers what it is then.
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Done<Option<FlowLimit>>;
    /// Leaves it as it is to be left.
    async fn close(&self) -> Done;
}

/// A site that several may ask.
pub(crate) type SharedSite = Arc<dyn Site>;

/// A run, and what it waits for.
#[derive(Debug)]
pub(crate) struct RunDetails {
    pub(crate) run: Run,
    pub(crate) after: Vec<Dependency>,
    pub(crate) wait: Option<Wait>,
    pub(crate) signals: Vec<Signal>,
}

/// Which runs to list. The filter's tenant is the site's, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct RunsRequest {
    pub(crate) filter: RunFilter,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// A page of runs.
#[derive(Debug)]
pub(crate) struct RunsPage {
    pub(crate) runs: Vec<Run>,
    /// Those whose long input or output is not on the page.
    pub(crate) cut: Vec<RunId>,
    pub(crate) next: Option<String>,
}

/// A page of a log.
#[derive(Debug)]
pub(crate) struct LogPart {
    pub(crate) entries: Vec<LogEntry>,
    /// Where it ends: where to go on.
    pub(crate) next: Option<String>,
    pub(crate) has_more: bool,
}

/// What becomes of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScheduleChange {
    Enable,
    Disable,
    Reset,
}

/// Which sums.
#[derive(Debug, Clone)]
pub(crate) struct SumsRequest {
    pub(crate) span: Span,
    pub(crate) latest: usize,
    pub(crate) queue: Option<QueueName>,
    pub(crate) whose: Whose,
}

/// Whose runs are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The site's tenant's.
    Own,
    /// All tenants' together.
    Everyones,
}
