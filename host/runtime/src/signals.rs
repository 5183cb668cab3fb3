//! Signals to runs, from outside.

use zapjobs_model::{Json, RunId, SignalName};
use zapjobs_storage::{SendSignalResult, StorageError};

use crate::client::Client;
use crate::tenant_client::TenantClient;

impl Client {
    /// Sends a signal to a run that has not ended. It is durable once this returns, and kept until
    /// the run takes it, whether or not it waits for it now. A call that is repeated sends twice.
    pub async fn signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult, StorageError> {
        self.storage().send_signal(run, name, payload).await
    }
}

impl TenantClient {
    /// Sends a signal to a run, see [`Client::signal`].
    pub async fn signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult, StorageError> {
        match self.run(run).await? {
            Some(_) => self.client().signal(run, name, payload).await,
            None => Ok(SendSignalResult::NotFound),
        }
    }
}
