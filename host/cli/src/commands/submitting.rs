//! What commands that submit runs have in common.

use std::collections::HashMap;
use std::sync::Arc;

use zapjobs_model::{JobKey, JobType, Json};
use zapjobs_runtime::Client;
use zapjobs_storage::Storage;

use super::App;
use crate::config::quotas;
use crate::errors::Done;

/// A client that keeps to the quotas and the limit on inputs of this installation.
pub(super) fn client(app: &App, storage: &Arc<dyn Storage>) -> Done<Client> {
    let tenants = quotas::read(app.config.quotas.as_deref())?;
    Ok(Client::new(Arc::clone(storage))
        .with_tenants(Arc::new(tenants))
        .with_input_bytes_max(app.config.host.limits.input_bytes_max))
}

/// The inputs of jobs where none is given; each job is looked up once.
pub(super) struct DefaultInputs<'a> {
    app: &'a App,
    storage: &'a Arc<dyn Storage>,
    known: HashMap<JobType, Json>,
}

impl<'a> DefaultInputs<'a> {
    pub(super) fn new(app: &'a App, storage: &'a Arc<dyn Storage>) -> Self {
        Self { app, storage, known: HashMap::new() }
    }

    pub(super) async fn of(&mut self, job: &JobType) -> Done<Json> {
        if let Some(input) = self.known.get(job) {
            return Ok(input.clone());
        }
        let key = JobKey { tenant: self.app.config.tenant.clone(), job_type: job.clone() };
        let definition = self.storage.definition(&key).await?;
        let input = definition.map_or_else(Json::null, |it| it.default_input);
        self.known.insert(job.clone(), input.clone());
        Ok(input)
    }
}
