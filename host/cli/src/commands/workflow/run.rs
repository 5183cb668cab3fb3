//! `zapjobs workflow run`.

use serde_json::json;
use zapjobs_model::{JobRequest, Json, Trigger};
use zapjobs_runtime::Workflow;

use super::file::{NodeFile, followed, read};
use crate::args::WorkflowRunArgs;
use crate::commands::App;
use crate::commands::submitting::{DefaultInputs, client};
use crate::errors::Done;
use crate::storage::open_existing;

pub(in crate::commands) async fn run(args: WorkflowRunArgs, app: App) -> Done {
    let file = read(&args.file)?;
    let storage = open_existing(&app.config).await?;
    let mut defaults = DefaultInputs::new(&app, &storage);
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
    let started = client(&app, &storage)?.start_workflow(workflow).await?;
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
