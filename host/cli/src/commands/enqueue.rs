//! `zapjobs enqueue`: asks for a run.

use std::time::Duration;

use serde_json::json;
use zapjobs_model::{
    Dependency, Due, JobDefinition, JobKey, JobRequest, Json, ParameterValues, RunId, Trigger,
};
use zapjobs_runtime::Submitted;
use zapjobs_storage::EnqueueResult;

use super::follow::follow_to_end;
use super::runs::find;
use super::{App, input, submitting};
use crate::args::EnqueueArgs;
use crate::errors::{Done, Failure};
use crate::site::Site;
use crate::storage::open_existing;

/// A host whose last sign of life is older than this is taken for dead.
const HOST_SILENT: Duration = Duration::from_secs(60);

pub(super) async fn enqueue(args: EnqueueArgs, app: App) -> Done {
    let given = match (&args.input, &args.inputs) {
        (Some(one), _) => vec![input::read(one)?],
        (None, Some(many)) => input::read_lines(many)?,
        (None, None) => Vec::new(),
    };
    let template = of_template(&args, &app).await?;
    let site = app.submitting_site().await?;
    let job = template.as_ref().map(|request| request.job_type.clone()).or(args.job.clone());
    let job_type = job.ok_or_else(|| Failure::usage("no job: name one, or a template"))?;
    let key = JobKey { tenant: site.tenant().clone(), job_type };
    let definition = site.definition(&key.job_type).await?;
    let mut after = Vec::with_capacity(args.after.len());
    for of in &args.after {
        let run = find(&*site, &of.run).await?.id;
        after.push(Dependency { run, on: of.on });
    }
    let mut requests = match template {
        Some(request) => vec![with_args(request, &args)],
        None => requests(&args, &key, given, definition.as_ref()),
    };
    requests.iter_mut().for_each(|request| request.after.clone_from(&after));
    let submitted = site.submit(requests).await?;
    submitted.iter().for_each(|submitted| note_unless_stored(&app, *submitted));
    if let Some(definition) = &definition {
        warn_if_unserved(&app, &*site, definition).await?;
    }
    match submitted.as_slice() {
        [one] if args.wait.wait => {
            follow_to_end(&app, &*site, one.id, args.wait.timeout).await?;
        }
        [one] if app.output.json && args.inputs.is_none() => {
            app.output.document(&json!({ "id": one.id, "result": word(one.result) }));
        }
        all if app.output.json => {
            let ids: Vec<RunId> = all.iter().map(|it| it.id).collect();
            let results: Vec<&str> = all.iter().map(|it| word(it.result)).collect();
            app.output.document(&json!({ "ids": ids, "results": results }));
        }
        all => all.iter().for_each(|it| app.output.line(it.id)),
    }
    site.close().await
}

const fn word(result: EnqueueResult) -> &'static str {
    match result {
        EnqueueResult::Stored => "stored",
        EnqueueResult::Existing(_) | EnqueueResult::Duplicate => "existing",
        EnqueueResult::Replaced(_) => "replaced",
    }
}

fn note_unless_stored(app: &App, submitted: Submitted) {
    let Submitted { id, result } = submitted;
    match result {
        EnqueueResult::Stored => {}
        EnqueueResult::Existing(_) | EnqueueResult::Duplicate => {
            app.output.note(format_args!("note: no new run: {id} stands for this request"));
        }
        EnqueueResult::Replaced(_) => {
            app.output.note(format_args!("note: no new run: {id} has this request's input now"));
        }
    }
}

/// A wish for each input; one with the job's own default where none is given.
fn requests(
    args: &EnqueueArgs,
    key: &JobKey,
    mut inputs: Vec<Json>,
    definition: Option<&JobDefinition>,
) -> Vec<JobRequest> {
    if inputs.is_empty() {
        inputs.push(definition.map_or_else(Json::null, |it| it.default_input.clone()));
    }
    inputs.into_iter().map(|input| request(args, key, input)).collect()
}

fn request(args: &EnqueueArgs, key: &JobKey, input: Json) -> JobRequest {
    with_args(JobRequest::new(key.tenant.clone(), key.job_type.clone(), input), args)
}

/// The request of the template that is named, if one is.
async fn of_template(args: &EnqueueArgs, app: &App) -> Done<Option<JobRequest>> {
    let Some(name) = &args.fill.template else { return Ok(None) };
    let storage = open_existing(&app.config).await?;
    let client = submitting::client(app, &storage)?;
    let values: ParameterValues = args.fill.params.iter().cloned().collect();
    if values.len() < args.fill.params.len() {
        return Err(Failure::usage("--param: a parameter is named twice: name each once"));
    }
    let request = client.request_of_template(&app.config.tenant, name, values).await?;
    storage.close().await?;
    Ok(Some(request))
}

/// A request with all that was named on the command line.
fn with_args(request: JobRequest, args: &EnqueueArgs) -> JobRequest {
    let mut metadata = request.metadata;
    metadata.extend(args.metadata.iter().cloned());
    JobRequest {
        due: match (args.delay, args.at) {
            (Some(delay), _) => Due::In(delay),
            (None, Some(at)) => Due::At(at),
            (None, None) => request.due,
        },
        trigger: Trigger::Manual,
        queue: args.queue.clone().or(request.queue),
        priority: args.priority.unwrap_or(request.priority),
        max_attempts: args.max_attempts.or(request.max_attempts),
        deadline: args.deadline,
        correlation_id: args.correlation_id.clone(),
        tags: [request.tags, args.tags.clone()].concat(),
        metadata,
        limit_key: args.limit_key.clone(),
        unique: args.unique.unique(),
        idempotency_key: args.unique.idempotency_key(),
        ..request
    }
}

/// Says where a run will wait because nothing is there to execute it.
async fn warn_if_unserved(app: &App, site: &dyn Site, definition: &JobDefinition) -> Done {
    let job = &definition.key.job_type;
    if definition.digest.is_none() {
        app.output.note(format_args!(
            "note: no plugin serves {job} now; the run waits until one is put into {}",
            app.config.plugins.display()
        ));
        return Ok(());
    }
    let now = site.now().await?;
    let Some(workers) = site.workers().await? else { return Ok(()) };
    if !workers.iter().any(|worker| now.since(worker.seen_at) < HOST_SILENT) {
        app.output.note(
            "note: no host serves this storage now; the run waits until `zapjobs serve` does",
        );
    }
    Ok(())
}
