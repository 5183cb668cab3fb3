//! `zapjobs batch create` and `add`.

use serde_json::json;
use zapjobs_model::{JobRequest, JobType, Json, Trigger};
use zapjobs_runtime::BatchRequest;

use super::find;
use super::lines::{RunLine, read};
use crate::args::{BatchAddArgs, BatchCreateArgs, CallbackArg};
use crate::commands::App;
use crate::commands::submitting::{DefaultInputs, client};
use crate::errors::{Done, Failure};
use crate::storage::open_existing;

pub(super) async fn create(args: BatchCreateArgs, app: App) -> Done {
    let lines = args.file.as_deref().map(read).transpose()?.unwrap_or_default();
    let storage = open_existing(&app.config).await?;
    if let Some(parent) = args.parent {
        find(&app, &storage, parent).await?;
    }
    let mut requests = Requests { app: &app, defaults: DefaultInputs::new(&app, &storage) };
    let mut batch = BatchRequest::new(app.config.tenant.clone()).runs(requests.of(lines).await?);
    if let Some(name) = args.name {
        batch = batch.named(name);
    }
    if let Some(parent) = args.parent {
        batch = batch.within(parent);
    }
    if let Some(callback) = args.on_complete {
        batch = batch.on_complete(requests.callback("--on-complete", callback).await?);
    }
    if let Some(callback) = args.on_success {
        batch = batch.on_success(requests.callback("--on-success", callback).await?);
    }
    let client = client(&app, &storage)?;
    let started = match args.open {
        true => client.open_batch(batch).await?,
        false => client.start_batch(batch).await?,
    };
    storage.close().await?;
    if app.output.json {
        app.output.document(&started);
    } else {
        app.output.line(started.id);
    }
    Ok(())
}

pub(super) async fn add(args: BatchAddArgs, app: App) -> Done {
    let lines = read(&args.file)?;
    let storage = open_existing(&app.config).await?;
    find(&app, &storage, args.id).await?;
    let mut requests = Requests { app: &app, defaults: DefaultInputs::new(&app, &storage) };
    let requests = requests.of(lines).await?;
    let members =
        requests.into_iter().map(|run| JobRequest { batch: Some(args.id), ..run }).collect();
    let runs = client(&app, &storage)?.enqueue_all(members).await?;
    storage.close().await?;
    if app.output.json {
        app.output.document(&json!({ "id": args.id, "runs": runs }));
    } else {
        runs.iter().for_each(|run| app.output.line(run));
    }
    Ok(())
}

/// Makes requests of lines and callbacks.
struct Requests<'a> {
    app: &'a App,
    defaults: DefaultInputs<'a>,
}

impl Requests<'_> {
    async fn of(&mut self, lines: Vec<RunLine>) -> Done<Vec<JobRequest>> {
        let mut requests = Vec::with_capacity(lines.len());
        for line in lines {
            let request = self.request(line.job, line.input).await?;
            requests.push(JobRequest {
                queue: line.queue,
                priority: line.priority,
                max_attempts: line.max_attempts,
                tags: line.tags,
                metadata: line.metadata,
                ..request
            });
        }
        Ok(requests)
    }

    async fn callback(&mut self, flag: &str, callback: CallbackArg) -> Done<JobRequest> {
        let input = callback.input.as_deref().map(Json::parse).transpose();
        let input = input.map_err(|error| {
            Failure::usage(format!("{flag}: {error}: use JOB, or JOB=JSON with the job's input"))
        })?;
        self.request(callback.job, input).await
    }

    async fn request(&mut self, job: JobType, input: Option<Json>) -> Done<JobRequest> {
        let tenant = self.app.config.tenant.clone();
        let input = match input {
            Some(input) => input,
            None => self.defaults.of(&job).await?,
        };
        Ok(JobRequest { trigger: Trigger::Manual, ..JobRequest::new(tenant, job, input) })
    }
}
