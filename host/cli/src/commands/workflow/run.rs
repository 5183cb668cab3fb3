//! `zapjobs workflow run`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use zapjobs_model::{JobKey, JobRequest, JobType, Json, Trigger};
use zapjobs_runtime::{Client, Workflow};
use zapjobs_storage::Storage;

use super::file::{NodeFile, followed, read};
use crate::args::WorkflowRunArgs;
use crate::commands::App;
use crate::config::quotas;
use crate::errors::Done;
use crate::storage::open_existing;

pub(in crate::commands) async fn run(args: WorkflowRunArgs, app: App) -> Done {
    let file = read(&args.file)?;
    let storage = open_existing(&app.config).await?;
    let mut defaults = Defaults { app: &app, storage: &storage, known: HashMap::new() };
    let mut workflow = Workflow::new(file.name);
    for mut node in file.nodes {
        let input = match node.input.take() {
            Some(input) => input,
            None => defaults.of(&node.job).await?,
        };
        let after = std::mem::take(&mut node.after);
        workflow = workflow.node(node.name.clone(), request(&app, &node, input));
        for text in &after {
            let (name, on) = followed(&node.name, text)?;
            workflow = workflow.after(name, on);
        }
    }
    let tenants = quotas::read(app.config.quotas.as_deref())?;
    let client = Client::new(Arc::clone(&storage))
        .with_tenants(Arc::new(tenants))
        .with_input_bytes_max(app.config.host.limits.input_bytes_max);
    let started = client.start_workflow(workflow).await?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "id": started.id, "runs": started.runs }));
    } else {
        app.output.line(started.id);
    }
    Ok(())
}

fn request(app: &App, node: &NodeFile<Json>, input: Json) -> JobRequest {
    JobRequest {
        trigger: Trigger::Manual,
        queue: node.queue.clone(),
        priority: node.priority,
        max_attempts: node.max_attempts,
        tags: node.tags.clone(),
        ..JobRequest::new(app.config.tenant.clone(), node.job.clone(), input)
    }
}

/// The inputs of jobs where a node gives none; each job is looked up once.
struct Defaults<'a> {
    app: &'a App,
    storage: &'a Arc<dyn Storage>,
    known: HashMap<JobType, Json>,
}

impl Defaults<'_> {
    async fn of(&mut self, job: &JobType) -> Done<Json> {
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
