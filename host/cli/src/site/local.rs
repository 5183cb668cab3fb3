//! On a storage: the runtime's client, and the storage's own queries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_api::{ListedQueue, queues};
use zapjobs_model::{
    FlowLimit, JobDefinition, JobKey, JobRequest, JobSchedule, JobType, Json, Lease, LimitChange,
    LimitScope, Run, RunId, RunStatus, ScheduleKey, ScheduleName, Step, TenantId, Timestamp,
};
use zapjobs_runtime::{BulkReport, Client, DeadLetterGroups, Selection, Submitted};
use zapjobs_storage::{
    Alteration, CancelResult, Cursor, ErrorKind, LimitUse, LogPageRequest, PAGE_MAX, RequeueResult,
    RunPageRequest, SCHEDULES_MAX, SchedulePageRequest, SpanStatistics, StatisticsRequest, Storage,
    WorkerRecord,
};

use super::{
    Hints, Installation, LogPart, RunDetails, Runs, RunsPage, RunsRequest, ScheduleChange,
    Schedules, SumsRequest, Whose,
};
use crate::errors::{Done, Failure};

/// A storage, as one tenant sees it.
pub(crate) struct Local {
    client: Client,
    tenant: TenantId,
    place: String,
}

impl Local {
    /// What the client's storage holds of a tenant; `place` says where that is.
    pub(crate) fn new(client: Client, tenant: TenantId, place: String) -> Self {
        Self { client, tenant, place }
    }

    fn storage(&self) -> &Arc<dyn Storage> {
        self.client.storage()
    }

    fn own(&self, selection: &Selection) -> Selection {
        let mut selection = selection.clone();
        selection.filter.tenant = Some(self.tenant.clone());
        selection
    }

    fn key(&self, name: &ScheduleName) -> ScheduleKey {
        ScheduleKey { tenant: self.tenant.clone(), name: name.clone() }
    }
}

#[async_trait]
impl Runs for Local {
    async fn submit(&self, requests: Vec<JobRequest>) -> Done<Vec<Submitted>> {
        Ok(self.client.submit_all(requests).await?)
    }

    async fn run(&self, id: RunId) -> Done<Option<Run>> {
        Ok(self.storage().run(id).await?.filter(|run| run.tenant == self.tenant))
    }

    async fn details(&self, id: RunId) -> Done<Option<RunDetails>> {
        let Some(run) = self.run(id).await? else { return Ok(None) };
        let storage = self.storage();
        Ok(Some(RunDetails {
            run,
            after: storage.dependencies(id).await?,
            wait: storage.wait_of(id).await?,
            signals: storage.signals(id).await?,
        }))
    }

    async fn runs(&self, request: &RunsRequest) -> Done<RunsPage> {
        let mut filter = request.filter.clone();
        filter.tenant = Some(self.tenant.clone());
        let after = request.after.as_deref().map(cursor).transpose()?;
        let page = self.storage().runs(RunPageRequest { filter, after, limit: request.limit });
        let page = page.await?;
        let next = page.next.map(|Cursor(run)| run.to_string());
        Ok(RunsPage { runs: page.runs, cut: Vec::new(), next })
    }

    async fn log(&self, run: RunId, after: Option<&str>) -> Done<LogPart> {
        let after = after.and_then(log_place);
        let page = self.storage().log_page(LogPageRequest { run, after, limit: PAGE_MAX }).await?;
        let last = page.entries.last().map(|entry| (entry.lease, entry.index)).or(after);
        let next = last.map(|(lease, index)| format!("{lease}-{index}"));
        Ok(LogPart { entries: page.entries, next, has_more: page.has_more })
    }

    async fn wait(&self, id: RunId, within: Option<Duration>) -> Done<Run> {
        Ok(self.client.wait(id, within).await?)
    }

    async fn hints(&self, of: Option<RunId>) -> Done<Hints> {
        Ok(Hints::Storage(self.storage().subscribe(), of))
    }

    async fn cancel(&self, id: RunId) -> Done<CancelResult> {
        Ok(self.client.cancel(id).await?)
    }

    async fn retry(&self, id: RunId) -> Done<RequeueResult> {
        Ok(self.client.retry(id).await?)
    }

    async fn check_input(&self, run: &Run, input: &Json) -> Done {
        Ok(self.client.check_input(run, input).await?)
    }

    async fn alter(&self, ids: &[RunId], alteration: &Alteration) -> Done<BulkReport> {
        Ok(self.client.alter(ids, alteration).await?)
    }

