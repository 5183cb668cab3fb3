//! `zapjobs run`: one attempt, here and now.

mod sink;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;
use uuid::Uuid;
use zapjobs_model::port::{CancelReason, Cancellation, Invocation, Plugin, RunContext, Services};
use zapjobs_model::{
    JobDescription, JobType, Json, Limits, Outcome, Report, RunError, RunId, Timestamp, Trigger,
    Usage,
};
use zapjobs_runtime::InputSchema;

use super::signals::Signals;
use super::{App, input};
use crate::args::RunArgs;
use crate::commands::plugins::component::{self, Component};
use crate::errors::{Code, Done, Failure};
use crate::output::{Live, plain};
use crate::values::{nearest, rounded_size, rounded_span};
use sink::Said;

pub(super) async fn run(args: RunArgs, app: App) -> Done {
    let given = args.input.as_deref().map(input::read).transpose()?;
    let component = Component::read(&args.file, &app.config)?;
    let mut grants = component.manifest.grants();
    grants.directories.extend(args.dirs.into_iter().map(|grant| grant.0));
    let limits = component.manifest.narrow(&app.config.host.limits);
    let plugin = component::load(&app.config, &component, grants).await?;
    let job = chosen(plugin.jobs(), args.job.as_ref(), &args.file)?;
    let input = given.or_else(|| job.default_input.clone()).unwrap_or_else(Json::null);
    check_input(job, &input, &limits)?;
    let invocation = invocation(&app, job, input, limits.with_timeout(job.timeout_ms));
    let report = attempt(&app, &plugin, invocation).await?;
    show(&app, job, plugin.digest(), &report)
}

/// The job that is meant.
fn chosen<'a>(
    jobs: &'a [JobDescription],
    wanted: Option<&JobType>,
    file: &Path,
) -> Done<&'a JobDescription> {
    let names: Vec<&str> = jobs.iter().map(|job| job.job_type.as_str()).collect();
    match (wanted, jobs) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::usage(format!(
            "{} has several jobs: choose one with --job: {}",
            file.display(),
            names.join(", ")
        ))),
        (Some(wanted), _) => jobs.iter().find(|job| job.job_type == *wanted).ok_or_else(|| {
            let like = nearest(wanted.as_str(), names.iter().copied());
            let advice = like.map(|like| format!("did you mean {like}? ")).unwrap_or_default();
            Failure::usage(format!(
                "{} has no job {wanted}: {advice}it has {}",
                file.display(),
                names.join(", ")
            ))
        }),
    }
}

fn check_input(job: &JobDescription, input: &Json, limits: &Limits) -> Done {
    let bytes = input.as_str().len() as u64;
    if bytes > limits.input_bytes_max {
        return Err(Failure::usage(format!(
            "the input is {bytes} bytes long, {} are allowed: see limits.input",
            limits.input_bytes_max
        )));
    }
    let Some(schema) = &job.input_schema else { return Ok(()) };
    let schema = InputSchema::compile(schema).map_err(|problem| {
        Failure::usage(format!("the input schema of {} is invalid: {problem}", job.job_type))
    })?;
    schema.check(&job.job_type, input).map_err(|error| Failure::usage(error.to_string()))
}

