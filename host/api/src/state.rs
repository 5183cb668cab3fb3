//! What all handlers share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use zapjobs_model::{Run, RunId};
use zapjobs_runtime::Client;
use zapjobs_storage::Storage;

use crate::access::Caller;
use crate::http::problem::Problem;
use crate::options::{ApiOptions, WAITS_MAX};

/// The API of one storage. Cloning shares it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    client: Client,
    options: ApiOptions,
    waits: Arc<Semaphore>,
}

impl Api {
    /// The API of this storage.
    pub fn new(storage: Arc<dyn Storage>, options: ApiOptions) -> Self {
        let client = Client::new(storage)
            .with_tenants(Arc::new(options.tenants.clone()))
            .with_input_bytes_max(options.input_bytes_max);
        let waits = Arc::new(Semaphore::new(WAITS_MAX));
        Self(Arc::new(Shared { client, options, waits }))
    }

    /// How it works.
    pub fn options(&self) -> &ApiOptions {
        &self.0.options
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        self.0.client.storage()
    }

    pub(crate) fn waits(&self) -> &Arc<Semaphore> {
        &self.0.waits
    }

    /// A run that the caller may see: one of others is not there, in the same words.
    pub(crate) async fn run(&self, caller: &Caller, id: RunId) -> Result<Run, Problem> {
        let run = self.storage().run(id).await?;
        run.filter(|run| caller.sees(&run.tenant)).ok_or_else(|| Problem::unknown_run(id))
    }
}
