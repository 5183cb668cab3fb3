//! What all handlers share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zapjobs_model::{Run, RunId};
use zapjobs_runtime::{Client, PluginDesk};
use zapjobs_storage::Storage;

use crate::access::{Caller, Throttles};
use crate::audit::Audit;
use crate::health::{Counters, Readiness};
use crate::http::problem::{Code, Problem};
use crate::live::Hub;
use crate::options::{ApiOptions, PUBLIC_WAITS_MAX, WAITS_MAX};
use crate::tokens::Tokens;

/// The API of one storage. Cloning shares it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    client: Client,
    options: ApiOptions,
    waits: Arc<Semaphore>,
    public_waits: Arc<Semaphore>,
    tokens: Tokens,
    audit: Audit,
    throttles: Throttles,
    hub: Arc<Hub>,
    readiness: Readiness,
    counters: Counters,
    stopping: CancellationToken,
}

impl Api {
    /// The API of this storage.
    pub fn new(storage: Arc<dyn Storage>, options: ApiOptions) -> Self {
        let client = Client::new(storage)
            .with_tenants(Arc::new(options.tenants.clone()))
            .with_input_bytes_max(options.input_bytes_max);
        let storage = client.storage();
        let (tokens, audit) = (Tokens::new(Arc::clone(storage)), Audit::new(Arc::clone(storage)));
        let waits = Arc::new(Semaphore::new(WAITS_MAX));
        let throttles = Throttles::new();
        Self(Arc::new(Shared {
            client,
            options,
            waits,
            public_waits: Arc::new(Semaphore::new(PUBLIC_WAITS_MAX)),
            tokens,
            audit,
            throttles,
            hub: Arc::new(Hub::new()),
            readiness: Readiness::default(),
            counters: Counters::default(),
            stopping: CancellationToken::new(),
        }))
    }

    /// How it works.
    pub fn options(&self) -> &ApiOptions {
        &self.0.options
    }

    /// The plugins of this host's directory.
    pub(crate) fn plugins(&self) -> Result<&PluginDesk, Problem> {
        self.0.options.plugins.as_ref().ok_or_else(|| {
            let detail = "this server has no plugins directory, or keeps no versions of it: ask a \
                          host that serves plugins";
            Problem::new(Code::NotHere, detail)
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        self.0.client.storage()
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    pub(crate) fn audit(&self) -> &Audit {
        &self.0.audit
    }

    pub(crate) fn throttles(&self) -> &Throttles {
        &self.0.throttles
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Forgets records of changes that are older than 90 days; answers how many. A server does it.
    pub async fn forget_old_records(&self) -> Result<usize, zapjobs_storage::StorageError> {
        self.0.audit.prune().await
    }

    /// Cancelled once the server stops: streams end then.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn waits(&self) -> &Arc<Semaphore> {
        &self.0.waits
    }

    pub(crate) fn public_waits(&self) -> &Arc<Semaphore> {
        &self.0.public_waits
    }

    /// A run that the caller may see: one of others is not there, in the same words.
    pub(crate) async fn run(&self, caller: &Caller, id: RunId) -> Result<Run, Problem> {
        let run = self.storage().run(id).await?;
        run.filter(|run| caller.sees(&run.tenant)).ok_or_else(|| Problem::unknown_run(id))
    }
}