fn invocation(app: &App, job: &JobDescription, input: Json, limits: Limits) -> Invocation {
    Invocation {
        context: RunContext {
            run: RunId(Uuid::now_v7()),
            tenant: app.config.tenant.clone(),
            job_type: job.job_type.clone(),
            attempt: 1,
            max_attempts: 1,
            trigger: Trigger::Manual,
            correlation_id: None,
            deadline: Some(now().plus(limits.wall_max())),
            metadata: BTreeMap::new(),
        },
        input,
        limits,
        services: Services::default(),
    }
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

/// Makes the attempt and shows what it says. A signal asks it to stop, a second one ends it.
async fn attempt(app: &App, plugin: &Arc<dyn Plugin>, invocation: Invocation) -> Done<Report> {
    let mut signals = Signals::listen()?;
    let mut live = Live::new(app.output);
    let (sink, mut heard) = sink::channel();
    let cancellation = Arc::new(Cancellation::new());
    let running =
        tokio::spawn(plugin.run(invocation, Arc::clone(&sink) as _, Arc::clone(&cancellation)));
    // The channel closes once the attempt has let go of its sink, after its last word.
    drop(sink);
    loop {
        tokio::select! {
            said = heard.recv() => match said {
                Some(Said::Log(line)) => live.log(&line),
                Some(Said::Progress(progress)) => live.progress(&progress),
                None => break,
            },
            () = signals.next() => {
                if cancellation.reason().is_some() {
                    running.abort();
                    return Err(Failure::new(Code::Interrupted, "interrupted"));
                }
                cancellation.cancel(CancelReason::Requested);
            }
        }
    }
    live.clear();
    let host_fault = |error: RunError| Failure::unavailable(format!("the sandbox failed: {error}"));
    match running.await {
        Ok(report) => report.map_err(host_fault),
        Err(_) => Err(Failure::unavailable("the sandbox failed unexpectedly")),
    }
}

fn show(app: &App, job: &JobDescription, digest: zapjobs_model::Digest, report: &Report) -> Done {
    let (outcome, output, error, after) = parts(&report.outcome);
    if app.output.json {
        app.output.document(&json!({
            "job": job.job_type, "digest": digest, "outcome": outcome, "output": output,
            "error": error, "usage": report.usage,
        }));
    } else if let Some(output) = output {
        app.output.result(output);
    }
    app.output.note(format_args!("{outcome}: {}", usage(&report.usage)));
    let Some(error) = error else {
        return match &report.outcome {
            Outcome::Completed(_) => Ok(()),
            _ => Err(Failure::new(Code::Failed, format!("{} {outcome}{after}", job.job_type))),
        };
    };
    if let Some(details) = &error.details {
        show_details(app, details);
    }
    let code = match &report.outcome {
        Outcome::Cancelled(_) => Code::Interrupted,
        _ => Code::Failed,
    };
    Err(Failure::new(
        code,
        format!("{} {outcome}: {}{after}", job.job_type, plain(&error.to_string())),
    ))
}

/// What an error says beside its message: where it happened, or whatever the job attached.
fn show_details(app: &App, details: &Json) {
    /// Characters of a job's own details that are shown.
    const DETAILS_CHARS_MAX: usize = 2_000;
    let value = details.to_value().unwrap_or_default();
    let Some(frames) = value.get("backtrace").and_then(|it| it.as_array()) else {
        let text: String = details.as_str().chars().take(DETAILS_CHARS_MAX).collect();
        app.output.note(format_args!("details: {}", plain(&text)));
        return;
    };
    for frame in frames.iter().filter_map(|it| it.as_str()) {
        app.output.note(format_args!("  at {}", plain(frame)));
    }
}

/// What an outcome is called, what it carries, and what a host would do then.
fn parts(outcome: &Outcome) -> (&'static str, Option<&Json>, Option<&RunError>, String) {
    let later = |ms: u64| rounded_span(std::time::Duration::from_millis(ms));
    match outcome {
        Outcome::Completed(output) => ("completed", Some(output), None, String::new()),
        Outcome::Retry { error, after_ms } => {
            let when = match after_ms {
                Some(ms) => format!(" (a host would try again after {})", later(*ms)),
                None => " (a host would try again)".to_owned(),
            };
            ("failed", None, Some(error), when)
        }
        Outcome::Failed(error) => ("failed", None, Some(error), String::new()),
        Outcome::Snoozed { for_ms } => {
            let when = format!(" (a host would run it again after {})", later(*for_ms));
            ("asked to be run later", None, None, when)
        }
        Outcome::Cancelled(error) => ("cancelled", None, Some(error), String::new()),
        Outcome::Stopped { error, .. } => ("was stopped", None, Some(error), String::new()),
        Outcome::Lost => ("lost", None, None, String::new()),
        Outcome::HostFault(error) => ("host fault", None, Some(error), String::new()),
        Outcome::HandedBack { error, .. } => ("handed back", None, error.as_ref(), String::new()),
    }
}

fn usage(usage: &Usage) -> String {
    let span = |us: u64| rounded_span(std::time::Duration::from_micros(us));
    let mut text = format!(
        "took {}, {} on the processor, {} of memory",
        span(usage.wall_us),
        span(usage.cpu_us),
        rounded_size(usage.memory_bytes_peak)
    );
    if usage.log_lines_dropped > 0 {
        text.push_str(&format!(", {} log lines dropped at a limit", usage.log_lines_dropped));
    }
    text
}
