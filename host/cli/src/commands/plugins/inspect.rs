//! `zapjobs plugins inspect`: what a component provides and what it wants.

use serde_json::{Value, json};
use zapjobs_model::{JobDescription, Json};

use super::component::{self, Component};
use crate::args::InspectArgs;
use crate::commands::App;
use crate::errors::{Done, Failure};
use crate::output::{Output, Tone, plain};
use crate::sandbox::Inspection;
use crate::values::{format_span, rounded_size};

pub(in crate::commands) async fn inspect(args: InspectArgs, app: App) -> Done {
    let component = Component::read(&args.file, &app.config)?;
    let loaded = component::load(&app.config, &component, component.manifest.grants()).await;
    let jobs = loaded.as_ref().map(|plugin| plugin.jobs()).unwrap_or_default();
    if app.output.json {
        app.output.document(&as_json(&component, jobs, loaded.as_ref().err()));
    } else {
        show(app.output, &component, jobs);
    }
    loaded.map(drop)
}

fn as_json(component: &Component, jobs: &[JobDescription], refused: Option<&Failure>) -> Value {
    let inspection = &component.inspection;
    let imports = inspection.imports.iter();
    json!({
        "name": component.name,
        "digest": inspection.digest,
        "bytes": inspection.bytes,
        "jobs": jobs,
        "imports": imports
            .map(|import| json!({ "name": import.name, "meaning": import.meaning }))
            .collect::<Vec<_>>(),
        "exports": inspection.exports,
        "refused": refused.map(|failure| &failure.message),
    })
}

fn show(output: Output, component: &Component, jobs: &[JobDescription]) {
    let inspection = &component.inspection;
    output.line(format_args!(
        "{}  {}  {}",
        output.paint(Tone::Strong, plain(&component.name)),
        rounded_size(inspection.bytes),
        output.paint(Tone::Quiet, inspection.digest),
    ));
    for job in jobs {
        show_job(output, job);
    }
    output.line(output.paint(Tone::Strong, "\nwants"));
    for (meaning, names) in wishes(inspection) {
        let names = output.paint(Tone::Quiet, format!("({})", plain(&names.join(", "))));
        output.line(format_args!("  {meaning} {names}"));
    }
    if inspection.imports.is_empty() {
        output.line("  nothing");
    }
}

/// What a component wants, in plain words, each with the imports that say so.
pub(in crate::commands) fn wishes(inspection: &Inspection) -> Vec<(&'static str, Vec<&str>)> {
    let mut wishes: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for import in &inspection.imports {
        match wishes.iter_mut().find(|(meaning, _)| *meaning == import.meaning) {
            Some((_, names)) => names.push(&import.name),
            None => wishes.push((import.meaning, vec![&import.name])),
        }
    }
    wishes
}

fn show_job(output: Output, job: &JobDescription) {
    let title = if job.display_name == job.job_type.as_str() {
        String::new()
    } else {
        format!("  {}", plain(&job.display_name))
    };
    let name = output.paint(Tone::Good, &job.job_type);
    output.line(format_args!("\njob {name}{title}"));
    for line in job.description.lines() {
        output.line(format_args!("  {}", plain(line)));
    }
    let queue = job.queue.as_ref().map_or("default", |queue| queue.as_str());
    output.line(format_args!("  schedule  {}", plain(&job.schedule.to_string())));
    output.line(format_args!("  queue     {queue}"));
    output.line(format_args!("  retry     {}", plain(&job.retry.to_string())));
    let timeout = job.timeout_ms.map_or_else(|| "the host's limit".to_owned(), ms);
    output.line(format_args!("  timeout   {timeout}"));
    if !job.tags.is_empty() {
        let tags: Vec<&str> = job.tags.iter().map(|tag| tag.as_str()).collect();
        output.line(format_args!("  tags      {}", plain(&tags.join(", "))));
    }
    let schemas = [
        ("default", &job.default_input),
        ("input", &job.input_schema),
        ("output", &job.output_schema),
    ];
    for (title, json) in schemas {
        if let Some(json) = json {
            show_json(output, title, json);
        }
    }
}

fn ms(ms: u64) -> String {
    format_span(std::time::Duration::from_millis(ms))
}

fn show_json(output: Output, title: &str, json: &Json) {
    let pretty = json.to_value().ok().and_then(|it| serde_json::to_string_pretty(&it).ok());
    let text = pretty.unwrap_or_else(|| json.to_string());
    for (at, line) in text.lines().enumerate() {
        let title = if at == 0 { title } else { "" };
        output.line(format_args!("  {title:<9} {}", plain(line)));
    }
}
