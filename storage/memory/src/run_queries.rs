//! The contract for those who look at runs.

use async_trait::async_trait;
use zapjobs_model::{Run, RunId, TenantId};
use zapjobs_storage::{
    Counts, Cursor, Page, QueueCounts, QueueSelection, Result, RunFilter, RunPageRequest,
    RunQueries, TENANT_SHARES_MAX, check_page,
};

use crate::MemoryStorage;

#[async_trait]
impl RunQueries for MemoryStorage {
    async fn run(&self, id: RunId) -> Result<Option<Run>> {
        self.work("read the run", |work| Ok(work.state.runs.get(id).cloned()))
    }

    async fn runs(&self, request: RunPageRequest) -> Result<Page> {
        const OPERATION: &str = "list runs";
        check_page(OPERATION, request.limit)?;
        self.work(OPERATION, |work| {
            let before = request.after.map(|Cursor(id)| id);
            let all = work.state.runs.newest_first(before);
            let listed = all.filter(|run| request.filter.matches(run));
            // One more than asked shows whether there is another page.
            let mut runs: Vec<Run> = listed.take(request.limit + 1).cloned().collect();
            let has_more = runs.len() > request.limit;
            runs.truncate(request.limit);
            let next = runs.last().filter(|_| has_more).map(|run| Cursor(run.id));
            Ok(Page { runs, next })
        })
    }

    async fn counts(&self, filter: &RunFilter) -> Result<Counts> {
        self.work("count runs", |work| {
            if *filter == RunFilter::default() {
                return Ok(work.state.runs.indexes().tally.of_all());
            }
            let mut counts = Counts::default();
            for run in work.state.runs.newest_first(None).filter(|run| filter.matches(run)) {
                *counts.of_mut(run.status) += 1;
            }
            Ok(counts)
        })
    }

    async fn queue_counts(&self) -> Result<Vec<QueueCounts>> {
        self.work("count queues", |work| Ok(work.state.runs.indexes().tally.by_queue()))
    }

    async fn ready_tenants(
        &self,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>> {
        self.work("list tenants with ready runs", |work| {
            let limit = limit.min(TENANT_SHARES_MAX);
            Ok(work.state.runs.indexes().ready.tenants(queues, after, limit))
        })
    }

    async fn waiting(&self, tenant: &TenantId, up_to: u64) -> Result<u64> {
        self.work("count a tenant's waiting runs", |work| {
            Ok(work.state.runs.indexes().tally.waiting(tenant).min(up_to))
        })
    }
}
