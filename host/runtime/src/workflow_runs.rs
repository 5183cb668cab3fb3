//! The runs of a stored workflow: found, and called off together.

use uuid::Uuid;
use zapjobs_model::{Run, RunStatus, TenantId};
use zapjobs_storage::{CancelResult, PAGE_MAX, RunFilter, RunPageRequest, StorageError};

use crate::client::Client;
use crate::workflow::workflow_tag;

/// What has not ended, those first that wait for others: they are then called off, not skipped.
const NOT_ENDED: [&[RunStatus]; 2] = [
    &[RunStatus::Held],
    &[RunStatus::Pending, RunStatus::Scheduled, RunStatus::AwaitingRetry, RunStatus::Running],
];

/// What became of a workflow that was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelledWorkflow {
    /// Runs that are cancelled.
    pub cancelled: usize,
    /// Runs that run, and are asked to stop.
    pub asked: usize,
}

impl Client {
    /// A tenant's runs of a workflow, or everybody's, that stand so, in any way where none is
    /// named: in the order of the nodes.
    pub async fn workflow_runs(
        &self,
        tenant: Option<&TenantId>,
        id: Uuid,
        statuses: &[RunStatus],
    ) -> Result<Vec<Run>, StorageError> {
        let filter = RunFilter {
            statuses: statuses.to_vec(),
            tenant: tenant.cloned(),
            tag: Some(workflow_tag(id)),
            ..RunFilter::default()
        };
        let mut request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
        let mut runs = Vec::new();
        loop {
            let page = self.storage().runs(request.clone()).await?;
            runs.extend(page.runs);
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        runs.reverse();
        Ok(runs)
    }

    /// Calls a workflow off: its runs that wait are cancelled, those that run are asked to stop.
    /// `None` if the tenant has no run of it.
    pub async fn cancel_workflow(
        &self,
        tenant: Option<&TenantId>,
        id: Uuid,
    ) -> Result<Option<CancelledWorkflow>, StorageError> {
        let (mut report, mut is_found) = (CancelledWorkflow::default(), false);
        for statuses in NOT_ENDED {
            for run in self.workflow_runs(tenant, id, statuses).await? {
                is_found = true;
                match self.cancel(run.id).await? {
                    CancelResult::Cancelled => report.cancelled += 1,
                    CancelResult::Requested => report.asked += 1,
                    // It ended meanwhile.
                    CancelResult::Finished(_) | CancelResult::NotFound => {}
                }
            }
        }
        let is_there = is_found || !self.workflow_runs(tenant, id, &[]).await?.is_empty();
        Ok(is_there.then_some(report))
    }
}