    async fn alter_all(&self, selection: &Selection, alteration: &Alteration) -> Done<BulkReport> {
        Ok(self.client.alter_all(&self.own(selection), alteration).await?)
    }

    async fn count_matching(
        &self,
        selection: &Selection,
        alteration: &Alteration,
    ) -> Done<(usize, bool)> {
        Ok(self.client.count_matching(&self.own(selection), alteration).await?)
    }

    async fn steps(&self, run: RunId) -> Done<Vec<Step>> {
        Ok(self.storage().steps(run).await?)
    }

    async fn dead_letters(&self) -> Done<DeadLetterGroups> {
        Ok(self.client.dead_letters(&self.tenant).await?)
    }
}

#[async_trait]
impl Schedules for Local {
    async fn definition(&self, job: &JobType) -> Done<Option<JobDefinition>> {
        let key = JobKey { tenant: self.tenant.clone(), job_type: job.clone() };
        Ok(self.storage().definition(&key).await?)
    }

    async fn definitions(&self) -> Done<Vec<JobDefinition>> {
        Ok(self.storage().definitions(Some(&self.tenant)).await?)
    }

    async fn schedules(&self) -> Done<Vec<JobSchedule>> {
        let (mut schedules, mut after) = (Vec::new(), None);
        loop {
            let tenant = Some(self.tenant.clone());
            let request = SchedulePageRequest { tenant, after, limit: SCHEDULES_MAX };
            let page = self.storage().schedules(&request).await?;
            schedules.extend(page.schedules);
            after = page.next;
            if after.is_none() {
                return Ok(schedules);
            }
        }
    }

    async fn schedule(&self, name: &ScheduleName) -> Done<(JobSchedule, Option<RunStatus>)> {
        let schedule = self.client.schedule(&self.key(name)).await?;
        let last_status = match schedule.last_run {
            Some(run) => self.storage().run(run).await?.map(|run| run.status),
            None => None,
        };
        Ok((schedule, last_status))
    }

    async fn change_schedule(
        &self,
        name: &ScheduleName,
        change: ScheduleChange,
    ) -> Done<JobSchedule> {
        let key = self.key(name);
        Ok(match change {
            ScheduleChange::Enable => self.client.enable_schedule(&key, true).await?,
            ScheduleChange::Disable => self.client.enable_schedule(&key, false).await?,
            ScheduleChange::Reset => self.client.reset_schedule(&key).await?,
        })
    }

    async fn remove_schedule(&self, name: &ScheduleName) -> Done {
        Ok(self.client.remove_schedule(&self.key(name)).await?)
    }

    async fn trigger_schedule(&self, name: &ScheduleName) -> Done<RunId> {
        Ok(self.client.trigger_schedule(&self.key(name)).await?)
    }
}

#[async_trait]
impl Installation for Local {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    async fn now(&self) -> Done<Timestamp> {
        Ok(self.storage().now().await?)
    }

    async fn queues(&self) -> Done<Vec<ListedQueue>> {
        Ok(queues(&**self.storage(), Some(&self.tenant)).await?)
    }

    async fn workers(&self) -> Done<Option<Vec<WorkerRecord>>> {
        Ok(Some(self.storage().workers().await?))
    }

    async fn statistics(&self, request: &SumsRequest) -> Done<Vec<SpanStatistics>> {
        let tenant = match request.whose {
            Whose::Own => Some(self.tenant.clone()),
            Whose::Everyones => None,
        };
        let SumsRequest { span, latest, queue, .. } = request.clone();
        Ok(self.storage().statistics(StatisticsRequest { span, latest, tenant, queue }).await?)
    }

    async fn limits(&self) -> Done<Vec<LimitUse>> {
        Ok(self.storage().limits().await?)
    }

    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Done<Option<FlowLimit>> {
        let changed = self.storage().change_limit(scope, change).await;
        changed.map_err(|error| match error.kind() {
            ErrorKind::InvalidRequest => Failure::usage(error.to_string()),
            _ => error.into(),
        })
    }

    async fn close(&self) -> Done {
        Ok(self.storage().close().await?)
    }
}

fn cursor(text: &str) -> Done<Cursor> {
    text.parse::<RunId>().map(Cursor).map_err(|_| {
        Failure::usage(format!("--after {text}: use the cursor that the page before ended with"))
    })
}

/// The place that [`Runs::log`] told.
fn log_place(text: &str) -> Option<(Lease, u32)> {
    let (lease, index) = text.split_once('-')?;
    Some((Lease(lease.parse().ok()?), index.parse().ok()?))
}
