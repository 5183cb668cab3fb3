//! What one tenant may see and do.
//!
//! **Invariant:** a run of another tenant is answered as one that is not there, in the same
//! words. A run never changes its tenant, so that what was looked at holds for what is done.

use std::time::Duration;

use zapjobs_model::{Batch, BatchId, Run, RunId, TenantId};
use zapjobs_storage::{
    BatchPage, BatchPageRequest, CancelResult, Counts, LogPage, LogPageRequest, Page,
    RequeueResult, RunFilter, RunPageRequest, StorageError,
};

use crate::batches::{BatchReport, BatchWaitError};
use crate::client::{Client, WaitError};

/// A [`Client`] that knows the runs of one tenant only.
#[derive(Clone)]
pub struct TenantClient {
    client: Client,
    tenant: TenantId,
}

impl TenantClient {
    pub(crate) const fn new(client: Client, tenant: TenantId) -> Self {
        Self { client, tenant }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Whose runs it knows.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The run, if it is there and the tenant's.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StorageError> {
        let run = self.client.storage().run(id).await?;
        Ok(run.filter(|run| run.tenant == self.tenant))
    }

    /// A page of the tenant's runs, whatever tenant the filter names.
    pub async fn runs(&self, mut request: RunPageRequest) -> Result<Page, StorageError> {
        request.filter.tenant = Some(self.tenant.clone());
        self.client.storage().runs(request).await
    }

    /// How many of the tenant's runs stand where, whatever tenant the filter names.
    pub async fn counts(&self, filter: RunFilter) -> Result<Counts, StorageError> {
        let filter = RunFilter { tenant: Some(self.tenant.clone()), ..filter };
        self.client.storage().counts(&filter).await
    }

    /// A page of a run's log; of another tenant's run it is empty, as of one that is not there.
    pub async fn log_page(&self, request: LogPageRequest) -> Result<LogPage, StorageError> {
        match self.run(request.run).await? {
            Some(_) => self.client.storage().log_page(request).await,
            None => Ok(LogPage { entries: Vec::new(), has_more: false }),
        }
    }

    /// Waits until a run has ended, see [`Client::wait`].
    pub async fn wait(&self, id: RunId, within: Option<Duration>) -> Result<Run, WaitError> {
        self.run(id).await?.ok_or(WaitError::NotFound(id))?;
        self.client.wait(id, within).await
    }

    /// Asks a run to stop.
    pub async fn cancel(&self, id: RunId) -> Result<CancelResult, StorageError> {
        match self.run(id).await? {
            Some(_) => self.client.cancel(id).await,
            None => Ok(CancelResult::NotFound),
        }
    }

    /// The batch, if it is there and the tenant's.
    pub async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StorageError> {
        let batch = self.client.storage().batch(id).await?;
        Ok(batch.filter(|batch| batch.tenant == self.tenant))
    }

    /// A page of the tenant's batches, whatever tenant the request names.
    pub async fn batches(&self, mut request: BatchPageRequest) -> Result<BatchPage, StorageError> {
        request.tenant = Some(self.tenant.clone());
        self.client.storage().batches(request).await
    }

    /// Waits until a batch is complete, see [`Client::wait_for_batch`].
    pub async fn wait_for_batch(
        &self,
        id: BatchId,
        within: Option<Duration>,
    ) -> Result<Batch, BatchWaitError> {
        self.batch(id).await?.ok_or(BatchWaitError::NotFound(id))?;
        self.client.wait_for_batch(id, within).await
    }

    /// Closes a batch and asks its members to stop, see [`Client::cancel_batch`].
    pub async fn cancel_batch(&self, id: BatchId) -> Result<Option<BatchReport>, StorageError> {
        match self.batch(id).await? {
            Some(_) => self.client.cancel_batch(id).await,
            None => Ok(None),
        }
    }

    /// Runs the failed members of a batch again, see [`Client::retry_batch`].
    pub async fn retry_batch(&self, id: BatchId) -> Result<Option<BatchReport>, StorageError> {
        match self.batch(id).await? {
            Some(_) => self.client.retry_batch(id).await,
            None => Ok(None),
        }
    }

    /// Runs a failed or cancelled run again.
    pub async fn retry(&self, id: RunId) -> Result<RequeueResult, StorageError> {
        match self.run(id).await? {
            Some(_) => self.client.retry(id).await,
            None => Ok(RequeueResult::NotFound),
        }
    }
}
